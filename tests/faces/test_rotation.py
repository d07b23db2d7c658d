"""Rotation and DiVeQ in Keras layers: dtypes, second derivatives, XLA and checks of numerics (VQ-27)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vq_layer import Rotation, VectorQuantization

# A vector at a quarter turn from the embedding (0, 4), one opposite to it, a zero vector, one that is not finite.
X = np.array([[2.0, 0.0], [0.0, -1.0], [0.0, 0.0], [np.nan, 1.0]], np.float32)
UPSTREAM = np.array([[1.0, 3.0], [1.0, 3.0], [1.0, 3.0], [1.0, 3.0]], np.float32)
PASSED = [[6, -2], [4, -12], [1, 3], [1, 3]]
# For DiVeQ the first vector is the embedding.
DIVEQ_X = np.array([[0.0, 4.0], *X[1:]], np.float32)
PASSED_BY_DIVEQ = [[1, 3], [1, 0], [1, 0], [1, 3]]
EXACT = [("rotation", X, PASSED), ("diveq", DIVEQ_X, PASSED_BY_DIVEQ)]


def layer_of(estimator="rotation", **options):
    layer = VectorQuantization(1, comparison="linf", losses=[], estimator=estimator, **options)
    layer.build(X.shape)
    layer.emb_space.assign([[0.0, 4.0]])
    return layer


@pytest.mark.clause(
    "VQ-27.1", "VQ-27.3", "VQ-27.5", "VQ-27.6", "VQ-27.11", "VQ-27.12", "VQ-27.13", "VQ-27.14", "VQ-27.16"
)
@pytest.mark.parametrize(("estimator", "vectors", "expected"), EXACT)
@pytest.mark.parametrize("dtype", ["float64", "float32", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_on_axes_the_gradient_is_exact_in_every_dtype(estimator, vectors, expected, dtype, jit_compile):
    layer = layer_of(estimator, dtype=dtype)

    @tf.function(jit_compile=jit_compile)
    def gradient(x, upstream):
        with tf.GradientTape() as tape:
            tape.watch(x)
            layer_out = layer(x)
        return layer_out, tape.gradient(layer_out, x, upstream)

    x, upstream = (tf.cast(it, layer.compute_dtype) for it in (vectors, UPSTREAM))
    layer_out, passed = gradient(x, upstream)
    assert layer_out.dtype == passed.dtype == layer.compute_dtype
    np.testing.assert_array_equal(tf.cast(layer_out, tf.float32), [[0, 4]] * 3 + [[np.nan] * 2])
    np.testing.assert_array_equal(tf.cast(passed, tf.float32), expected)


@pytest.mark.clause("VQ-3.2", "VQ-27.2", "VQ-27.12", "VQ-27.15")
@pytest.mark.parametrize(("estimator", "jacobian_of_ones"), [("rotation", [[-2, 2]]), ("diveq", [[1.2, 0.6]])])
def test_what_is_passed_on_has_no_derivative_but_by_what_arrives(estimator, jacobian_of_ones):
    layer, x, upstream = layer_of(estimator), tf.constant(X[:1]), tf.constant(UPSTREAM[:1])
    sources = [x, layer.emb_space.value]
    with tf.GradientTape(persistent=True) as outer:
        outer.watch([*sources, upstream])
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(sources)
            layer_out = layer(x)
        passed, to_emb_space = tape.gradient(layer_out, sources, upstream)
    assert to_emb_space is None
    assert outer.gradient(passed, sources) == [None, None]
    # The Jacobian turns ones a quarter and doubles them, or takes out what lies along (-2, 4); 16 roundings at most.
    np.testing.assert_allclose(outer.gradient(passed, upstream), jacobian_of_ones, rtol=16 * 2.0**-24)


@pytest.mark.clause("VQ-27.10")
def test_a_vector_that_is_any_number_of_times_opposite_is_told():
    x = tf.constant([[0.3, 0.7, -0.1]]) * 3.0
    emb_space = tf.constant([[0.3, 0.7, -0.1]]) * -1.0
    upstream = tf.constant([[1.0, 2.0, 3.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        layer_out = Rotation()(x, emb_space)
    found = tape.gradient(layer_out, x, upstream).numpy()
    direction = np.array([0.3, 0.7, -0.1]) / np.linalg.norm([0.3, 0.7, -0.1])
    expected = (np.array([1, 2, 3]) - 2 * direction * (direction @ [1, 2, 3])) / 3
    np.testing.assert_allclose(found[0], expected, atol=32 * 2.0**-24)


@pytest.mark.clause("VQ-27.5", "VQ-27.13")
@pytest.mark.parametrize(("estimator", "vectors", "expected"), EXACT)
def test_nothing_on_the_way_is_infinite_or_no_number(estimator, vectors, expected):
    layer, x = layer_of(estimator), tf.constant(vectors[:3])
    tf.debugging.enable_check_numerics()
    try:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x) * UPSTREAM[:3])
        np.testing.assert_array_equal(tape.gradient(loss, x), expected[:3])
    finally:
        tf.debugging.disable_check_numerics()


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_model_learns_by_it_and_goes_on_from_a_file(tmp_path, jit_compile):
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).standard_normal([64, 4]).astype(np.float32)
    quantizer = VectorQuantization(16, losses=["codebook", "commitment"], estimator="rotation", num_splits=2)
    model = keras.Sequential([keras.layers.Input([4]), keras.layers.Dense(4), quantizer, keras.layers.Dense(4)])
    model.compile("adam", "mse", jit_compile=jit_compile)
    before = model.layers[0].get_weights()[0]
    model.fit(x, x, epochs=2, verbose=0)
    assert np.abs(model.layers[0].get_weights()[0] - before).max() > 0
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[1].quantizer.estimator == Rotation()
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
