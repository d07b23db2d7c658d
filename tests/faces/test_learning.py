"""A Keras layer that learns within its training passes: by averages, from k-means, and away from dead codes."""

import itertools
from collections import Counter

import keras
import numpy as np
import pytest
import tensorflow as tf

import reference
from vq_layer import (
    Alpha,
    Codebook,
    Commitment,
    DeadCodes,
    FromBatch,
    FromInitializer,
    Gradient,
    Majority,
    MovingAverage,
    VectorQuantization,
)
from vq_layer.kernels import k_means, seeding, tuning
from vq_layer.layers.arguments import ELSEWHERE
from vq_layer.parts import replacement
from vq_layer.parts.statistics import most_distant
from vq_layer.presets import adversarial_2018, vq_vae, vq_vae_ema

# Small integers, of which sums are exact in every order. Nothing is nearest to the last two embeddings.
X = np.random.default_rng(0).integers(-4, 5, [12, 2]).astype(np.float32)
START = np.array([[-2.0, 0.0], [2.0, 1.0], [64.0, 64.0], [-64.0, 64.0]], np.float32)
SLACK = 16 * 2.0**-24  # XLA rounds elsewhere, in a dozen operations for each number, none of a larger one


def layer_of(**arguments):
    learning = {
        "start": START,
        "update": MovingAverage(0.5, 0.25),
        "replacement": DeadCodes(0.4, 0.25, "most-distant", number=1),
        "name": "vq",
    }
    return VectorQuantization(len(START), **{**learning, **arguments})


def assert_close(state, expected, rtol=SLACK):
    assert state.keys() == expected.keys()
    for name, value in state.items():
        np.testing.assert_allclose(value, expected[name], rtol=rtol, err_msg=name)


def assert_equal(state, expected):
    assert_close(state, expected, rtol=0)


WAYS = {
    "eager": lambda model: model,
    "tf.function": tf.function,
    "jit_compile": tf.function(jit_compile=True),
}


@pytest.mark.slow
@pytest.mark.clause("VQ-22.10", "VQ-24.5", "VQ-26.10")
@pytest.mark.parametrize("way", WAYS)
def test_a_layer_that_is_called_twice_in_a_pass_learns_as_if_called_once_with_both(way):
    once, twice = layer_of(), layer_of()
    first, second = keras.Input((2,), batch_size=4), keras.Input((2,), batch_size=8)
    model = keras.Model([first, second], [twice(first), twice(second)])
    once.build((None, 2))

    def train(one, other):
        return model([one, other], training=True)

    run = WAYS[way](train)
    for x in (X, X[::-1]):
        before = once.emb_space.numpy()
        outputs = run(tf.constant(x[:4]), tf.constant(x[4:]))
        layer_out = once(x, training=True)
        # Both calls look up in the embeddings with which the pass began.
        np.testing.assert_array_equal(np.concatenate(outputs), layer_out)
        assert set(map(tuple, layer_out.numpy())) <= set(map(tuple, before))
        assert_close(twice.state, once.state)
    assert not np.array_equal(once.emb_space[2:], START[2:])  # one was replaced in each pass, and not two
    assert once.draws == 2


@pytest.fixture
def looked_for(monkeypatch):
    """Return how many vectors were looked for, each time that a replacement did."""
    numbers = []

    def counted(distance, vectors, number):
        numbers.append(number)
        return most_distant(distance, vectors, number)

    monkeypatch.setattr(replacement, "most_distant", counted)
    return numbers


@pytest.mark.parametrize("source", ["sample", "most-distant"])
def test_vectors_that_may_replace_are_looked_for_only_where_an_embedding_is_dead(source, looked_for):
    layer = layer_of(replacement=DeadCodes(0.4, 0.25, source, number=2))
    layer(X, training=True)  # which chooses two of four, and leaves a quarter of the shares of the others
    assert looked_for == [2]
    layer.moving_share.assign([4.0] * 4)
    layer(X, training=True)
    assert looked_for == [2]
    assert layer.draws == 2


def test_each_of_many_calls_in_a_step_looks_for_vectors_once_more_at_most(looked_for):
    layer, inputs = layer_of(), [keras.Input((2,)) for _ in range(6)]
    model = keras.Model(inputs, [layer(it) for it in inputs])
    tf.function(lambda: model([X] * 6, training=True)).get_concrete_function()
    assert 6 <= len(looked_for) <= 7  # the first in its branch and with the second, and each other once


@pytest.mark.parametrize("source", ["sample", "most-distant"])
def test_a_step_of_a_graph_ranks_no_vectors_outside_of_a_branch(source):
    layer = layer_of(replacement=DeadCodes(0.4, 0.25, source, number=1))
    step = tf.function(lambda: layer(X, training=True)).get_concrete_function().graph
    assert "TopKV2" not in {operation.type for operation in step.get_operations()}
    assert "TopKV2" in {node.op for function in step.as_graph_def().library.function for node in function.node_def}


@pytest.mark.clause("VQ-22.10")
def test_calls_that_are_not_of_one_model_are_passes_of_their_own():
    layer = layer_of()
    for _ in range(2):
        layer(X, training=True)
    assert layer.draws == 2


@pytest.mark.slow
@pytest.mark.clause(
    "VQ-17.13", "VQ-22.10", "VQ-24.1", "VQ-24.2", "VQ-25.3", "VQ-25.8", "VQ-26.4", "VQ-26.11", "VQ-26.13"
)
@pytest.mark.parametrize(
    ("jit_compile", "start"),
    [(False, START), (True, FromBatch("sample", seed=1)), (False, FromBatch("k-means"))],
    ids=["plain", "jit_compile", "k-means"],
)
def test_fit_learns_as_passes_one_by_one(jit_compile, start):
    fitted, by_hand = layer_of(start=start), layer_of(start=start)
    kernel = keras.layers.Dense(2, use_bias=False, kernel_initializer="identity")
    model = keras.Sequential([keras.layers.Input((2,)), kernel, fitted])
    model.compile(keras.optimizers.SGD(0.0), jit_compile=jit_compile)
    model.fit(X, batch_size=4, epochs=2, shuffle=False, verbose=0)
    by_hand.build((None, 2))
    for batch in [*np.split(X, 3)] * 2:
        by_hand(batch, training=True)
    assert_close(fitted.state, by_hand.state, rtol=8 * SLACK)  # after six passes
    assert not np.array_equal(fitted.emb_space, START)
    assert fitted.trainable_weights == []


@pytest.mark.clause("VQ-24.7", "VQ-24.8", "VQ-17.15")
@pytest.mark.parametrize("use", ["frozen", "inference"])
def test_a_frozen_layer_and_inference_learn_nothing(use):
    layer = layer_of()
    layer(X, training=True)
    before = layer.state
    layer.trainable = use != "frozen"
    layer(X[:5], training=use == "frozen")
    assert_equal(layer.state, before)
    assert layer.trainable_weights == []


@pytest.mark.clause("VQ-24.1", "VQ-14.3", "VQ-14.6")
@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16", "float32", "float64"])
def test_averages_and_shares_are_kept_in_the_comparison_dtype(dtype):
    layer = layer_of(dtype=dtype)
    x = tf.cast(np.repeat(X, 400, axis=0), layer.compute_dtype)  # more than half types count
    for _ in range(2):
        layer(x, training=True)
    expected = np.float64 if dtype == "float64" else np.float32
    kept = {name: layer.state[name].dtype.as_numpy_dtype for name in ("emb_space", "average_count", "moving_share")}
    assert set(kept.values()) == {expected}
    quantizer = reference.Quantizer(
        update=reference.MovingAverage(0.5, 0.25),
        replacement=reference.DeadCodes(0.4, 0.25, "most-distant", number=1),
    )
    state = reference.initial_state(START.astype(np.float64), quantizer)
    for _ in range(2):
        state = reference.quantize(np.repeat(X, 400, axis=0)[np.newaxis], state, quantizer, training=True).state
    for name in kept:
        np.testing.assert_allclose(layer.state[name], state[name], rtol=SLACK, err_msg=name)


@pytest.mark.slow
@pytest.mark.clause("VQ-26.13")
def test_a_training_goes_on_from_a_file(tmp_path):
    layer = layer_of(start=FromBatch("sample", seed=3), replacement=DeadCodes(0.4, 0.25, seed=5, every=2))
    model = keras.Sequential([keras.layers.Input((2,)), layer])
    for _ in range(3):
        layer(X, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").get_layer("vq")
    assert loaded.get_config() == layer.get_config()
    for _ in range(3):
        for each in (layer, loaded):
            each(X[::-1], training=True)
        assert_equal(loaded.state, layer.state)


# On the sphere.

CIRCLE = np.random.default_rng(1).integers(1, 9, [16, 2]).astype(np.float64) * [1, -1]
ON_SPHERE = {
    "averages": {"update": MovingAverage(0.5, 0.0), "replacement": None},
    "dead codes": {
        "update": MovingAverage(0.5, 0.25),
        "replacement": DeadCodes(0.4, 0.25, "most-distant", number=1),
    },
}


@pytest.mark.clause("VQ-24.9", "VQ-24.11", "VQ-24.12", "VQ-26.7")
@pytest.mark.parametrize("parts", ON_SPHERE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_on_the_sphere_a_training_is_that_of_the_oracle(parts, dtype):
    emb_space = np.array([[3.0, -1.0], [1.0, -2.0], [-5.0, 5.0], [0.0, 3.0]])
    arguments = {"comparison": "cosine", "losses": None, **ON_SPHERE[parts]}
    layer = VectorQuantization(4, start=emb_space, dtype=dtype, **arguments)
    twins = {name: it and getattr(reference, type(it).__name__)(**vars(it)) for name, it in ON_SPHERE[parts].items()}
    quantizer = reference.Quantizer(reference.Cosine(), **twins)
    state = reference.initial_state(emb_space, quantizer)
    for batch in np.split(CIRCLE, 2):
        result = reference.quantize(batch[np.newaxis], state, quantizer, training=True)
        output = layer(batch.astype(dtype), training=True)
        state = result.state
        # Each pass scales, adds up eight vectors, moves and scales again: 40 roundings of numbers up to 8, at most.
        atol = 2 * 40 * 8 * np.finfo(dtype).eps / 2
        np.testing.assert_allclose(output, result.layer_out[0], atol=atol)
        for name in state.keys() & {"emb_space", "average_count", "moving_share"}:
            np.testing.assert_allclose(layer.state[name], state[name], atol=atol, err_msg=name)
    lengths = np.linalg.norm(layer.emb_space, axis=-1)
    moved = ~(layer.emb_space.numpy() == emb_space).all(axis=-1)
    np.testing.assert_allclose(lengths[moved], 1, atol=4 * np.finfo(dtype).eps)
    assert moved.sum() == (2 if parts == "averages" else 4)


@pytest.mark.clause("VQ-24.13")
def test_on_the_sphere_what_has_no_direction_to_move_to_stays():
    layer = VectorQuantization(
        1, comparison="cosine", start=[[0.0, 3.0]], update=MovingAverage(0.5, 0.0), replacement=None
    )
    layer(np.array([[9.0, 0.0], [-2.0, 0.0]], np.float32), training=True)
    np.testing.assert_array_equal(layer.emb_space, [[0, 3]])
    np.testing.assert_array_equal(layer.average_count, [1])


@pytest.mark.clause("VQ-24.12")
def test_on_the_sphere_a_row_that_was_written_is_scaled():
    layer = VectorQuantization(2, comparison="cosine", start=[[0.0, 3.0], [3.0, 0.0]], replacement=None)
    layer.build((None, 2))
    layer.initialize_from_batch([[0.0, -8.0], [0.0, 0.0]])
    np.testing.assert_array_equal(layer.emb_space, [[0, -1], [0, 0]])


@pytest.mark.clause("VQ-25.6")
def test_on_the_sphere_k_means_is_of_directions():
    x = np.array([[3.0, 4.0], [40.0, 30.0], [0.0, -2.0]], np.float32)
    layer = VectorQuantization(2, comparison="cosine", losses=None, update="gradient", replacement=None)
    layer(x, training=True)
    rows = layer.emb_space.numpy()
    expected = [[0.0, -1.0], [0.5**0.5, 0.5**0.5]]
    np.testing.assert_allclose(rows[np.argsort(rows[:, 0])], expected, atol=SLACK)


# What is drawn.


@pytest.mark.slow
@pytest.mark.clause("VQ-25.1", "VQ-25.3", "VQ-25.4", "VQ-25.8")
@pytest.mark.parametrize("most", [0, 256])
def test_a_start_that_xla_compiles_draws_as_it_must(monkeypatch, most):
    monkeypatch.setattr(tuning, "TUNING", tuning.Tuning(tried_seeds=most))
    distinct = np.unique(X, axis=0)
    rows = tf.constant(np.concatenate([X, [[np.nan, 1.0]]]).astype(np.float32))

    @tf.function(jit_compile=True)
    def drawn(rows):
        few, all_of_them = seeding.seeds(rows, 4, 7), seeding.seeds(rows, len(distinct), 7)
        return k_means.sample(rows, 13, 7), all_of_them, few, k_means.lloyd(rows, few, 3)

    sample, seeds, few, centres = drawn(rows)
    for one, other in zip((sample, seeds, few, centres), drawn(rows), strict=True):
        np.testing.assert_array_equal(one, other)
    assert sorted(sample.numpy()[:12].tolist()) == sorted(X.tolist())
    assert sorted(seeds.numpy().tolist()) == distinct.tolist()
    np.testing.assert_allclose(centres, k_means.lloyd(rows, few, 3), rtol=SLACK, atol=4 * SLACK)


def shares_of_seeds(values, n, tried):
    """Return how often each sequence of n seeds is drawn, one after the other, each the best of so many tried."""

    def in_turn(weight, number):
        """Give each sequence of so many places, drawn without replacement by these weights, and its chance."""
        for places in itertools.permutations(np.flatnonzero(weight), number):
            left = weight.sum() - np.cumsum([0, *weight[list(places)]])[:-1]
            yield places, np.prod(weight[list(places)] / left)

    def drawn(square):
        """Return the chance of each value to be the next."""
        weight = square if np.isfinite(square).all() else np.ones(len(values))
        chance = np.zeros(len(values))
        for tries, share in in_turn(weight, min(tried, np.count_nonzero(weight))):
            left = [np.minimum(square, (values - values[one]) ** 2).sum() for one in tries]
            chance[tries[int(np.argmin(left))]] += share
        return chance

    def square_to(seeds):
        return np.min([np.full(len(values), np.inf), *((values - it) ** 2 for it in seeds)], axis=0)

    shares = {(): 1.0}
    for _ in range(n):
        shares = {
            (*seeds, one): share * chance
            for seeds, share in shares.items()
            for one, chance in zip(values, drawn(square_to(seeds)), strict=True)
        }
    return shares


@pytest.mark.slow
@pytest.mark.clause("VQ-25.3")
@pytest.mark.parametrize(
    ("n", "most", "tried", "number", "compiled"),
    [(2, 2, 2, 2000, False), (3, 0, 1, 20_000, False), (2, 0, 1, 2000, True)],
)
def test_seeds_are_drawn_in_proportion_to_their_squared_distance(monkeypatch, n, most, tried, number, compiled):
    monkeypatch.setattr(tuning, "TUNING", tuning.Tuning(tried_seeds=most))
    values = np.array([0.0, 1.0, 1.5, 4.0, 4.25, 9.0], np.float32)
    draw = tf.function(lambda seed: seeding.seeds(tf.constant(values[:, None]), n, seed)[:, 0])
    of_seeds = tf.function(lambda them: tf.map_fn(draw, them, fn_output_signature=tf.float32), jit_compile=compiled)
    count = Counter(map(tuple, of_seeds(tf.range(number)).numpy().tolist()))
    for sequence, share in shares_of_seeds(values, n, tried).items():
        # Five standard deviations, of which a share of 0 has none: it is never drawn.
        assert abs(count[sequence] - number * share) <= 5 * np.sqrt(number * share)


@pytest.mark.clause("VQ-25.3")
@pytest.mark.parametrize(("weight", "first"), [(2.0**-26, 1), (1.0, 0)])
def test_a_key_that_is_rounded_to_one_does_not_beat_every_weight(monkeypatch, weight, first):
    keys = tf.constant([1.0, 0.5])  # of which the first would come after no time at all
    monkeypatch.setattr(seeding, "_keys", lambda *_: keys)
    assert seeding._proposed(tf.constant([weight, 1.0]), 0, tf.constant(0, tf.int64), tf.constant(1)) == [first]


@pytest.mark.slow
@pytest.mark.clause("VQ-25.3")
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("most", [0, 256])
def test_seeds_are_finite_rows_and_all_of_them_if_they_may_be(monkeypatch, most, compiled):
    """Where less than are drawn at once can be, around the origin, far from it, and where squares overflow."""
    monkeypatch.setattr(tuning, "TUNING", tuning.Tuning(tried_seeds=most))

    @tf.function(jit_compile=compiled)
    def drawn(rows, number):
        draw = lambda seed: seeding.seeds(rows, number, seed)  # noqa: E731
        return tf.map_fn(draw, tf.range(20), fn_output_signature=tf.float32)

    around = np.array([[-1, -1], [np.nan, 0], [1, 1], [0, np.inf], [np.nan, 0]], np.float32)
    for number in (1, 2, 8):
        for seeds in drawn(around, number).numpy():
            assert {tuple(row) for row in seeds} <= {(-1, -1), (1, 1)}
            assert len(np.unique(seeds, axis=0)) == min(number, 2)
    normal = np.random.default_rng(0).standard_normal([12, 3])
    for rows in (normal + 1e4, normal * 1e19, normal * 1e30, normal * 1e-15):
        expected = np.unique(rows.astype(np.float32), axis=0)
        for seeds in drawn(rows.astype(np.float32), len(expected)).numpy():
            np.testing.assert_array_equal(np.unique(seeds, axis=0), expected)


@pytest.mark.clause("VQ-25.4", "VQ-25.8")
def test_iterations_and_seeds_are_those_of_the_start(monkeypatch):
    monkeypatch.setattr(tuning, "TUNING", tuning.Tuning(tried_seeds=0))  # the best of some are too good to move on
    x = np.arange(20.0, dtype=np.float32)[:, np.newaxis] ** 2

    def begun(**how):
        layer = VectorQuantization(
            4, start=FromBatch("k-means", **how), losses=None, update="gradient", replacement=None
        )
        layer(x, training=True)
        return np.sort(layer.emb_space.numpy(), axis=0)

    assert set(begun(iterations=0)[:, 0]) <= set(x[:, 0])
    nearest = np.abs(x - begun(iterations=0)[:, 0]).argmin(axis=1)
    means = [x[nearest == j].mean() for j in range(4)]
    np.testing.assert_allclose(begun(iterations=1)[:, 0], means, rtol=SLACK)
    assert not np.array_equal(begun(iterations=1), begun(iterations=9))
    np.testing.assert_array_equal(begun(seed=1), begun(seed=1))
    assert len({str(begun(iterations=0, seed=seed)) for seed in range(5)}) > 1


# Defaults, presets, and what others call them.


@pytest.mark.clause("VQ-17.25")
def test_a_layer_by_default_learns_in_a_model_as_it_is():
    it = VectorQuantization(8).quantizer
    assert (it.losses, it.update) == ((Commitment(0.25),), MovingAverage(0.95))
    assert (it.start, it.replacement) == (FromBatch("k-means"), DeadCodes())
    assert VectorQuantization(8, losses="codebook").quantizer.update == Gradient()
    assert VectorQuantization(8, losses=[Codebook(0), "commitment"]).quantizer.update == MovingAverage(0.95)
    vote = VectorQuantization(2, comparison="cosine", choice=Majority([0, 1], 2, 1)).quantizer
    assert (vote.losses, vote.update, vote.replacement) == ((), Gradient(), None)
    assert vote.start.values.get_config() == FromInitializer().values.get_config()


@pytest.mark.parametrize(
    ("preset", "losses", "update"),
    [
        (adversarial_2018, ("alpha_loss", "beta_loss", "coulomb_loss"), Gradient()),
        (vq_vae, ("codebook_loss", "commitment_loss"), Gradient()),
        (vq_vae_ema, ("commitment_loss",), MovingAverage(0.99)),
    ],
)
def test_a_preset_is_put_together_as_its_paper_says(preset, losses, update):
    it = preset(8).quantizer
    assert tuple(loss.name for loss in it.losses) == losses
    assert it.update == update
    assert it.replacement is None
    assert isinstance(it.start, FromInitializer)
    assert preset(8, replacement="dead-codes").quantizer.replacement == DeadCodes()
    layer = preset(8, num_splits=2)
    layer(np.ones((3, 4), np.float32), training=True)
    assert len(layer.losses) == len(losses)
    assert bool(layer.trainable_weights) == update.by_gradient


@pytest.mark.clause("VQ-16.3")
@pytest.mark.parametrize("name", ELSEWHERE)
def test_an_argument_of_another_library_is_an_error_that_says_what_it_is_here(name):
    with pytest.raises(TypeError, match=rf"VectorQuantization has other names: `{name}` is `.*`. Received: {name}=8"):
        VectorQuantization(4, **{name: 8})


@pytest.mark.clause("VQ-16.3")
def test_what_is_written_for_an_argument_of_another_library_holds():
    ending = "`decay` is `update=MovingAverage(0.9)`. Received: commitment_cost=0.5, decay=0.9"
    with pytest.raises(TypeError) as raised:
        VectorQuantization(4, commitment_cost=0.5, decay=0.9)
    assert str(raised.value).endswith(ending)
    with pytest.raises(TypeError, match=r"the beta of a VQ-VAE is `losses=Commitment\(0.25\)`. Received: beta=0.25"):
        VectorQuantization(4, beta=0.25)


@pytest.mark.clause("VQ-17.25")
def test_a_loss_that_trains_the_embeddings_needs_the_gradient():
    with pytest.raises(ValueError, match="`losses`: Alpha needs an update by Gradient"):
        VectorQuantization(4, losses=Alpha(1.0), update="moving-average")
    assert VectorQuantization(4, losses=Alpha(0), update="moving-average").quantizer.update == MovingAverage()


@pytest.mark.clause("VQ-26.14", "VQ-24.14", "VQ-25.10")
@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: MovingAverage(1.0), ValueError, r"`MovingAverage.decay` must be at least 0 and below 1. .*decay=1.0"),
        (lambda: MovingAverage(-0.1), ValueError, r"`MovingAverage.decay` must be at least 0 and below 1"),
        (lambda: MovingAverage("0.9"), TypeError, r"`MovingAverage.decay` must be a number. .*decay='0.9'"),
        (
            lambda: MovingAverage(epsilon=np.inf),
            ValueError,
            r"`MovingAverage.epsilon` must be finite and not negative. Received: MovingAverage.epsilon=inf",
        ),
        (lambda: DeadCodes(0), ValueError, r"`DeadCodes.fraction` must be between 0 and 1. .*fraction=0"),
        (lambda: DeadCodes(1.0), ValueError, r"`DeadCodes.fraction` must be between 0 and 1. .*fraction=1.0"),
        (lambda: DeadCodes(decay=1), ValueError, r"`DeadCodes.decay` must be at least 0 and below 1. .*decay=1"),
        (lambda: DeadCodes(source="all"), ValueError, r"`DeadCodes.source` must be 'sample' or 'most-distant'"),
        (lambda: DeadCodes(number=0), ValueError, r"`DeadCodes.number` must be at least 1. .*number=0"),
        (lambda: DeadCodes(every=0), ValueError, r"`DeadCodes.every` must be at least 1. .*every=0"),
        (lambda: DeadCodes(seed=-1), ValueError, r"`DeadCodes.seed` must be at least 0. .*seed=-1"),
        (lambda: DeadCodes(seed=0.5), TypeError, r"`DeadCodes.seed` must be an integer. .*seed=0.5"),
        (lambda: FromBatch("last"), ValueError, r"`FromBatch.method` must be 'first' or 'sample' or 'k-means'"),
        (lambda: FromBatch(iterations=-1), ValueError, r"`FromBatch.iterations` must .*iterations=-1"),
        (lambda: FromBatch(seed="0"), TypeError, r"`FromBatch.seed` must be an integer. .*seed='0'"),
        (
            lambda: VectorQuantization(4, replacement=DeadCodes(number=5)),
            ValueError,
            r"`DeadCodes.number` must be at most n=4. Received: DeadCodes.number=5",
        ),
    ],
)
def test_a_part_that_learns_refuses_what_breaks_its_rule(build, error, message):
    with pytest.raises(error, match=message):
        build()


GROUPS = np.array([[0, 0], [9, 0], [0, 9], [9, 9]], np.float32)
SCATTERED = (GROUPS[np.arange(400) % 4] + np.random.default_rng(0).uniform(-0.5, 0.5, (400, 2))).astype(np.float32)


@pytest.mark.clause("VQ-24.9", "VQ-25.9")
@pytest.mark.parametrize("frozen", [False, True])
def test_a_layer_starts_from_k_means_of_many_batches_at_any_time(frozen):
    broken = np.concatenate([SCATTERED, [[np.nan, 0], [np.inf, 0]]]).astype(np.float32)
    means = np.stack([SCATTERED[group::4].mean(axis=0) for group in range(4)])
    batches = tf.data.Dataset.from_tensor_slices((broken, np.zeros(402))).batch(50)
    for data in (broken, broken[:, None], [broken[:7], broken[7:]], batches):
        layer = VectorQuantization(4)
        layer(1000 * broken[:, ::-1], training=True)
        layer.trainable = not frozen
        count = np.mean(layer.average_count)
        layer.initialize_from(data, seed=3)
        # Each mean is there, but for sums of a hundred terms below 10, in whatever order.
        distance = np.abs(layer.emb_space.numpy()[:, None] - means).max(axis=-1)
        assert (distance.min(axis=0) < 1e-4).all()
        np.testing.assert_allclose(layer.average_count, np.full(4, count), rtol=1e-6)
        np.testing.assert_array_equal(layer.moving_share, np.ones(4))
        assert layer.initialized.numpy()


@pytest.mark.clause("VQ-25.6", "VQ-25.9")
def test_of_many_batches_each_codebook_starts_from_its_own_vectors_and_on_the_sphere():
    layer = VectorQuantization(4, num_splits=2, codebooks="per-split")
    layer.initialize_from(np.concatenate([SCATTERED, SCATTERED + 100], axis=1))
    assert layer.emb_space.numpy()[0].max() < 10
    assert layer.emb_space.numpy()[1].min() > 99
    layer = VectorQuantization(3, comparison="cosine")
    layer.initialize_from(SCATTERED[SCATTERED.max(axis=1) > 5])
    np.testing.assert_allclose(np.linalg.norm(layer.emb_space, axis=1), np.ones(3), rtol=1e-6)
    angles = np.sort(np.arctan2(*layer.emb_space.numpy().T))
    np.testing.assert_allclose(angles, [0, np.pi / 4, np.pi / 2], atol=0.06)  # each group spans 0.11


@pytest.mark.clause("VQ-25.9", "VQ-25.10")
@pytest.mark.parametrize(
    ("data", "arguments", "error", "message"),
    [
        (
            np.full((3, 2), np.nan, np.float32),
            {},
            ValueError,
            "`data` must hold vectors that are finite. Received: none",
        ),
        (iter([SCATTERED]), {}, TypeError, "`data` must be an array, or batches that can be iterated over again"),
        ("name", {}, TypeError, "`data` must be an array, or batches .*Received: str"),
        ([SCATTERED, SCATTERED[:, :1]], {}, ValueError, "the last axis of `x` must be 2"),
        (SCATTERED, {"iterations": -1}, ValueError, "`iterations` must be at least 0"),
        (SCATTERED, {"seed": 0.5}, TypeError, "`seed` must be an integer"),
    ],
)
def test_what_no_layer_can_start_from_is_refused_and_changes_nothing(data, arguments, error, message):
    layer = VectorQuantization(4)
    layer(SCATTERED, training=True)
    before = layer.state
    with pytest.raises(error, match=message):
        layer.initialize_from(data, **arguments)
    for name, value in layer.state.items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)
