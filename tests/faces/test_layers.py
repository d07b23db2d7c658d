"""What only the Keras layers promise: any rank, fit, configuration, saving, mixed precision, encode and decode."""

import copy
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import vq_layer
from reference.decoding import decoded


def model_of(layer, q=6):
    return keras.Sequential([keras.layers.Input((4, q)), layer])


def vote(n=5, **arguments):
    return vq_layer.CosineKNNVectorQuantization(np.arange(n), n, 1, n, **arguments)


def plain(n=5, **arguments):
    return vq_layer.presets.adversarial_2018(n, **arguments)


def cosine(n=5, **arguments):
    return vq_layer.CosineVectorQuantization(n, **arguments)


def built(kind=plain, **arguments):
    """Return a layer for vectors of size 2."""
    layer = kind(**arguments)
    layer.build((None, 2 * layer.num_splits))
    return layer


VALUES = np.array([[0.1, -1], [1 / 3, np.inf], [5, np.nan]], np.float32)  # not finite: JSON knows no such numbers

KINDS = pytest.mark.parametrize("kind", [plain, cosine, vote])
USES = pytest.mark.parametrize(
    "use",
    [
        lambda layer, x: layer(x),
        lambda layer, x: layer.encode(x),
        lambda layer, x: layer.initialize_from_batch(x),
    ],
    ids=["call", "encode", "initialize_from_batch"],
)


def inputs(*shape, dtype=np.float32):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


@pytest.mark.clause("VQ-2.4", "VQ-16.4")
@pytest.mark.parametrize("shape", [(3, 6), (3, 4, 6), (3, 2, 2, 6), (0, 2, 2, 6), (3, 0, 6)])
def test_any_rank_from_two_is_quantized_along_its_last_axis(shape):
    layer, x = vq_layer.presets.adversarial_2018(5, num_splits=2), inputs(*shape)
    layer_out = layer(x)
    assert layer_out.shape == shape
    rows = layer(x.reshape(-1, 6))
    np.testing.assert_array_equal(np.reshape(layer_out, (-1, 6)), rows)


@pytest.mark.clause("VQ-2.4", "VQ-16.5")
@pytest.mark.parametrize("unknown", [(0,), (1, 2), (2,)])
def test_any_axis_but_the_last_may_be_unknown(unknown):
    layer, x = vq_layer.presets.adversarial_2018(5, num_splits=2), inputs(3, 2, 4, 6)
    expected, codes = layer(x), layer.encode(x)
    spec = tf.TensorSpec([None if axis in unknown else length for axis, length in enumerate(x.shape)], tf.float32)
    call, encode = (tf.function(function, [spec]) for function in (layer, layer.encode))
    np.testing.assert_array_equal(call(x), expected)
    np.testing.assert_array_equal(encode(x), codes)
    assert call.get_concrete_function().structured_outputs.shape.as_list() == spec.shape


@pytest.mark.clause("VQ-2.5")
def test_decoding_the_codes_gives_the_output():
    layer, x = vq_layer.presets.adversarial_2018(5, num_splits=3), inputs(2, 4, 6)
    codes = layer.encode(x)
    assert codes.shape == (2, 4, 3)
    np.testing.assert_array_equal(layer.decode(codes), layer(x))


@pytest.mark.clause("VQ-13.26", "VQ-13.27", "VQ-16.27")
def test_decode_gives_nan_for_minus_one_and_refuses_any_other_index_out_of_range():
    layer = built(n=5)
    assert np.isnan(layer.decode([[-1]])).all()
    for index in (-2, 5):
        for decode in (layer.decode, tf.function(layer.decode)):
            with pytest.raises(tf.errors.InvalidArgumentError, match=rf"(?s)`emb_index` must lie in \[0, n\).*{index}"):
                decode([[0], [1], [2], [index]])


@pytest.mark.clause("VQ-13.27", "VQ-16.27")
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"])
def test_codes_of_every_integer_dtype_are_decoded_and_none_wraps_around_into_the_range(dtype):
    layer, largest = built(n=3), np.iinfo(dtype).max
    codes = np.array([[2], [0]], dtype)
    np.testing.assert_array_equal(layer.decode(codes), decoded(layer.emb_space.numpy(), codes[:, 0]))
    for index in {largest, largest // 2, np.iinfo(dtype).min} - {0}:
        with pytest.raises(tf.errors.InvalidArgumentError, match="`emb_index` must lie in"):
            layer.decode(np.array([[index]], dtype))


@pytest.mark.clause("VQ-13.28", "VQ-16.29")
@pytest.mark.parametrize("dtype", ["int32", "uint64"])
def test_compiled_where_nothing_raises_an_index_out_of_range_decodes_to_nan(dtype):
    layer, largest = built(n=3), np.iinfo(dtype).max
    rows = tf.function(layer.decode, jit_compile=True)(np.array([[3], [1], [largest]], dtype))
    np.testing.assert_array_equal(rows, [[np.nan] * 2, layer.emb_space.numpy()[1], [np.nan] * 2])


@pytest.mark.clause("VQ-16.2", "VQ-16.3", "VQ-16.8", "VQ-16.9")
@pytest.mark.parametrize(
    ("emb_index", "error", "message"),
    [
        (np.zeros((2, 3)), TypeError, "`emb_index` must have an integer dtype. Received: emb_index.dtype=float64"),
        (np.zeros((2, 3), bool), TypeError, "`emb_index` must have an integer dtype. Received: emb_index.dtype=bool"),
        ([[0, 1]], ValueError, r"the last axis of `emb_index` must be num_splits=3. Received: shape \(1, 2\)"),
        (np.zeros((3, 1), int), ValueError, "the last axis of `emb_index` must be num_splits=3"),
        (0, ValueError, r"the last axis of `emb_index` must be num_splits=3. Received: shape \(\)"),
        (keras.Input((4, 2), dtype="int32"), ValueError, "the last axis of `emb_index` must be num_splits=3"),
    ],
)
def test_codes_of_another_dtype_or_shape_are_refused(emb_index, error, message):
    with pytest.raises(error, match=message):
        built(num_splits=3).decode(emb_index)


@pytest.mark.clause("VQ-16.10")
@pytest.mark.parametrize("use", ["decode", "replace_embeds"])
def test_what_needs_the_embeddings_says_that_the_layer_must_be_built(use):
    layer = vq_layer.presets.adversarial_2018(5, replacement=vq_layer.MostDistant(1))
    with pytest.raises(ValueError, match=f"`{use}` needs a layer that is built: .*Received: built=False"):
        getattr(layer, use)(*[[[0]]][: use == "decode"])


@pytest.mark.slow
@pytest.mark.clause("VQ-5.7")
def test_fit_adds_the_losses_and_moves_the_embeddings():
    layer = vq_layer.presets.adversarial_2018(5, num_splits=2)
    model, x = model_of(layer), inputs(8, 4, 6)
    before = layer.emb_space.numpy()
    model.compile(keras.optimizers.Adam(0.1))
    history = model.fit(x, epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert not np.array_equal(layer.emb_space.numpy(), before)


@pytest.mark.clause("VQ-5.2", "VQ-5.12")
def test_with_no_loss_the_embedding_space_is_not_trainable():
    for losses in ([], [vq_layer.Alpha(0), vq_layer.Beta(0), vq_layer.Coulomb(0)]):
        layer = vq_layer.presets.adversarial_2018(5, losses=losses)
        layer(inputs(2, 6))
        assert layer.losses == []
        assert layer.trainable_weights == []
        assert len(layer.non_trainable_weights) == 1


@pytest.mark.clause("VQ-3.1")
def test_the_gradient_passes_through_the_layer_to_what_comes_before():
    model = keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(6), vq_layer.presets.adversarial_2018(5)])
    x = inputs(3, 6)
    with tf.GradientTape() as tape:
        target = tf.reduce_sum(model(x))
    gradient = tape.gradient(target, model.layers[0].trainable_weights[0])
    # d sum(x W) / dW: each column is the sum of the rows of x, six float32 additions at most.
    np.testing.assert_allclose(gradient, np.tile(x.sum(axis=0)[:, np.newaxis], 6), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("comparison", ["l1", "l2", "linf"])
def test_a_saved_model_comes_back_whole(tmp_path, comparison):
    losses = [vq_layer.Alpha(0.3), vq_layer.Coulomb(0.2)]
    layer = vq_layer.presets.adversarial_2018(5, comparison=comparison, losses=losses, num_splits=2, name="codes")
    model, x = model_of(layer), inputs(8, 4, 6)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("codes").get_config() == layer.get_config()
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.clause("VQ-16.31")
@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (plain, {"comparison": "linf", "start": VALUES}),
        (vote, {"n": 3, "majority_threshold": np.inf, "start": VALUES}),
        (vote, {"n": 3, "majority_threshold": -np.inf}),
        (plain, {"comparison": vq_layer.PCA(components=np.int64(2)), "replacement": vq_layer.MostDistant(1)}),
    ],
)
def test_the_json_of_a_model_holds_no_number_that_json_does_not_know(kind, arguments):
    def refuse(constant):
        raise AssertionError(constant)

    text = model_of(kind(**{"n": 3, **arguments}), q=2).to_json()
    json.loads(text, parse_constant=refuse)
    assert keras.models.model_from_json(text).to_json() == text


@pytest.mark.parametrize(
    "positional",
    [
        lambda: vq_layer.VectorQuantization(64, 16),
        lambda: vq_layer.CosineVectorQuantization(64, None),
        lambda: vq_layer.CosineKNNVectorQuantization([0], 1, 1, 1, None),
    ],
)
def test_what_follows_n_goes_by_name_alone(positional):
    with pytest.raises(TypeError, match=r"positional arguments? but"):
        positional()


@pytest.mark.clause("VQ-5.9")
def test_a_negative_weight_reverses_its_loss():
    losses = []
    for weight in (0.5, -0.5):
        all_losses = [kind(weight) for kind in (vq_layer.Alpha, vq_layer.Beta, vq_layer.Coulomb)]
        layer = built(n=3, start=inputs(3, 2), losses=all_losses)
        layer(inputs(4, 2, dtype=np.float64))
        losses.append(np.array(layer.losses))
    np.testing.assert_array_equal(losses[1], -losses[0])


def test_a_layer_comes_back_from_its_configuration():
    layer = vq_layer.presets.adversarial_2018(5, start="zeros", return_endpoints=True, dtype="float64")
    again = vq_layer.VectorQuantization.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again(inputs(2, 6, dtype=np.float64)).distance.dtype == tf.float64


@keras.saving.register_keras_serializable()
def ones(shape, dtype=None):
    return tf.ones(shape, dtype)


FORMS = {
    "array": VALUES,
    "list": VALUES.tolist(),
    "tensor": tf.constant(VALUES),
    "variable": keras.Variable(VALUES),
    "float64": VALUES.astype(np.float64),
    "bfloat16": tf.constant([[1, 2]] * 3, tf.bfloat16),
    "integers": np.arange(6).reshape(3, 2),
    "constant": keras.initializers.Constant(VALUES),
    "number": keras.initializers.Constant(2.0),
    "name": "ones",
    "class": keras.initializers.Ones,
    "initializer": keras.initializers.RandomUniform(seed=1),
    "configuration": keras.initializers.serialize(keras.initializers.RandomUniform(seed=1)),
    "function": ones,
}


@KINDS
@pytest.mark.parametrize("form", FORMS)
def test_an_initializer_in_every_form_starts_a_layer_again_from_its_configuration(form, kind):
    layer = built(kind, n=3, start=FORMS[form])
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer), allow_nan=False))
    again = keras.saving.deserialize_keras_object(config)  # which builds it, too
    np.testing.assert_array_equal(again.emb_space.numpy(), layer.emb_space.numpy(), strict=True)
    if form in ("array", "list", "tensor", "variable", "float64", "constant"):
        np.testing.assert_array_equal(layer.emb_space, VALUES)


def test_a_layer_of_float64_starts_with_all_bits_of_an_array_of_float64():
    values = np.random.default_rng(0).standard_normal((3, 2))
    layer = built(n=3, start=values, dtype="float64")
    np.testing.assert_array_equal(layer.emb_space.numpy(), values, strict=True)


@pytest.mark.slow
def test_a_model_that_started_from_an_array_is_saved_cloned_and_copied(tmp_path):
    model = model_of(vq_layer.presets.adversarial_2018(3, start=VALUES), q=2)
    layer = model.layers[0]
    layer.emb_space.assign(2 * VALUES)
    model.save(tmp_path / "model.keras")
    for copied in (keras.models.load_model(tmp_path / "model.keras"), copy.deepcopy(model)):
        np.testing.assert_array_equal(copied.layers[0].emb_space, layer.emb_space)
    np.testing.assert_array_equal(keras.models.clone_model(model).layers[0].emb_space, VALUES)


@pytest.mark.clause("VQ-16.2", "VQ-16.3", "VQ-16.15")
@KINDS
@pytest.mark.parametrize(
    ("initializer", "error", "message"),
    [
        (
            VALUES[:2],
            ValueError,
            r"values of `start` must have the shape \[n, d\] = \[3, d\].*\(2, 2\)",
        ),
        (VALUES[0].tolist(), ValueError, r"`start` must have the shape \[n, d\]. Received: \(2,\)"),
        (
            keras.initializers.Constant(VALUES[:1]),
            ValueError,
            r"`start` must have the shape .*\(1, 2\)",
        ),
        (np.array([["a"] * 2] * 3), TypeError, "values of `start` must be numbers. Received: dtype"),
        ("foo", ValueError, "`start` must be an initializer.* Received: start='foo'"),
        (3, ValueError, "`start` must be an initializer of Keras.* Received: start=3"),
    ],
)
def test_a_wrong_initializer_is_refused_at_once(initializer, error, message, kind):
    with pytest.raises(error, match=message):
        kind(n=3, start=initializer)


@pytest.mark.clause("VQ-16.1", "VQ-16.15")
@pytest.mark.parametrize(
    "initializer",
    [np.ones((3, 4)), keras.initializers.Constant(np.ones((3, 4))), lambda _, dtype: tf.ones([3, 4], dtype)],
)
def test_an_initializer_for_another_size_of_vectors_is_refused_when_the_layer_is_built(initializer):
    layer = vq_layer.presets.adversarial_2018(3, start=initializer)
    with pytest.raises(ValueError, match=r"`start` must have the shape \[n, d\] = \[3, 2\].*\(3, 4\)"):
        layer.build((None, 2))
    assert layer.weights == []


@pytest.mark.slow
def test_an_exported_model_serves_any_batch(tmp_path):
    model, x = model_of(vq_layer.presets.adversarial_2018(5)), inputs(3, 4, 6)
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    np.testing.assert_array_equal(served.serve(x), model(x))


@pytest.mark.clause("VQ-14.4", "VQ-14.6")
@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_under_a_mixed_policy_the_embeddings_stay_float32(half):
    layer = vq_layer.presets.adversarial_2018(5, dtype=f"mixed_{half}")
    layer_out = layer(inputs(3, 6))
    assert layer_out.dtype.name == half
    assert layer.emb_space.dtype == "float32"
    assert {loss.dtype.name for loss in layer.losses} == {"float32"}


@pytest.mark.slow
@pytest.mark.clause("VQ-14.7")
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_fit_trains_under_every_policy_beside_the_loss_of_the_model(policy):
    layer = vq_layer.presets.adversarial_2018(5, dtype=policy)
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


@pytest.mark.clause("VQ-14.7")
@pytest.mark.parametrize("floatx", ["float64", "float32", "float16", "bfloat16"])
def test_keras_sums_the_losses_of_layers_of_all_policies_with_that_of_the_model(set_floatx, floatx):
    set_floatx(floatx)
    layers = [vq_layer.presets.adversarial_2018(5, dtype=policy) for policy in POLICIES]
    model, x = keras.Sequential(layers), inputs(3, 6)
    for loss, optimizer in ((None, "sgd"), ("mse", keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()))):
        model.compile(optimizer, loss=loss)
        total = model.compute_loss(x, x, model(x, training=True))
        assert total.dtype.name == floatx
        assert np.isfinite(total.numpy().astype(np.float64))
    assert len(model.losses) == 3 * len(layers)


@pytest.mark.clause("VQ-14.8")
def test_the_gradients_of_the_losses_keep_float64_whatever_floatx_is(set_floatx):
    layer, x, gradients = vq_layer.presets.adversarial_2018(5, dtype="float64"), inputs(3, 6, dtype=np.float64), []
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
    endpoints = vq_layer.presets.adversarial_2018(5, return_endpoints=True)(x)
    assert isinstance(endpoints, vq_layer.Endpoints)
    assert (endpoints.similarity_values, endpoints.identity_mapping_mask) == (None, None)
    model = keras.Model(x, [endpoints.layer_out, endpoints.access_count, endpoints.distance])
    layer_out, access_count, distance = model(inputs(3, 4, 6))
    assert layer_out.shape == (3, 4, 6)
    assert tf.reduce_sum(access_count) == 12
    assert distance.shape == (3, 4, 5)


@pytest.mark.clause("VQ-16.2", "VQ-16.3", "VQ-16.11", "VQ-16.12")
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n": 0}, ValueError, r"`n` must be at least 1. Received: n=0"),
        ({"num_splits": -1}, ValueError, r"`num_splits` must be at least 1. Received: num_splits=-1"),
    ],
)
def test_a_wrong_argument_is_named_with_its_rule_and_value(arguments, error, message):
    with pytest.raises(error, match=message):
        vq_layer.presets.adversarial_2018(**{"n": 3, **arguments})


@pytest.mark.clause("VQ-16.2", "VQ-16.3", "VQ-16.13", "VQ-16.14", "VQ-17.1")
@pytest.mark.parametrize(
    ("part", "error", "message"),
    [
        (lambda: vq_layer.Norm(0), ValueError, r"`Norm.p` must be a number of at least 1.* Received: Norm.p=0"),
        (lambda: vq_layer.Norm("2"), TypeError, r"`Norm.p` must be a number. Received: Norm.p='2'"),
        (lambda: vq_layer.Alpha("1"), TypeError, r"`Alpha.weight` must be a number. Received: Alpha.weight='1'"),
        (lambda: vq_layer.Beta(10**400), ValueError, r"`Beta.weight` must fit into a float. .*weight=10{400}$"),
        (lambda: vq_layer.Coulomb(np.inf), ValueError, r"`Coulomb.weight` must be finite. .*Coulomb.weight=inf"),
    ],
)
def test_a_wrong_field_of_a_part_is_named_with_its_rule_and_value(part, error, message):
    with pytest.raises(error, match=message):
        part()


@pytest.mark.clause("VQ-16.1", "VQ-16.2", "VQ-16.3", "VQ-16.4", "VQ-16.6", "VQ-16.7")
@USES
@KINDS
def test_a_wrong_input_is_refused_before_anything_is_built(kind, use):
    layer = kind(num_splits=4)
    for x, error, message in (
        (inputs(2, 6), ValueError, r"`num_splits` must divide the last axis of `x`"),
        (inputs(8), ValueError, r"`x` must have the shape \[batch, ..., q\], of a known rank.*x.shape=\(8,\)"),
        (np.ones((2, 8), np.int32), TypeError, r"`x` must have a floating dtype. Received: x.dtype=int32"),
        (np.ones((2, 8), bool), TypeError, r"`x` must have a floating dtype. Received: x.dtype=bool"),
        ([[1] * 8], TypeError, r"`x` must have a floating dtype"),
        (tf.ragged.constant([[[1.0] * 8], []], ragged_rank=1), TypeError, "`x` must be a dense tensor. Received: Rag"),
    ):
        with pytest.raises(error, match=message):
            use(layer, x)
    assert not layer.built


@pytest.mark.clause("VQ-16.5", "VQ-16.7")
@USES
@KINDS
@pytest.mark.parametrize("q", [1, 2, 3, 7, 12])
def test_another_last_axis_than_that_of_the_build_is_refused(kind, use, q):
    layer = built(kind, num_splits=3)
    before = layer.emb_space.numpy()
    with pytest.raises(ValueError, match=rf"the last axis of `x` must be 6, .*Received: x.shape=\(12, {q}\)"):
        use(layer, inputs(12, q))
    np.testing.assert_array_equal(layer.emb_space, before)


@pytest.mark.clause("VQ-16.4", "VQ-16.5", "VQ-16.7")
@USES
@KINDS
@pytest.mark.parametrize("is_built", [False, True])
@pytest.mark.parametrize(
    ("shape", "message"), [(None, r"of a known rank of at least 2"), ([None, None], "the last axis of `x` must be sta")]
)
def test_an_input_of_unknown_rank_or_last_axis_is_refused(kind, use, is_built, shape, message):
    layer = built(kind) if is_built else kind()
    with pytest.raises(ValueError, match=message):
        tf.function(lambda x: use(layer, x)).get_concrete_function(tf.TensorSpec(shape))


@pytest.mark.clause("VQ-16.7")
def test_nothing_starts_from_the_symbols_of_a_functional_model():
    with pytest.raises(ValueError, match=r"`x` must hold values. Received: <KerasTensor .*`call` of a layer"):
        built().initialize_from_batch(keras.Input((4, 2)))


@pytest.mark.clause("VQ-2.5")
@KINDS
@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_float16"])
def test_encode_takes_every_form_of_floats_as_a_call_does(kind, dtype):
    layer, x = built(kind, dtype=dtype, return_endpoints=False), inputs(7, 2, dtype=np.float64)
    for form in (
        x,
        x.tolist(),
        list(map(tf.constant, x)),
        tf.Variable(x),
        keras.Variable(x),
        tf.constant(x, "float16"),
    ):
        np.testing.assert_array_equal(layer.decode(layer.encode(form)), layer(form))


@KINDS
def test_a_call_takes_its_arguments_by_position_or_name(kind):
    layer, x = built(kind), inputs(3, 2)
    expected = layer(x)
    whole = np.ones(3, bool)
    for layer_out in (
        *(layer(x, True), layer(x, True, whole), layer(x, mask=whole)),
        *(layer(x, training=True), layer(x=x), layer(inputs=x), layer(x, training=None)),
    ):
        np.testing.assert_array_equal(layer_out, expected)
    for wrong in ({}, {"x": x, "inputs": x}):
        with pytest.raises(TypeError, match="a call takes `x`, or `inputs` in its place"):
            layer(**wrong)
    with pytest.raises(TypeError, match="unexpected keyword argument 'is_training'"):
        layer(x, is_training=True)


def test_training_by_position_trains():
    layer = vq_layer.presets.adversarial_2018(2, start=vq_layer.FromBatch())
    layer(np.ones((2, 2), np.float32), True)
    assert layer.emb_space.numpy().all()


@pytest.mark.parametrize("return_endpoints", [False, True])
def test_a_mask_passes_through(return_endpoints):
    x = keras.layers.Embedding(3, 2, mask_zero=True)(np.array([[1, 0]]))
    result = vq_layer.presets.adversarial_2018(5, return_endpoints=return_endpoints)(x)
    following = keras.layers.GlobalAveragePooling1D()  # takes the mask of what it is given
    layer_out = result.layer_out if return_endpoints else result
    np.testing.assert_array_equal(following(layer_out), layer_out[:, 0])
