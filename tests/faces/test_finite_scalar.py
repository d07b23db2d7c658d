"""The layer `FiniteScalarQuantization` (VQ-29)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import vq_layer
from vq_layer.core.finite_scalar import rounded
from vq_verify.comparison.scalar import levels_at
from vq_verify.strategies.scalar import middles

LEVELS = (3, 4)
X = np.array([[-9.0, 0.3], [0.6, 9.0], [0.0, 0.0]], np.float32)
OUT, CODES = np.array([[-1, 0], [1, 0.5], [0, 0]], np.float32), np.array([[6], [11], [7]])


def layer_of(levels=LEVELS, **arguments):
    return vq_layer.FiniteScalarQuantization(levels, **arguments)


@pytest.mark.clause("VQ-29.4", "VQ-29.5")
@pytest.mark.parametrize("how", [{}, {"jit_compile": False}, {"jit_compile": True}])
def test_the_nearest_integer_is_the_even_one_of_two(how):
    bound = tf.constant([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49999997, -0.75])
    function = tf.function(rounded, **how) if how else rounded
    np.testing.assert_array_equal(function(bound), [-2, -2, 0, 0, 2, 2, 0, -1])


@pytest.mark.clause("VQ-29.13")
@pytest.mark.parametrize("trainable", [False, True])
@pytest.mark.parametrize("training", [False, True, None])
def test_there_are_no_weights_and_no_losses_and_training_does_the_same(trainable, training):
    layer = layer_of(trainable=trainable)
    np.testing.assert_array_equal(layer(X, training=training), OUT)
    assert (layer.weights, layer.losses) == ([], [])


def test_codes_have_the_axes_of_x_and_are_decoded_before_anything_is_built():
    x = np.tile(X, (2, 5, 1, 2))
    layer = layer_of(num_splits=2)
    codes = layer.encode(x)
    np.testing.assert_array_equal(codes, np.tile(CODES, (2, 5, 1, 2)))
    fresh = layer_of(num_splits=2)
    np.testing.assert_array_equal(fresh.decode(codes), layer(x))
    assert not fresh.built


@pytest.mark.clause("VQ-29.14")
def test_endpoints_are_those_that_there_are():
    endpoints = layer_of(return_endpoints=True)(X)
    assert isinstance(endpoints, vq_layer.Endpoints)
    assert endpoints._fields == ("layer_out", "emb_index", "access_count")
    assert endpoints.emb_space is None
    np.testing.assert_array_equal(endpoints.emb_index, CODES)
    np.testing.assert_array_equal(np.flatnonzero(endpoints.access_count), [6, 7, 11])
    assert endpoints.access_count.dtype == tf.float32
    assert layer_of((2**10, 2**10), return_endpoints=True)(X).access_count.shape == (2**20,)
    many = layer_of((2**11, 2**10), return_endpoints=True)
    assert many(X)._fields == ("layer_out", "emb_index")
    assert many.metrics == []


@pytest.mark.clause("VQ-29.10")
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16", "float64"])
def test_every_code_is_reached_under_every_policy(policy):
    levels = (8, 8, 8, 6, 5)  # 15,360 codes, more than a half type counts to
    x = middles(levels_at(np.arange(15360), levels), levels, "float32")
    layer = layer_of(levels, dtype=policy)
    codes = layer.encode(x)
    np.testing.assert_array_equal(codes[:, 0], np.arange(15360))
    layer_out = layer(x)
    assert layer_out.dtype.name == policy.removeprefix("mixed_")
    np.testing.assert_array_equal(layer.decode(codes), layer_out)


@pytest.mark.clause("VQ-29.6", "VQ-29.19")
@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_graphs_and_xla_give_the_values_of_the_plain_layer_bit_for_bit(dtype):
    levels = (255, 15, 1000)  # compilers replace a division by 127, 7 or 500
    layer = layer_of(levels, dtype=dtype)
    index = np.random.default_rng(0).integers(0, np.prod(levels), 1000)
    x = middles(levels_at(index, levels), levels, dtype).astype(dtype)
    expected = layer(x).numpy()
    for jit_compile in (False, True):
        codes = tf.function(layer.encode, jit_compile=jit_compile)(tf.constant(x))
        np.testing.assert_array_equal(codes[:, 0], index)
        for decode in (layer.decode, tf.function(layer.decode, jit_compile=jit_compile)):
            np.testing.assert_array_equal(decode(codes), expected)
        np.testing.assert_array_equal(tf.function(layer, jit_compile=jit_compile)(tf.constant(x)), expected)


@pytest.mark.clause("VQ-29.20")
def test_an_index_out_of_range_is_an_error_and_under_xla_a_row_of_nan():
    layer = layer_of()
    for dtype in ("int8", "uint8", "int32", "uint64"):
        np.testing.assert_array_equal(layer.decode(CODES.astype(dtype)), OUT)
    for wrong in (np.array([[12]]), np.array([[-2]]), np.array([[2**64 - 1]], np.uint64)):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"`emb_index` must lie in \[0, n\) = \[0, 12\)"):
            layer.decode(wrong)
    codes = tf.constant([[12], [-2], [-1], [11]])
    rows = tf.function(layer.decode, jit_compile=True)(codes)
    np.testing.assert_array_equal(rows, [[np.nan] * 2] * 3 + [[1, 0.5]])


@pytest.mark.clause("VQ-16.8", "VQ-16.9")
def test_codes_of_no_integers_or_of_other_splits_are_refused():
    with pytest.raises(TypeError, match=r"`emb_index` must have an integer dtype"):
        layer_of().decode([[1.0]])
    with pytest.raises(ValueError, match=r"the last axis of `emb_index` must be num_splits=1"):
        layer_of().decode([[1, 2]])


@pytest.mark.clause("VQ-29.21", "VQ-29.22", "VQ-29.23")
@pytest.mark.parametrize(
    ("levels", "error", "message"),
    [
        (4, TypeError, r"`levels` must be a list or tuple of integers. Received: levels=4"),
        ("33", TypeError, r"`levels` must be a list or tuple of integers. Received: levels='33'"),
        ([], ValueError, r"`levels` must hold at least one integer. Received: levels=\[\]"),
        ([3, 2.0], TypeError, r"`levels` must hold integers. Received: levels=\[3, 2.0\]"),
        ([3, True], TypeError, r"`levels` must hold integers. Received: levels=\[3, True\]"),
        ([3, 1], ValueError, r"`levels` must be from 2 to 2\^16 each. Received: levels=\[3, 1\]"),
        ([3, 65537], ValueError, r"`levels` must be from 2 to 2\^16 each"),
        ([2**16] * 3 + [2**15], ValueError, r"the product of `levels` must be below 2\^63. Received: levels=\[65536"),
    ],
)
def test_wrong_levels_are_named_with_their_rule_and_value(levels, error, message):
    with pytest.raises(error, match=message):
        layer_of(levels)


@pytest.mark.clause("VQ-16.4", "VQ-16.5", "VQ-16.6", "VQ-16.12", "VQ-29.24")
def test_a_wrong_input_is_refused_before_anything_is_built():
    with pytest.raises(ValueError, match=r"`num_splits` must be at least 1"):
        layer_of(num_splits=0)
    for use in (lambda layer, x: layer(x), lambda layer, x: layer.encode(x)):
        layer = layer_of(num_splits=2)
        for x, error, message in (
            (
                np.ones((2, 5), np.float32),
                ValueError,
                r"`levels` must hold one for each .*levels=\[3, 4\], num_splits=2",
            ),
            (np.ones(4, np.float32), ValueError, r"`x` must have the shape \[batch, ..., q\]"),
            (np.ones((2, 4), np.int32), TypeError, r"`x` must have a floating dtype"),
        ):
            with pytest.raises(error, match=message):
                use(layer, x)
        assert not layer.built
        layer.build((None, 4))
        with pytest.raises(ValueError, match=r"the last axis of `x` must be 4, as the layer was built for"):
            use(layer, np.ones((2, 5), np.float32))


def test_a_configuration_gives_the_same_layer():
    layer = layer_of(num_splits=2, return_endpoints=True, name="grid", dtype="mixed_float16")
    again = vq_layer.FiniteScalarQuantization.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert (again.levels, again.num_splits, again.n) == (LEVELS, 2, 12)
    numpy_integers = layer_of(list(np.array(LEVELS))).get_config()["levels"]
    assert list(map(type, numpy_integers)) == [int, int]


@pytest.mark.slow
@pytest.mark.parametrize("return_endpoints", [False, True])
def test_a_functional_model_is_saved_and_loaded(tmp_path, return_endpoints):
    inputs = keras.Input((5, 4))
    result = layer_of(num_splits=2, return_endpoints=return_endpoints)(inputs)
    assert (result.layer_out if return_endpoints else result).shape == (None, 5, 4)
    outputs = [result.layer_out, result.emb_index] if return_endpoints else [result]
    model = keras.Model(inputs, outputs)
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)
    for value, expected in zip(keras.models.load_model(tmp_path / "model.keras")(x), model(x), strict=True):
        np.testing.assert_array_equal(value, expected)


@pytest.mark.clause("VQ-29.12", "VQ-29.13")
@pytest.mark.slow
@pytest.mark.parametrize(("policy", "jit_compile"), [("float32", True), ("float64", False), ("mixed_float16", False)])
def test_fit_trains_what_comes_before_and_reports_the_usage(policy, jit_compile):
    keras.utils.set_random_seed(0)
    before = keras.layers.Dense(6, dtype=policy)
    model = keras.Sequential([keras.Input((4,)), before, layer_of((3, 4, 5), num_splits=2, dtype=policy)])
    model.compile(keras.optimizers.SGD(0.1), loss="mse", jit_compile=jit_compile)
    x = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    kernel = before.kernel.numpy()
    history = model.fit(x, np.tanh(x[:, :1]) * np.ones((1, 6), np.float32), epochs=4, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert not np.array_equal(before.kernel.numpy(), kernel)
    assert all(1 < value <= 60 for value in history["perplexity"])
    evaluated = model.evaluate(x, np.zeros((64, 6)), verbose=0, return_dict=True)
    used = np.unique(model.layers[-1].encode(before(x)))
    np.testing.assert_allclose(evaluated["codebook_usage"], len(used) / 60, rtol=2.0**-23)


@pytest.mark.slow
def test_metrics_are_told_apart_from_those_of_a_codebook():
    codes, grid = vq_layer.VectorQuantization(4, start="normal", name="vq"), layer_of(name="fsq")
    model = keras.Sequential([keras.Input((2,)), codes, grid])
    model.compile("sgd", loss="mse")
    evaluated = model.evaluate(X, X, verbose=0, return_dict=True)
    assert {f"{name}_{of}" for name in ("vq", "fsq") for of in ("perplexity", "codebook_usage")} <= set(evaluated)


def test_an_inference_is_counted_if_the_losses_are_read_and_else_not():
    layer = layer_of()
    layer(X)
    layer(X)
    assert not layer.metrics[0].access_count.numpy().any()
    assert layer.losses == []
    np.testing.assert_array_equal(layer.metrics[0].access_count.numpy().nonzero(), [[6, 7, 11]])


@pytest.mark.clause("VQ-29.17")
def test_the_mask_of_keras_leaves_vectors_out_and_passes_through():
    words = np.array([[1, 0], [2, 0]])
    embedded = keras.layers.Embedding(3, 2, mask_zero=True)(words)
    endpoints = layer_of(return_endpoints=True)(embedded)
    np.testing.assert_array_equal(endpoints.layer_out[:, 1], embedded[:, 1])
    np.testing.assert_array_equal(endpoints.emb_index[:, 1], [-1, -1])
    following = keras.layers.GlobalAveragePooling1D()(endpoints.layer_out)  # takes the mask of what it is given
    np.testing.assert_array_equal(following, endpoints.layer_out[:, 0])
    with pytest.raises(TypeError, match=r"`mask` must be of the dtype bool"):
        layer_of()(X, mask=np.ones(3, np.int32))


@pytest.mark.clause("VQ-29.15", "VQ-29.16")
def test_numerics_of_vectors_that_are_all_finite_pass_the_check_of_tensorflow():
    tf.debugging.enable_check_numerics()
    try:
        with tf.GradientTape() as tape:
            x = tf.constant(np.where(X > 1, np.finfo(np.float32).max, X))
            tape.watch(x)
            layer_out = layer_of()(x)
        assert np.isfinite(tape.gradient(layer_out, x)).all()
    finally:
        tf.debugging.disable_check_numerics()


@pytest.mark.parametrize("shape", [(0, 2), (2, 0, 2)])
def test_an_empty_batch_has_no_codes(shape):
    layer, x = layer_of(), np.zeros(shape, np.float32)
    assert layer(x).shape == shape
    assert layer.encode(x).shape == (*shape[:-1], 1)
    assert layer.decode(layer.encode(x)).shape == shape
