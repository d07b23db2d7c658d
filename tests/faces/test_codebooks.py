"""A codebook for each split is as many layers, each of its own split, bit for bit (VQ-20)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vq_layer import Alpha, Beta, Codebook, Commitment, Coulomb, FromBatch, MostDistant
from vq_layer.presets import adversarial_2018

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 3, 6)).astype(np.float32)
SPLITS = pytest.mark.parametrize("num_splits", [1, 2, 3])
LOSSES = [Alpha(0.5), Beta(0.25), Coulomb(0.5), Codebook(0.5), Commitment(2)]


def start_of(num_splits):
    return np.random.default_rng(num_splits).standard_normal((num_splits, 5, 6 // num_splits)).astype(np.float32)


def per_split(num_splits, **arguments):
    arguments = {"start": start_of(num_splits), "losses": LOSSES, "replacement": MostDistant(2), **arguments}
    return adversarial_2018(5, num_splits=num_splits, codebooks="per-split", name="vq", **arguments)


def separate(num_splits, **arguments):
    arguments = {"losses": LOSSES, "replacement": MostDistant(2), **arguments}
    return [adversarial_2018(5, **{"start": start, **arguments}) for start in start_of(num_splits)]


def trained(layers, xs):
    """Return outputs, losses and gradients of a training pass of each layer over its inputs."""
    results = []
    for layer, x in zip(layers, map(tf.constant, xs), strict=True):
        with tf.GradientTape() as tape:
            tape.watch(x)
            layer_out = layer(x, training=True)
            losses = layer.losses
            total = tf.add_n([*losses, tf.reduce_sum(layer_out * layer_out)])
        results.append((layer_out, np.array(losses), *tape.gradient(total, [x, layer.emb_space.value])))
    return zip(*results, strict=True)


def assert_stacked(layer, layers):
    for name, value in layer.state.items():
        np.testing.assert_array_equal(value, [each.state[name] for each in layers], err_msg=name)


@pytest.mark.clause("VQ-20.2", "VQ-20.4", "VQ-20.5", "VQ-20.6")
@SPLITS
@pytest.mark.parametrize("comparison", ["l1", "l2", "linf"])
def test_a_training_pass_is_that_of_as_many_layers_and_its_losses_are_their_sums(num_splits, comparison):
    layer, layers = per_split(num_splits, comparison=comparison), separate(num_splits, comparison=comparison)
    xs = np.split(X, num_splits, axis=-1)
    (layer_out,), (losses,), (to_x,), (to_emb_space,) = trained([layer], [X])
    outs, lost, to_xs, to_emb_spaces = trained(layers, xs)
    np.testing.assert_array_equal(layer_out, np.concatenate(outs, axis=-1))
    np.testing.assert_array_equal(losses, np.add.accumulate(lost)[-1])  # in the order of the splits
    np.testing.assert_array_equal(to_x, np.concatenate(to_xs, axis=-1))
    np.testing.assert_array_equal(to_emb_space, to_emb_spaces)
    assert_stacked(layer, layers)
    np.testing.assert_array_equal(layer.replace_embeds(), [each.replace_embeds() for each in layers])
    assert_stacked(layer, layers)


@pytest.mark.clause("VQ-20.3", "VQ-20.4")
@SPLITS
def test_endpoints_are_theirs_with_one_axis_more_where_they_belong_to_embeddings(num_splits):
    endpoints = per_split(num_splits, return_endpoints=True)(X)
    layers = separate(num_splits, return_endpoints=True)
    of_each = [each(x) for each, x in zip(layers, np.split(X, num_splits, axis=-1), strict=True)]
    for name in ("emb_space", "access_count", "emb_spacing", "emb_closest_spacing"):
        np.testing.assert_array_equal(getattr(endpoints, name), [getattr(it, name) for it in of_each], err_msg=name)
    for name in ("emb_index", "distance"):
        of_splits = np.stack([getattr(it, name) for it in of_each], axis=2)  # [batch, r, splits, ...]
        value = np.reshape(getattr(endpoints, name), of_splits.shape)
        np.testing.assert_array_equal(value, of_splits, err_msg=name)


@pytest.mark.clause("VQ-12.1", "VQ-20.4", "VQ-20.6")
@SPLITS
def test_each_starts_from_the_first_vectors_of_its_own_split(num_splits):
    first = np.stack([split.reshape(12, -1)[:5] for split in np.split(X, num_splits, axis=-1)])
    for start in (lambda layer: layer(X, training=True), lambda layer: layer.initialize_from_batch(X)):
        layer = per_split(num_splits, start=FromBatch(), losses=[])
        start(layer)
        np.testing.assert_array_equal(layer.emb_space, first)
        np.testing.assert_array_equal(layer.initialized, [True] * num_splits)


@pytest.mark.clause("VQ-13.27", "VQ-20.2")
@SPLITS
def test_decoding_the_codes_gives_the_output_and_codes_go_into_the_codebook_of_their_split(num_splits):
    layer = per_split(num_splits)
    codes = layer.encode(X)
    assert codes.shape == (4, 3, num_splits)
    np.testing.assert_array_equal(layer.decode(codes), layer(X))
    rows = layer.decode(np.full([1, num_splits], 3))
    np.testing.assert_array_equal(rows, [np.concatenate(start_of(num_splits)[:, 3])])
    with pytest.raises(tf.errors.InvalidArgumentError, match="`emb_index` must lie in"):
        layer.decode(np.full([1, num_splits], 5))


@pytest.mark.long
@pytest.mark.slow
def test_a_model_is_fitted_saved_and_loaded_and_reports_the_means_of_the_metrics(tmp_path):
    num_splits = 2
    layer = per_split(num_splits, replacement=MostDistant(2, every=2))
    model = keras.Sequential([keras.layers.Input((3, 6)), layer])
    model.compile("adam")
    model.fit(X, batch_size=2, epochs=3, verbose=0)
    of_each = [adversarial_2018(5, start=start) for start in layer.emb_space.numpy()]
    reported = model.evaluate(X, verbose=0, return_dict=True)
    for name in ("perplexity", "codebook_usage"):
        values = []
        for each, x in zip(of_each, np.split(X, num_splits, axis=-1), strict=True):
            single = keras.Sequential([each])
            single.compile()
            values.append(single.evaluate(x, verbose=0, return_dict=True)[name])
        # Rounded to float32 before the mean here, and after it there.
        np.testing.assert_allclose(reported[name], np.mean(values), rtol=4 * 2.0**-24)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras").get_layer("vq")
    assert again.get_config() == layer.get_config()
    for name, value in layer.state.items():
        np.testing.assert_array_equal(again.state[name], value, err_msg=name, strict=True)
    np.testing.assert_array_equal(again(X), layer(X))


@pytest.mark.clause("VQ-20.1", "VQ-20.7")
def test_with_one_split_a_codebook_has_its_axis_all_the_same():
    layer, shared = per_split(1), separate(1)[0]
    np.testing.assert_array_equal(layer(X), shared(X))
    assert layer.emb_space.shape == (1, 5, 6)


@pytest.mark.clause("VQ-16.15", "VQ-20.1")
def test_given_embeddings_must_be_as_many_as_the_splits():
    for start in (start_of(2)[:, :4], start_of(3), start_of(2)[0]):
        with pytest.raises(ValueError, match=r"`start` must have the shape \["):
            per_split(2, start=start).build((None, 6))
