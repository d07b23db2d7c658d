"""The reduction in the functions and the layers: what is refused and when, fit, saving, export (VQ-8, VQ-16)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import vq_layer

pytestmark = pytest.mark.slow  # it trains

v1 = tf.compat.v1

MODES = ("pca-batch", "pca-emb-space")
LABELS = np.array([0, 1, 0])
FUNCTIONS = {
    "vq": vq_layer.vector_quantization,
    "cosine": vq_layer.cosine_vector_quantization,
    "knn": lambda x, n, **more: vq_layer.cosine_knn_vector_quantization(x, LABELS[:n], 2, 1, n, **more),
}
LAYERS = {
    "vq": vq_layer.presets.adversarial_2018,
    "cosine": vq_layer.CosineVectorQuantization,
    "knn": lambda n, **more: vq_layer.CosineKNNVectorQuantization(
        emb_labels=LABELS[:n], num_classes=2, k=1, n=n, **more
    ),
}


def reduced(face, n, mode, components, **more):
    """Return a layer that compares in a space of principal components."""
    of = "l2" if face == "vq" else "cosine"
    return LAYERS[face](n, comparison=vq_layer.PCA(of, mode, components), **more)


every_face = pytest.mark.parametrize("face", LAYERS)

REFUSED = [  # the names stand in for those of the face
    ("pca", 1, ValueError, r"`{fit}` must be 'pca-batch' or 'pca-emb-space'. Received: {fit}='pca'"),
    (True, 1, TypeError, r"`{fit}` must be a string. Received: {fit}=True"),
    ("pca-batch", 0, ValueError, r"must be at least 1. Received: {components}=0"),
    ("pca-emb-space", -1, ValueError, r"must be at least 1. Received: {components}=-1"),
    ("pca-batch", 1.5, TypeError, r"`{components}` must be an integer. Received: {components}=1.5"),
    ("pca-batch", 5, ValueError, r"`{components}` must be at most .* = 4 .*Received: {components}=5, d=4, n=3"),
    ("pca-emb-space", 3, ValueError, r"`{components}` must be at most .* = 2 .*Received: {components}=3, (d=4, )?n=3"),
]
refused = pytest.mark.parametrize(("mode", "components", "error", "message"), REFUSED)


def inputs(*shape, dtype=np.float32):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


def too_few():
    """Return a batch with one finite vector: with 2 embeddings 3 rows to fit, too few for 3 components."""
    return np.array([[[1, 0, 0, 0], [np.nan, 1, 0, 0], [0, np.inf, 1, 0]]], np.float32)


@pytest.mark.clause("VQ-16.1", "VQ-16.2", "VQ-16.3", "VQ-16.17", "VQ-16.18")
@every_face
@refused
def test_a_function_refuses_a_wrong_reduction_before_anything_is_built(face, mode, components, error, message):
    with tf.Graph().as_default() as graph:
        x = v1.placeholder("float32", [None, 1, 4])
        message = message.format(fit="dim_reduction", components="num_dim_reduction_components")
        with pytest.raises(error, match=message):
            FUNCTIONS[face](x, 3, dim_reduction=mode, num_dim_reduction_components=components)
        assert [op.type for op in graph.get_operations()] == ["Placeholder"]


@pytest.mark.clause("VQ-16.1", "VQ-16.2", "VQ-16.3", "VQ-16.17", "VQ-16.18")
@every_face
@refused
def test_a_layer_refuses_a_wrong_reduction_before_it_has_weights(face, mode, components, error, message):
    with pytest.raises(error, match=message.format(fit="PCA.fit", components="PCA.components")):
        reduced(face, 3, mode, components).build((None, 4))


@pytest.mark.clause("VQ-8.17", "VQ-16.18")
@every_face
@pytest.mark.parametrize("mode", MODES)
def test_as_many_components_as_there_are_may_be_asked_for_as_a_numpy_integer_too(face, mode):
    most = np.int64(min(4, 3 - 1 if mode == "pca-emb-space" else 4))
    layer = reduced(face, 3, mode, most)
    assert layer(inputs(2, 4)).shape == (2, 4)
    assert keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer)).get_config()


@every_face
def test_components_without_a_mode_mean_nothing(face):
    with tf.Graph().as_default():
        x = v1.placeholder("float32", [2, 1, 4])
        assert FUNCTIONS[face](x, 3, num_dim_reduction_components=99).shape == (2, 1, 4)


@pytest.mark.clause("VQ-8.17", "VQ-16.27")
@every_face
def test_in_a_session_too_few_finite_rows_to_fit_are_an_invalid_argument(face):
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder("float32", [None, None, 4])
        layer_out = FUNCTIONS[face](x, 2, dim_reduction="pca-batch", num_dim_reduction_components=3)
        session.run(v1.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match="num_dim_reduction_components"):
            session.run(layer_out, {x: too_few()})
        more = np.concatenate([too_few(), np.eye(4, dtype=np.float32)[np.newaxis, :3]])
        assert np.isnan(session.run(layer_out, {x: more})).sum() == 8


@pytest.mark.clause("VQ-8.17", "VQ-16.27")
@every_face
@pytest.mark.parametrize("wrap", [lambda call: call, tf.function], ids=["eager", "tf.function"])
def test_in_a_layer_too_few_finite_rows_to_fit_are_an_invalid_argument(face, wrap):
    layer = reduced(face, 2, "pca-batch", 3)
    layer.build((None, None, 4))
    for call in (layer, layer.encode):
        with pytest.raises(tf.errors.InvalidArgumentError, match="num_dim_reduction_components"):
            wrap(call)(tf.constant(too_few()))


@pytest.mark.clause("VQ-8.3", "VQ-8.17", "VQ-16.27")
def test_embeddings_that_are_not_finite_may_leave_too_few_to_fit():
    layer = reduced("vq", 3, "pca-emb-space", 2)
    layer.build((None, 4))
    layer.emb_space.assign(np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, np.nan, 0]]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="num_dim_reduction_components"):
        layer(inputs(2, 4))


@pytest.mark.clause("VQ-13.2", "VQ-13.13")
@every_face
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_vector_that_is_not_finite_has_no_finite_projection(face, value):
    layer = reduced(face, 1, "pca-batch", 1)
    layer.build((None, 1))
    layer.emb_space.assign([[1.0]])
    indices = layer.encode(np.array([[value], [-1], [1]], np.float32)).numpy()  # the one axis is that of the space
    np.testing.assert_array_equal(indices[:, 0], [-1, 0, 0])


def model_of(layer):
    model = keras.Sequential([keras.layers.Input((3, 4)), layer])
    model.compile(keras.optimizers.SGD(0.1))
    return model


@pytest.mark.clause("VQ-16.27", "VQ-16.28")
def test_fit_does_not_compile_so_that_it_refuses_too_few_rows_and_changes_nothing():
    layer = reduced("vq", 2, "pca-batch", 3)
    model = model_of(layer)
    before = layer.emb_space.numpy()
    with pytest.raises(tf.errors.InvalidArgumentError, match="num_dim_reduction_components"):
        model.fit(too_few(), verbose=0)
    assert not layer.supports_jit
    np.testing.assert_array_equal(layer.emb_space, before)


@pytest.mark.long
@pytest.mark.clause("VQ-7.1")
@pytest.mark.parametrize(
    ("mode", "policy"),
    [("pca-batch", "mixed_bfloat16"), ("pca-emb-space", "float64")],
)
def test_fit_trains_in_a_reduced_space(mode, policy):
    start = keras.initializers.RandomNormal(seed=0)  # some starts are close to the end
    losses = [vq_layer.Alpha(1), vq_layer.Beta(0.1), vq_layer.Coulomb()]
    layer = reduced("vq", 5, mode, 2, losses=losses, start=start, dtype=policy)
    model, x = model_of(layer), inputs(8, 3, 4)
    before = layer.emb_space.numpy()
    history = model.fit(x, epochs=40, verbose=0, shuffle=False).history["loss"]  # the axes move, too: slowly
    assert history[-1] < history[0]
    assert not np.array_equal(layer.emb_space, before)
    assert np.isfinite(layer.emb_space).all()


@pytest.mark.parametrize(("face", "mode"), [("vq", MODES[0]), ("cosine", MODES[1]), ("knn", MODES[0])])
def test_a_saved_model_comes_back_with_its_reduction(tmp_path, face, mode):
    layer = reduced(face, 3, mode, 2, name="codes")
    model, x = model_of(layer), inputs(8, 3, 4)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("codes").get_config() == layer.get_config()
    assert loaded.get_layer("codes").quantizer.comparison.fit == mode
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


def test_an_exported_model_reduces_what_it_serves(tmp_path):
    model = model_of(reduced("vq", 5, "pca-batch", 2))
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    for batch in (1, 4):
        np.testing.assert_array_equal(served.serve(inputs(batch, 3, 4)), model(inputs(batch, 3, 4)))
