"""What only the Keras layers promise: any rank, fit, configuration, saving, mixed precision, encode and decode."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import vq_layer


def model_of(layer, q=6):
    return keras.Sequential([keras.layers.Input((4, q)), layer])


def inputs(*shape, dtype=np.float32):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


@pytest.mark.clause("VQ-2")
@pytest.mark.parametrize("shape", [(3, 6), (3, 4, 6), (3, 2, 2, 6), (0, 2, 2, 6), (3, 0, 6)])
def test_any_rank_from_two_is_quantized_along_its_last_axis(shape):
    layer, x = vq_layer.VectorQuantization(5, num_splits=2), inputs(*shape)
    layer_out = layer(x)
    assert layer_out.shape == shape
    rows = layer(x.reshape(-1, 6))
    np.testing.assert_array_equal(np.reshape(layer_out, (-1, 6)), rows)


@pytest.mark.clause("VQ-2")
@pytest.mark.parametrize("unknown", [(0,), (1, 2), (2,)])
def test_any_axis_but_the_last_may_be_unknown(unknown):
    layer, x = vq_layer.VectorQuantization(5, num_splits=2), inputs(3, 2, 4, 6)
    expected, codes = layer(x), layer.encode(x)
    spec = tf.TensorSpec([None if axis in unknown else length for axis, length in enumerate(x.shape)], tf.float32)
    call, encode = (tf.function(function, [spec]) for function in (layer, layer.encode))
    np.testing.assert_array_equal(call(x), expected)
    np.testing.assert_array_equal(encode(x), codes)
    assert call.get_concrete_function().structured_outputs.shape.as_list() == spec.shape


@pytest.mark.clause("VQ-2")
def test_decoding_the_codes_gives_the_output():
    layer, x = vq_layer.VectorQuantization(5, num_splits=3), inputs(2, 4, 6)
    codes = layer.encode(x)
    assert codes.shape == (2, 4, 3)
    np.testing.assert_array_equal(layer.decode(codes), layer(x))


@pytest.mark.clause("VQ-13")
def test_decode_gives_nan_for_minus_one_and_refuses_any_other_index_out_of_range():
    layer = vq_layer.VectorQuantization(5)
    layer.build((None, 2))
    assert np.isnan(layer.decode([[-1]])).all()
    for index in (-2, 5):
        with pytest.raises(tf.errors.InvalidArgumentError, match=rf"{index}"):
            layer.decode([[index]])


@pytest.mark.clause("VQ-5")
def test_fit_adds_the_losses_and_moves_the_embeddings():
    layer = vq_layer.VectorQuantization(5, num_splits=2)
    model, x = model_of(layer), inputs(8, 4, 6)
    before = layer.emb_space.numpy()
    model.compile(keras.optimizers.Adam(0.1))
    history = model.fit(x, epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert not np.array_equal(layer.emb_space.numpy(), before)


@pytest.mark.clause("VQ-5")
def test_with_no_loss_the_embedding_space_is_not_trainable():
    layer = vq_layer.VectorQuantization(5, alpha=0, beta=0, gamma=0)
    layer(inputs(2, 6))
    assert layer.losses == []
    assert layer.trainable_weights == []
    assert len(layer.non_trainable_weights) == 1


@pytest.mark.clause("VQ-3")
def test_the_gradient_passes_through_the_layer_to_what_comes_before():
    model = keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(6), vq_layer.VectorQuantization(5)])
    x = inputs(3, 6)
    with tf.GradientTape() as tape:
        target = tf.reduce_sum(model(x))
    gradient = tape.gradient(target, model.layers[0].trainable_weights[0])
    # d sum(x W) / dW: each column is the sum of the rows of x, six float32 additions at most.
    np.testing.assert_allclose(gradient, np.tile(x.sum(axis=0)[:, np.newaxis], 6), rtol=1e-5)


@pytest.mark.parametrize("lookup_ord", [1, 2, np.inf])
def test_a_saved_model_comes_back_whole(tmp_path, lookup_ord):
    layer = vq_layer.VectorQuantization(5, 0.3, 0, 0.2, lookup_ord, num_splits=2, name="codes")
    model, x = model_of(layer), inputs(8, 4, 6)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("codes").get_config() == layer.get_config()
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


def test_a_layer_comes_back_from_its_configuration():
    layer = vq_layer.VectorQuantization(5, embedding_initializer="zeros", return_endpoints=True, dtype="float64")
    again = vq_layer.VectorQuantization.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again(inputs(2, 6, dtype=np.float64)).distance.dtype == tf.float64


def test_an_exported_model_serves_any_batch(tmp_path):
    model, x = model_of(vq_layer.VectorQuantization(5)), inputs(3, 4, 6)
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    np.testing.assert_array_equal(served.serve(x), model(x))


@pytest.mark.clause("VQ-14")
@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_under_a_mixed_policy_the_embeddings_stay_float32(half):
    layer = vq_layer.VectorQuantization(5, dtype=f"mixed_{half}")
    layer_out = layer(inputs(3, 6))
    assert layer_out.dtype.name == half
    assert layer.emb_space.dtype == "float32"
    assert {loss.dtype.name for loss in layer.losses} == {"float32"}


@pytest.mark.clause("VQ-14")
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_fit_trains_under_every_policy_beside_the_loss_of_the_model(policy):
    layer = vq_layer.VectorQuantization(5, dtype=policy)
    model, x = model_of(layer), inputs(8, 4, 6)
    before = layer.emb_space.numpy()
    model.compile(keras.optimizers.SGD(0.1), loss="mse")
    assert np.isfinite(model.fit(x, x, verbose=0).history["loss"]).all()
    assert not np.array_equal(layer.emb_space, before)


POLICIES = ("float64", "float32", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")


@pytest.fixture
def set_floatx():
    before = keras.config.floatx()
    yield keras.config.set_floatx
    keras.config.set_floatx(before)


@pytest.mark.clause("VQ-14")
@pytest.mark.parametrize("floatx", ["float64", "float32", "float16", "bfloat16"])
def test_keras_sums_the_losses_of_layers_of_all_policies_with_that_of_the_model(set_floatx, floatx):
    set_floatx(floatx)
    layers = [vq_layer.VectorQuantization(5, dtype=policy) for policy in POLICIES]
    model, x = keras.Sequential(layers), inputs(3, 6)
    for loss, optimizer in ((None, "sgd"), ("mse", keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()))):
        model.compile(optimizer, loss=loss)
        total = model.compute_loss(x, x, model(x, training=True))
        assert total.dtype.name == floatx
        assert np.isfinite(total.numpy().astype(np.float64))
    assert len(model.losses) == 3 * len(layers)


@pytest.mark.clause("VQ-14")
def test_the_gradients_of_the_losses_keep_float64_whatever_floatx_is(set_floatx):
    layer, x, gradients = vq_layer.VectorQuantization(5, dtype="float64"), inputs(3, 6, dtype=np.float64), []
    for floatx in ("float64", "float32"):
        set_floatx(floatx)
        with tf.GradientTape() as tape:
            layer(x)
            total = tf.add_n(layer.losses)
        gradients.append(tape.gradient(total, layer.emb_space.value))
    np.testing.assert_array_equal(*gradients, strict=True)
    assert gradients[0].dtype == tf.float64


def test_endpoints_are_outputs_of_a_functional_model():
    x = keras.Input((4, 6))
    endpoints = vq_layer.VectorQuantization(5, return_endpoints=True)(x)
    assert isinstance(endpoints, vq_layer.VQEndpoints)
    assert (endpoints.replace_embeds, endpoints.emb_space_batch_init) == (None, None)
    model = keras.Model(x, [endpoints.layer_out, endpoints.access_count, endpoints.distance])
    layer_out, access_count, distance = model(inputs(3, 4, 6))
    assert layer_out.shape == (3, 4, 6)
    assert tf.reduce_sum(access_count) == 12
    assert distance.shape == (3, 4, 5)


@pytest.mark.clause("VQ-16")
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n": 0}, ValueError, r"`n` must be at least 1. Received: n=0"),
        ({"num_splits": -1}, ValueError, r"`num_splits` must be at least 1. Received: num_splits=-1"),
        ({"lookup_ord": 0}, ValueError, r"`lookup_ord` must be one of 1, 2 and inf. Received: lookup_ord=0"),
        ({"alpha": tf.constant(1.0)}, TypeError, r"`alpha` must be a number"),
        ({"beta": 10**400}, ValueError, r"`beta` must fit into a float. Received: beta=10{400}$"),
        ({"gamma": np.inf}, ValueError, r"`gamma` must be finite. Received: gamma=inf"),
    ],
)
def test_a_wrong_argument_is_named_with_its_rule_and_value(arguments, error, message):
    with pytest.raises(error, match=message):
        vq_layer.VectorQuantization(**{"n": 3, **arguments})


@pytest.mark.clause("VQ-16")
def test_a_wrong_input_is_refused():
    layer = vq_layer.VectorQuantization(3, num_splits=4)
    with pytest.raises(ValueError, match=r"`num_splits` must divide the last axis of `x`"):
        layer(inputs(2, 6))
    with pytest.raises(ValueError, match="min_ndim=2"):
        vq_layer.VectorQuantization(3)(inputs(6))
    with pytest.raises(TypeError, match=r"`x` must have a floating dtype"):
        vq_layer.VectorQuantization(3)(np.ones((2, 6), np.int32))
