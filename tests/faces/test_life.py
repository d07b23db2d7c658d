"""The life of a layer in Keras: built, called, trained, saved and asked for shapes, in models of every kind."""

import itertools
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest

import vq_layer
from vq_layer import PCA, FromBatch, MostDistant, VectorQuantization

ROOT = Path(__file__).parents[2]
X = np.random.default_rng(0).standard_normal((5, 3, 6)).astype(np.float32)
POLICIES = ("float32", "float64", "mixed_float16", "mixed_bfloat16")


def per_split(**how):
    losses = ["codebook", "commitment"]
    return VectorQuantization(4, num_splits=2, codebooks="per-split", start="normal", losses=losses, **how)


def replacing(**how):
    return vq_layer.presets.adversarial_2018(4, start=FromBatch(), replacement=MostDistant(2, every=2), **how)


def on_sphere(**how):
    return VectorQuantization(4, comparison="cosine", start=FromBatch("sample"), estimator="rotation", **how)


def reduced(**how):
    return VectorQuantization(4, comparison=PCA("l2", "pca-emb-space", 2), estimator="diveq", **how)


def voting(**how):
    return vq_layer.CosineKNNVectorQuantization([0, 0, 1, 1], 2, 3, 4, num_splits=2, majority_threshold=0.7, **how)


def dropping(**how):
    return vq_layer.ResidualVectorQuantization(4, 2, num_splits=2, quantizer_dropout=True, start="normal", **how)


def sharing(**how):
    return vq_layer.ResidualVectorQuantization(4, 2, shared=True, start="normal", **how)


LAYERS = {
    "default": lambda **how: VectorQuantization(4, num_splits=2, **how),
    "per split": per_split,
    "replacing": replacing,
    "on the sphere": on_sphere,
    "reduced": reduced,
    "cosine": lambda **how: vq_layer.CosineVectorQuantization(4, num_splits=2, **how),
    "voting": voting,
    "residual": dropping,
    "shared residual": sharing,
    "finite scalar": lambda **how: vq_layer.FiniteScalarQuantization([3, 4, 3], num_splits=2, **how),
}
every_layer = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
started = pytest.mark.filterwarnings("ignore:all embeddings of the layer:UserWarning")  # a start awaits its batch


def shapes_of(structure):
    return keras.tree.map_structure(lambda it: tuple(it.shape), structure)


def dtypes_of(structure):
    return keras.tree.map_structure(lambda it: keras.backend.standardize_dtype(it.dtype), structure)


def assert_same(one, other):
    keras.tree.map_structure(np.testing.assert_array_equal, one, other)


def check_configuration(make):
    """Require of the configuration, as JSON, that it gives the same layer, with the same attributes."""
    layer = make()
    config = layer.get_config()
    again = type(layer).from_config(json.loads(json.dumps(config, allow_nan=False)))
    assert again.get_config() == config
    assert dir(again) == dir(layer)
    assert vars(again).keys() == vars(layer).keys()


def check_calls(make, x):
    """Require of an eager and a symbolic call, of building, and of what is told before, one opinion of all shapes."""
    layer, called, symbolic = make(), make(), make()
    spec, shape = layer.compute_output_spec(keras.KerasTensor(x.shape)), layer.compute_output_shape(x.shape)
    assert (layer.built, layer.weights) == (False, [])
    symbols, result = symbolic(keras.Input(batch_shape=x.shape)), called(x)
    assert isinstance(shape, type(result) if isinstance(result, tuple) else tuple)
    assert shape == shapes_of(spec) == shapes_of(symbols) == shapes_of(result)
    assert dtypes_of(spec) == dtypes_of(symbols) == dtypes_of(result)
    before, losses = called.get_weights(), called.losses
    assert called.compute_output_shape(x.shape) == shape
    assert_same(called.get_weights(), before)
    assert list(map(id, called.losses)) == list(map(id, losses))
    layer.build(x.shape)
    for other in (called, symbolic):
        assert weights_of(other) == weights_of(layer)
    assert {weight.dtype for weight in layer.weights if "float" in weight.dtype} <= {layer.variable_dtype}


def weights_of(layer):
    return [(it.path.split("/", 1)[1], it.shape, it.dtype, it.trainable) for it in layer.weights]


def check_training(make, x, folder):
    """Require of a model of the layer that it takes a step of `fit`, is saved, loaded, cloned and predicts in parts."""
    model = keras.Sequential([keras.Input((None, x.shape[-1])), make(), keras.layers.Dense(2)])
    model.compile("sgd", "mse", jit_compile=False)
    assert np.isfinite(model.fit(x, x[..., :2], verbose=0).history["loss"]).all()
    model.save(folder / "model.keras")
    loaded, clone = keras.models.load_model(folder / "model.keras"), keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    expected = model(x)
    # The last layer sums 6 products below 8, in an order that may go by the size of the batch: 6 roundings of 48 2^-24.
    same = partial(np.testing.assert_allclose, desired=expected, rtol=0, atol=6 * 48 * 2**-24)
    same(clone(x))
    same(loaded.predict(x, verbose=0, batch_size=2))  # the last of the batches has one row


@every_layer
def test_its_configuration_gives_the_same_layer(make):
    check_configuration(make)


@started
@pytest.mark.long
@pytest.mark.parametrize(("name", "policy"), list(zip(LAYERS, itertools.cycle(POLICIES), strict=False)))
@pytest.mark.parametrize("return_endpoints", [False, True])
def test_its_shapes_dtypes_and_weights_are_known_before_it_is_built(name, policy, return_endpoints):
    check_calls(partial(LAYERS[name], dtype=policy, return_endpoints=return_endpoints), X)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", sorted(LAYERS.keys() - {"per split", "reduced", "shared residual"})
)  # whose own tests do so
def test_it_is_trained_saved_cloned_and_predicts_a_last_batch_that_is_smaller(tmp_path, name):
    check_training(LAYERS[name], X, tmp_path)


def coded(layer, *axes):
    """Return models of the codes of a layer of x, of both, and of the vectors of codes: one layer in all of them."""
    x = keras.Input((*axes, 6))
    layer_out, codes = layer(x), layer.encode(x)
    indices = keras.Input(codes.shape[1:], dtype="int32")
    return keras.Model(x, codes), keras.Model(x, [layer_out, codes]), keras.Model(indices, layer.decode(indices))


@started
@pytest.mark.parametrize(("name", "policy"), list(zip(LAYERS, itertools.cycle(POLICIES), strict=False)))
def test_codes_and_their_vectors_are_outputs_of_functional_models(name, policy):
    layer = LAYERS[name](dtype=policy)
    encoder, both, decoder = coded(layer, None)
    layer(X, training=True)
    assert (encoder.output.dtype, decoder.output.dtype) == ("int64", layer.compute_dtype)
    codes = layer.encode(X)
    assert encoder.output.shape == (None, None, *codes.shape[2:])
    assert decoder.output.shape == (None, None, 6)
    assert_same(encoder(X), codes)
    assert_same(decoder(codes), layer.decode(codes))
    assert_same(both(X)[1], codes)
    for model in (encoder, both, decoder):
        assert model.layers[-1] is layer
        assert [id(weight) for weight in model.weights] == [id(weight) for weight in layer.weights]


def test_a_model_of_codes_builds_a_layer_learns_nothing_and_counts_nothing():
    layer, x, indices = VectorQuantization(4, start="normal"), keras.Input((3, 6)), keras.Input((3, 1), dtype="uint8")
    encoder = keras.Model(x, layer.encode(x))
    decoder = keras.Model(indices, layer.decode(indices))
    before = [variable.numpy() for variable in layer.variables]
    for training in (False, True):
        decoder(encoder(X, training=training), training=training)
        assert encoder.losses == decoder.losses == layer.losses == []
    assert_same([variable.numpy() for variable in layer.variables], before)


def test_a_model_of_codes_sees_what_the_layer_has_learned_in_another():
    layer, x = VectorQuantization(4, start=FromBatch()), keras.Input((3, 6))
    trained, encoder = keras.Model(x, layer(x)), keras.Model(x, layer.encode(x))
    trained(X, training=True)
    assert len(trained.losses) == 1
    assert np.unique(encoder(X)).size > 1
    assert_same(encoder(X), layer.encode(X))


def test_the_mask_of_what_is_encoded_is_that_of_the_codes():
    words = keras.Input((3,), dtype="int32")
    vectors = keras.layers.Embedding(5, 6, mask_zero=True)(words)
    codes = VectorQuantization(4, start="normal").encode(vectors)
    model = keras.Model(words, codes)
    np.testing.assert_array_equal(model(np.array([[1, 2, 0]]))._keras_mask, [[True, True, False]])


@pytest.mark.parametrize("num_stages", [1, 2])
def test_a_functional_model_of_the_first_stages(num_stages):
    layer, x = dropping(), keras.Input((3, 6))
    codes = layer.encode(x, num_stages)
    model = keras.Model(x, [codes, layer.decode(codes)])
    expected = layer.encode(X, num_stages)
    assert_same(model(X), [expected, layer.decode(expected)])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["default", "residual", "finite scalar"])
def test_models_of_codes_are_cloned_saved_and_loaded(tmp_path, name):
    layer = LAYERS[name](start="normal") if name == "default" else LAYERS[name]()
    codes = np.array(layer.encode(X))
    for model, given in zip(coded(layer, None), (X, X, codes), strict=True):
        model.save(tmp_path / "model.keras")
        loaded, clone = keras.models.load_model(tmp_path / "model.keras"), keras.models.clone_model(model)
        clone.set_weights(model.get_weights())
        for it in (loaded, clone):
            assert_same(it(given), model(given))
            assert len(it.layers) == 2


@pytest.mark.process
def test_a_model_of_codes_predicts_in_a_program_that_only_imports_the_package(tmp_path):
    layer = VectorQuantization(4, start="normal", num_splits=2)
    encoder, _, decoder = coded(layer, 3)
    encoder.save(tmp_path / "encoder.keras")
    decoder.save(tmp_path / "decoder.keras")
    np.save(tmp_path / "x.npy", X)
    code = "import numpy as np, keras, vq_layer; codes, vectors = map(keras.models.load_model, "
    code += "['encoder.keras', 'decoder.keras']); i = codes.predict(np.load('x.npy'), batch_size=2, verbose=0); "
    code += "np.savez('out.npz', i, vectors.predict(i, batch_size=2, verbose=0))"
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"
    subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, check=True, capture_output=True)
    codes, vectors = np.load(tmp_path / "out.npz").values()
    np.testing.assert_array_equal(codes, layer.encode(X), strict=True)
    np.testing.assert_array_equal(vectors, layer.decode(codes), strict=True)


def test_a_shape_that_a_call_would_refuse_has_no_output_shape():
    layer = VectorQuantization(4)
    layer.build((None, 6))
    with pytest.raises(ValueError, match=r"the last axis of `x` must be 6, .*Received: x.shape=\(None, 7\)"):
        layer.compute_output_shape((None, 7))


def test_what_is_no_method_for_codes_is_refused():
    with pytest.raises(ValueError, match=r"`method` must be 'encode' or 'decode'. Received: method='build'"):
        VectorQuantization(4)(X, method="build")


class Wrapping(keras.Model):
    """A subclassed model of a functional model of a sequential one that holds the layer, which it shares."""

    def __init__(self, layer):
        super().__init__()
        self.inner = keras.Sequential([keras.Input((3, 6)), layer])
        first, second = keras.Input((3, 6)), keras.Input((3, 6))
        self.outer = keras.Model([first, second], [self.inner(first), layer(second)])

    def call(self, x, training=None):
        """Give it x in the one, and -x in the other."""
        return self.outer([x, -x], training=training)


def test_a_layer_that_nested_models_share_has_the_losses_and_the_counts_of_all_its_calls():
    layer = VectorQuantization(4, start="normal")
    model = Wrapping(layer)
    outputs = model(X, training=True)
    assert shapes_of(outputs) == [X.shape, X.shape]
    expected = [0.25 * np.mean((x - y) ** 2) for x, y in zip((X, -X), outputs, strict=True)]
    np.testing.assert_allclose(
        sorted(model.losses), sorted(expected), rtol=90 * 2**-23
    )  # means of 90 squares, in float32
    counted = next(metric for metric in layer.metrics if metric.name == "perplexity")
    assert counted.access_count.numpy().sum() == 2 * 15
    assert [id(weight) for weight in model.weights] == [id(weight) for weight in layer.weights]
    assert model.inner.compute_output_shape((None, 3, 6)) == (None, 3, 6)


def test_a_layer_over_each_step_of_time_learns_as_if_called_once():
    layer, alone = (VectorQuantization(4, start=X.reshape(-1, 6)[:4]) for _ in range(2))
    outputs = keras.layers.TimeDistributed(layer)(X, training=True)
    np.testing.assert_array_equal(outputs, alone(X, training=True))
    # The sum of c <= 15 numbers below 4, over c: at most c roundings of 4c 2^-24, over c; and 5 more for the rest.
    np.testing.assert_allclose(layer.emb_space, alone.emb_space, rtol=0, atol=(15 + 5) * 4 * 2**-24)
    symbol = keras.layers.TimeDistributed(layer)(keras.Input((None, 7, 6)))
    assert symbol.shape == (None, None, 7, 6)


@every_layer
def test_a_summary_tells_its_output_shape_and_parameters(make):
    layer, lines = make(), []
    keras.Sequential([keras.Input((3, 6)), layer]).summary(print_fn=lambda text, **_: lines.append(text))
    row = next(line for line in "".join(lines).splitlines() if layer.name[:12] in line)
    assert "(None, 3, 6)" in row
    assert f"{layer.count_params():,}" in row


@pytest.mark.parametrize("name", LAYERS)
def test_a_batch_of_no_vectors_is_of_no_consequence(name):
    layer = LAYERS[name]()
    layer(X, training=True)
    before = layer.get_weights()
    for shape in ((0, 3, 6), (2, 0, 6)):
        nothing = np.zeros(shape, np.float32)
        for training in (True, False):
            assert layer(nothing, training=training).shape == shape
            of_inputs = layer.losses[: len(layer.losses) - (name == "replacing")]  # and not the last, of embeddings
            assert list(map(float, of_inputs)) == [0.0] * len(of_inputs)
        assert layer.encode(nothing).shape[:2] == shape[:2]
    after = layer.get_weights()
    assert all(np.isfinite(weight).all() for weight in after)
    for weight, was, now in zip(layer.weights, before, after, strict=True):
        if weight.name == "emb_space" and name != "replacing":  # by what it had gathered before
            np.testing.assert_array_equal(now, was)
    assert np.isfinite(layer(X, training=True)).all()


def test_a_start_waits_for_a_batch_that_holds_vectors():
    layer, other = VectorQuantization(4), VectorQuantization(4)
    layer(X[:0], training=True)
    assert not layer.initialized.numpy()
    np.testing.assert_array_equal(layer(X, training=True), other(X, training=True))
