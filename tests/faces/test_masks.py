"""Masks in Keras: what is masked comes out as it is, and is otherwise as if it were not there (VQ-21)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vq_layer import (
    Alpha,
    Beta,
    Codebook,
    Commitment,
    CosineKNNVectorQuantization,
    CosineVectorQuantization,
    Coulomb,
    FromBatch,
    MostDistant,
)
from vq_layer.presets import adversarial_2018

# Small integers, four coordinates, weights that are powers of 2, and eight vectors of twelve that count: all sums are
# exact in whatever order, and so are the divisions by their number. What is equal must be so bit for bit.
RNG = np.random.default_rng(0)
EMB_SPACE = RNG.integers(-4, 5, [5, 4]).astype(np.float32)
X = RNG.integers(-6, 7, [3, 4, 4]).astype(np.float32)
MASK = np.array([[1, 1, 0, 1], [0, 1, 1, 0], [1, 1, 0, 1]], bool)
LEFT = X[MASK]  # the batch with the masked vectors left out
LOSSES = [Alpha(0.5), Beta(0.25), Coulomb(0.5), Codebook(0.5), Commitment(2)]


def layer_of(emb_space=EMB_SPACE, losses=LOSSES, **arguments):
    arguments = {"comparison": "l1", "replacement": MostDistant(3), "name": "vq", **arguments}
    layer = adversarial_2018(5, losses=losses, start=emb_space, **arguments)
    layer.build((None, 4))
    return layer


def per_split(**arguments):
    return layer_of(np.stack([EMB_SPACE[:, :2], EMB_SPACE[:, 2:]]), codebooks="per-split", num_splits=2, **arguments)


def in_splits(**arguments):
    return layer_of(EMB_SPACE[:, :2], num_splits=2, **arguments)


KINDS = pytest.mark.parametrize("kind", [layer_of, in_splits, per_split])


def outcome(layer, x, mask=None):
    """Return all that a training pass leaves, but for its output, by name; and the output."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        layer_out = layer(x, mask=mask, training=True)
        losses = layer.losses
        total = tf.add_n([*losses, tf.reduce_sum(layer_out * layer_out)])
    to_x, to_emb_space = tape.gradient(total, [x, layer.emb_space.value])
    state = {f"state {name}": value.numpy() for name, value in layer.state.items()}
    counted = {metric.name: metric.variables[0].numpy() for metric in layer.metrics if metric.variables}
    return {**state, **counted, "losses": np.array(losses), "gradient": to_emb_space.numpy()}, layer_out, to_x


def assert_equal(values, expected):
    assert values.keys() == expected.keys()
    for name, value in values.items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name, strict=True)


@pytest.mark.clause("VQ-21.3", "VQ-21.4", "VQ-21.5", "VQ-21.10", "VQ-21.11", "VQ-21.12", "VQ-21.14")
@KINDS
@pytest.mark.parametrize("jit_compile", [None, False, True], ids=["eager", "function", "xla"])
def test_a_training_pass_leaves_what_that_of_the_batch_without_the_masked_vectors_does(kind, jit_compile):
    masked, layer = kind(), kind()
    if jit_compile is None:
        values, layer_out, to_x = outcome(masked, X, MASK)
        expected, out_of_left, to_left = outcome(layer, LEFT)
        np.testing.assert_array_equal(to_x.numpy()[MASK], to_left)
        np.testing.assert_array_equal(to_x.numpy()[~MASK], 2 * X[~MASK])  # the identity, and no loss
    else:
        train = tf.function(lambda layer, x, mask: (layer(x, True, mask), layer.losses), jit_compile=jit_compile)
        (layer_out, losses), (out_of_left, losses_of_left) = (
            train(it, tf.constant(x), mask) for it, x, mask in ((masked, X, tf.constant(MASK)), (layer, LEFT, None))
        )
        values, expected = {**masked.state, "losses": losses}, {**layer.state, "losses": losses_of_left}
    assert_equal(values, expected)
    np.testing.assert_array_equal(layer_out.numpy()[MASK], out_of_left)
    np.testing.assert_array_equal(layer_out.numpy()[~MASK], X[~MASK])
    assert masked.accumulated_usage_count.numpy().sum() == 8 * masked.num_splits
    assert masked.input_distances.numpy().all()
    np.testing.assert_array_equal(masked.replace_embeds(), layer.replace_embeds())
    assert_equal(masked.state, layer.state)


@pytest.mark.clause("VQ-21.3", "VQ-21.5")
@KINDS
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_what_is_masked_may_be_anything(kind, value):
    spoiled = np.where(MASK[..., np.newaxis], X, np.float32(value))
    values, layer_out, _ = outcome(kind(), spoiled, MASK)
    assert_equal(values, outcome(kind(), LEFT)[0])
    np.testing.assert_array_equal(layer_out.numpy()[~MASK], spoiled[~MASK])


@pytest.mark.clause("VQ-21.3", "VQ-21.10", "VQ-21.17")
@KINDS
def test_where_all_is_masked_nothing_is_lost_counted_or_learned(kind):
    layer = kind(losses=[Alpha(0.5), Beta(0.25), Codebook(0.5), Commitment(2)])
    before = layer.emb_space.numpy()
    values, layer_out, _ = outcome(layer, X, np.zeros_like(MASK))
    assert not values["losses"].any()
    assert not values["gradient"].any()
    assert not values["perplexity"].any()
    assert not layer.replace_embeds().numpy().any()
    np.testing.assert_array_equal(layer.emb_space, before)
    np.testing.assert_array_equal(layer_out, X)


@pytest.mark.clause("VQ-21.16")
def test_a_mask_of_nothing_changes_nothing():
    values, layer_out, to_x = outcome(layer_of(), X, np.ones_like(MASK))
    expected, expected_out, expected_to_x = outcome(layer_of(), X)
    assert_equal(values, expected)
    np.testing.assert_array_equal(layer_out, expected_out)
    np.testing.assert_array_equal(to_x, expected_to_x)


@pytest.mark.clause("VQ-21.1")
def test_a_mask_of_fewer_axes_counts_for_all_that_follow():
    rows = np.array([True, False, True])
    values, *_ = outcome(layer_of(), X, rows)
    assert_equal(values, outcome(layer_of(), X, np.tile(rows[:, np.newaxis], 4))[0])


@pytest.mark.clause("VQ-21.5", "VQ-21.6", "VQ-21.7", "VQ-21.10")
def test_endpoints_have_no_embedding_for_what_is_masked():
    endpoints, of_left = (layer_of(return_endpoints=True)(x, mask=mask) for x, mask in ((X, MASK), (LEFT, None)))
    np.testing.assert_array_equal(endpoints.emb_index.numpy()[~MASK], np.full(4, -1))
    np.testing.assert_array_equal(endpoints.emb_index.numpy()[MASK], of_left.emb_index[:, 0])
    np.testing.assert_array_equal(endpoints.access_count, of_left.access_count)
    np.testing.assert_array_equal(endpoints.distance.numpy()[MASK], of_left.distance[:, 0])
    assert np.isnan(endpoints.distance.numpy()[~MASK]).all()


def cosine(**arguments):
    return CosineVectorQuantization(5, start=EMB_SPACE, return_endpoints=True, **arguments)


def vote(**arguments):
    labels, threshold = [0, 1, 0, 1, 2], 0.5
    return CosineKNNVectorQuantization(
        labels, 3, 3, 5, start=EMB_SPACE, majority_threshold=threshold, return_endpoints=True, **arguments
    )


@pytest.mark.clause("VQ-21.3", "VQ-21.4", "VQ-21.8", "VQ-21.9", "VQ-21.10")
@pytest.mark.parametrize("kind", [cosine, vote])
def test_the_layers_by_cosine_leave_masked_vectors_out_too(kind):
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        endpoints = kind()(x, mask=MASK)
    of_left = kind()(LEFT)
    np.testing.assert_array_equal(endpoints.layer_out.numpy()[MASK], of_left.layer_out)
    np.testing.assert_array_equal(endpoints.layer_out.numpy()[~MASK], X[~MASK])
    np.testing.assert_array_equal(tape.gradient(endpoints.layer_out, x).numpy()[~MASK], np.ones([4, 4]))
    assert endpoints.percentage_identity_mapped == of_left.percentage_identity_mapped
    np.testing.assert_array_equal(endpoints.access_count, of_left.access_count)
    if kind is vote:
        assert 0 < of_left.percentage_identity_mapped < 1
        np.testing.assert_array_equal(endpoints.most_common_label.numpy()[~MASK], np.full(4, -1))
        assert not endpoints.identity_mapping_mask.numpy()[~MASK].any()


# Where masks come from


@pytest.mark.clause("VQ-21.3", "VQ-21.14")
def test_the_mask_of_an_embedding_counts_and_passes_through():
    words = keras.layers.Embedding(13, 4, mask_zero=True)
    ids = np.where(MASK, np.arange(1, 13).reshape(3, 4), 0)
    words.build()
    words.embeddings.assign(np.concatenate([np.full([1, 4], 5), X.reshape(-1, 4)]))
    layer = layer_of()
    layer_out = layer(words(ids), training=True)
    np.testing.assert_array_equal(keras.src.backend.get_keras_mask(layer_out), MASK)
    np.testing.assert_array_equal(layer_out.numpy()[~MASK], np.full([4, 4], 5))
    expected = layer_of()
    expected(LEFT, training=True)
    assert_equal(layer.state, expected.state)
    following = keras.layers.GlobalAveragePooling1D()  # takes the mask of what it is given
    np.testing.assert_array_equal(following(layer_out), following(layer_out.numpy(), mask=MASK))


def masked(layer, mask_value=0.0):
    return keras.Sequential([keras.layers.Input((None, 4)), keras.layers.Masking(mask_value), layer])


ZEROED = np.where(MASK[..., np.newaxis], X, 0)


@pytest.mark.slow
@pytest.mark.clause("VQ-21.5", "VQ-21.11", "VQ-21.14")
@pytest.mark.parametrize("how", [{"run_eagerly": True}, {"jit_compile": False}], ids=str)
def test_fit_with_a_masking_layer_learns_as_without_the_masked_vectors(how):
    layers = layer_of(), layer_of()
    models = masked(layers[0]), keras.Sequential([keras.layers.Input((4,)), layers[1]])
    histories = []
    for model, x in zip(models, (ZEROED, LEFT), strict=True):
        model.compile(keras.optimizers.SGD(0.5), **how)
        histories.append(model.fit(x, batch_size=len(x), verbose=0, validation_data=(x, None)).history)
    assert histories[0] == histories[1]
    assert_equal(layers[0].state, layers[1].state)
    assert not np.array_equal(layers[0].emb_space, EMB_SPACE)


@pytest.mark.slow
@pytest.mark.clause("VQ-21.15")
def test_a_first_batch_starts_with_its_vectors_that_are_not_masked():
    layer = adversarial_2018(5, start=FromBatch(), name="vq")
    model = masked(layer)
    model.compile(keras.optimizers.SGD(0.0))
    model.fit(ZEROED, batch_size=3, shuffle=False, verbose=0)
    np.testing.assert_array_equal(layer.emb_space, LEFT[:5])


@pytest.mark.clause("VQ-12.2", "VQ-12.3", "VQ-21.15")
def test_a_first_batch_with_too_many_masked_vectors_changes_nothing():
    layer = adversarial_2018(5, start=FromBatch(), replacement=MostDistant(1))
    layer.build(X.shape)
    before = layer.state
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least n=5 vectors"):
        layer(X, mask=[True, False, False], training=True)
    assert_equal(layer.state, before)


@pytest.mark.slow
@pytest.mark.clause("VQ-21.3", "VQ-21.5")
def test_a_saved_model_takes_masks(tmp_path):
    x, mask = keras.Input((4, 4)), keras.Input((4,), dtype="bool")
    model = keras.Model([x, mask], layer_of()(x, mask=mask))
    model.save(tmp_path / "model.keras")
    for each in (model, keras.models.load_model(tmp_path / "model.keras")):
        layer_out = each.predict([X, MASK], verbose=0)
        np.testing.assert_array_equal(layer_out[~MASK], X[~MASK])
        np.testing.assert_array_equal(layer_out[MASK], layer_of()(LEFT))


@pytest.mark.clause("VQ-16.1", "VQ-16.2", "VQ-16.3", "VQ-21.2")
@pytest.mark.parametrize("is_built", [False, True])
@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        (MASK.astype(int), TypeError, "`mask` must be of the dtype bool. Received: mask.dtype=int64"),
        (MASK.astype(np.float32), TypeError, "`mask` must be of the dtype bool. Received: mask.dtype=float32"),
        (MASK[:2], ValueError, r"`mask` must have the shape of `x` without its last axis, \(3, 4\).*\(2, 4\)"),
        (MASK[..., np.newaxis], ValueError, r"`mask` must have the shape of `x`.* Received: mask.shape=\(3, 4, 1\)"),
        (np.True_, ValueError, r"`mask` must have the shape of `x`.* Received: mask.shape=\(\)"),
        (tf.RaggedTensor.from_tensor(MASK), TypeError, "`mask` must be a dense tensor. Received: RaggedTensor"),
    ],
)
def test_a_wrong_mask_is_refused_before_anything_changes(mask, error, message, is_built):
    layer = layer_of() if is_built else adversarial_2018(5)
    before = layer.state if is_built else None
    with pytest.raises(error, match=message):
        layer(X, mask=mask, training=True)
    assert layer.built == is_built
    if is_built:
        assert_equal(layer.state, before)
