"""What only the layer of stages promises: fit, metrics, saving, mixed precision, codes, errors (VQ-28)."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from vq_layer import (
    Codebook,
    Commitment,
    CosineVectorQuantization,
    FromBatch,
    Majority,
    MostDistant,
    ReplaceEmbeddings,
    ResidualEndpoints,
    ResidualVectorQuantization,
    VectorQuantization,
)
from vq_layer.presets import soundstream

X = np.random.default_rng(0).standard_normal((12, 3, 4)).astype(np.float32)
FEW = {"start": None, "replacement": None}  # parts that take no time to begin with


def trained(stages, **arguments):
    """Return a layer that has made two passes."""
    layer = ResidualVectorQuantization(5, stages, num_splits=2, start=FromBatch(), replacement=None, **arguments)
    layer(X, training=True)
    layer(X[::-1], training=True)
    return layer


def assert_same_states(layer, other):
    for one, its_twin in zip(layer.stages, other.stages, strict=True):
        for name, value in one.state.items():
            np.testing.assert_array_equal(its_twin.state[name], value, err_msg=name, strict=True)


@pytest.mark.clause("VQ-28.2", "VQ-28.16", "VQ-28.17")
@pytest.mark.parametrize("shape", [(6, 4), (2, 3, 4), (1, 2, 3, 4), (0, 3, 4)])
def test_codes_have_the_axes_of_x_and_decode_to_the_output(shape):
    layer, x = trained(3), X.reshape(-1)[: int(np.prod(shape))].reshape(shape)
    codes = layer.encode(x)
    assert codes.shape == (*shape[:-1], 2, 3)
    assert codes.dtype == tf.int64
    np.testing.assert_array_equal(layer.decode(codes), layer(x))
    np.testing.assert_array_equal(layer.encode(x, num_stages=2), codes[..., :2])
    np.testing.assert_array_equal(layer.decode(tf.cast(codes, tf.uint8)), layer(x))


@pytest.mark.clause("VQ-28.19")
def test_bits_are_those_of_all_stages():
    assert ResidualVectorQuantization(8, 3, shared=True).bits_per_vector == 9
    assert ResidualVectorQuantization([VectorQuantization(n) for n in (2, 16)]).bits_per_vector == 5


@pytest.mark.clause("VQ-14.6", "VQ-28.1", "VQ-28.2")
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_what_is_left_is_not_rounded_to_a_half_type(policy):
    layer = ResidualVectorQuantization(4, 3, dtype=policy, return_endpoints=True, **FEW)
    layer.build(X.shape)
    x = tf.cast(X, layer.compute_dtype)
    wide, total = tf.cast(x, layer.stages[0].emb_space.dtype), 0
    endpoints = layer(x)
    assert endpoints.layer_out.dtype == layer.compute_dtype
    for i, stage in enumerate(layer.stages):
        assert stage.emb_space.dtype == ("float64" if policy == "float64" else "float32")
        index = tf.argmin(tf.norm((wide - total)[:, :, np.newaxis] - stage.emb_space, axis=-1), axis=-1)
        np.testing.assert_array_equal(endpoints.emb_index[..., i], index)
        total += tf.gather(stage.emb_space.value, index)
    np.testing.assert_array_equal(endpoints.layer_out, tf.cast(total, layer.compute_dtype))


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.clause("VQ-28.9", "VQ-28.12", "VQ-28.20")
@pytest.mark.parametrize("arguments", [{}, {"shared": True}, {"quantizer_dropout": True}], ids=str)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_fit_saves_and_loads_what_stages_share_and_reports_by_their_names(tmp_path, arguments, jit_compile):
    losses = [Codebook(), Commitment()]
    layer = ResidualVectorQuantization(5, 2, losses=losses, **{**FEW, **arguments})
    model = keras.Sequential([keras.layers.Input((3, 4)), keras.layers.Dense(4), layer])
    model.compile("adam", "mse", jit_compile=jit_compile)
    history = model.fit(X, X, batch_size=4, epochs=2, verbose=0).history
    names = [""] if "shared" in arguments else ["stage_0_", "stage_1_"]
    for name in names:
        assert {f"{name}perplexity", f"{name}codebook_usage"} <= history.keys()
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras").layers[-1]
    assert json.dumps(again.get_config()) == json.dumps(layer.get_config())
    assert len(set(map(id, again.stages))) == len(names)
    assert_same_states(layer, again)
    np.testing.assert_array_equal(again(X), layer(X))


@pytest.mark.clause("VQ-28.22")
def test_equal_seeds_drop_the_same_and_a_mask_goes_with_it():
    mask = np.arange(36).reshape(12, 3) % 3 > 0
    arguments = {"quantizer_dropout": True, "return_endpoints": True, **FEW}
    first, second, other = (ResidualVectorQuantization(5, 4, seed=seed, **arguments) for seed in (1, 1, 2))
    passes = [
        [layer(X, mask=mask, training=True).emb_index.numpy() >= 0 for _ in range(2)]
        for layer in (first, second, other)
    ]
    np.testing.assert_array_equal(passes[0], passes[1])
    assert not np.array_equal(passes[0], passes[2])
    assert not np.array_equal(*passes[0])  # each pass draws anew
    for through in passes[0]:
        np.testing.assert_array_equal(through[..., 0], mask)
        assert not (through[..., 1:] & ~mask[..., np.newaxis]).any()


@pytest.mark.clause("VQ-28.22")
@pytest.mark.parametrize("frozen", [False, True])
def test_what_is_dropped_goes_on_from_the_weights(frozen):
    layers = [ResidualVectorQuantization(5, 4, quantizer_dropout=True, **FEW, trainable=not frozen) for _ in range(2)]
    first, again = layers
    for _ in range(3):
        first(X, training=True)
    first(X)  # an inference draws nothing
    assert first.draws == 3
    again.build(X.shape)
    again.set_weights(first.get_weights())
    for _ in range(2):
        np.testing.assert_array_equal(again(X, training=True), first(X, training=True))
    again.draws.assign(0)
    assert not np.array_equal(again(X, training=True), first(X, training=True))


@pytest.mark.clause("VQ-28.4", "VQ-28.5")
def test_a_frozen_layer_or_stage_stays_as_it_is():
    layer = ResidualVectorQuantization(5, 2, start=None)
    layer.build(X.shape)
    layer.stages[0].trainable = False
    before = [stage.emb_space.numpy() for stage in layer.stages]
    layer(X, training=True)
    np.testing.assert_array_equal(layer.stages[0].emb_space, before[0])
    assert (layer.stages[1].emb_space.numpy() != before[1]).any()
    again = ResidualVectorQuantization.from_config(layer.get_config())
    assert [stage.trainable for stage in again.stages] == [False, True]
    frozen = ResidualVectorQuantization(5, 2, trainable=False, start=None)
    frozen(X)
    before = [stage.emb_space.numpy() for stage in frozen.stages]
    frozen(X, training=True)
    np.testing.assert_array_equal([stage.emb_space for stage in frozen.stages], before)


def test_the_callback_replaces_in_each_stage():
    layer = ResidualVectorQuantization(5, 2, start=FromBatch(), replacement=MostDistant(2), losses=[Codebook()])
    model = keras.Sequential([keras.layers.Input((3, 4)), layer])
    model.compile(keras.optimizers.SGD(0.0), "mse", jit_compile=False)
    model.fit(X, X, batch_size=12, verbose=0)
    before = [stage.emb_space.numpy() for stage in layer.stages]
    model.fit(X, X, batch_size=12, verbose=0, callbacks=[ReplaceEmbeddings(every=1)])
    for stage, emb_space in zip(layer.stages, before, strict=True):
        assert (stage.emb_space.numpy() != emb_space).any()


def test_endpoints_come_from_a_functional_model():
    inputs = keras.Input((3, 4))
    stages = [VectorQuantization(n, **FEW) for n in (3, 5)]
    outputs = ResidualVectorQuantization(stages, return_endpoints=True)(inputs)
    assert isinstance(outputs, ResidualEndpoints)
    found = keras.Model(inputs, outputs)(X)
    assert found.emb_index.shape == (12, 3, 2)
    assert [it.shape for it in found.access_count] == [(3,), (5,)]


@pytest.mark.clause("VQ-28.23", "VQ-28.24", "VQ-28.25")
@pytest.mark.parametrize(
    ("make", "error", "rule"),
    [
        (lambda: ResidualVectorQuantization([]), ValueError, "`n_or_layers` must hold at least one layer. Received"),
        (lambda: ResidualVectorQuantization([CosineVectorQuantization(3)]), TypeError, "must hold layers VectorQuan"),
        (
            lambda: ResidualVectorQuantization(3),
            TypeError,
            "`num_stages` must be an integer. Received: num_stages=None",
        ),
        (
            lambda: ResidualVectorQuantization(3, 2, comparison="cosine", choice=Majority([0, 1, 1], 2, 1)),
            ValueError,
            "must choose what is nearest. Received: choice=Majority",
        ),
        (lambda: ResidualVectorQuantization(3, 0), ValueError, "`num_stages` must be at least 1. Received"),
        (lambda: ResidualVectorQuantization(3, 2, seed=-1), ValueError, "`seed` must be at least 0. Received"),
        (lambda: ResidualVectorQuantization([VectorQuantization(3)], 2), TypeError, "Received: num_stages=2"),
        (lambda: ResidualVectorQuantization([VectorQuantization(3)], losses=()), TypeError, "Received: losses="),
        (
            lambda: ResidualVectorQuantization([VectorQuantization(3, num_splits=s) for s in (1, 2)]),
            ValueError,
            r"the same `num_splits`. Received: \[1, 2\]",
        ),
        (
            lambda: ResidualVectorQuantization([VectorQuantization(3, dtype=it) for it in ("float32", "float64")]),
            ValueError,
            r"compare in float32, .*Received: \['float32', 'float64'\]",
        ),
    ],
)
def test_stages_that_do_not_go_together_are_refused(make, error, rule):
    with pytest.raises(error, match=rule):
        make()


@pytest.mark.clause("VQ-28.23")
def test_a_stage_that_was_built_for_another_size_is_refused():
    stage = VectorQuantization(3, **FEW)
    stage.build((None, 6))
    with pytest.raises(ValueError, match=r"must be 6, for which stage 1 was built. Received: x.shape=\(12, 3, 4\)"):
        ResidualVectorQuantization([VectorQuantization(3, **FEW), stage])(X)


@pytest.mark.clause("VQ-28.18", "VQ-28.26")
def test_codes_that_stand_for_nothing_are_refused():
    layer = ResidualVectorQuantization(3, 2, **FEW)
    with pytest.raises(ValueError, match="`decode` needs a layer that is built"):
        layer.decode([[[0, 0]]])
    layer.build(X.shape)
    with pytest.raises(TypeError, match="`emb_index` must have an integer dtype"):
        layer.decode([[[0.0, 0.0]]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="`emb_index` must lie in"):
        layer.decode([[[0, 3]]])


def test_soundstream_is_what_the_paper_puts_together():
    layer = soundstream(1024, 8, seed=3)
    assert (layer.num_stages, layer.bits_per_vector, layer.quantizer_dropout) == (8, 80, True)
    quantizer = layer.stages[0].quantizer
    assert quantizer.update.decay == 0.99
    assert quantizer.start.method == "k-means"
