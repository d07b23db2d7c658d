"""Laws of dead codes, for every implementation (VQ-26)."""

from dataclasses import replace

import numpy as np
import pytest

from reference.parts.replacement import DeadCodes
from reference.parts.updates import MovingAverage
from vq_verify.comparison import assert_within, rounding
from vq_verify.comparison.averages import moving_share
from vq_verify.protocol import Case, Implementation
from vq_verify.strategies import learning
from vq_verify.verify import verify

from .test_moving_averages import copied
from .test_passes import take


def looked_up(implementation, case, step, emb_space):
    """Return what the vectors of a pass choose of these embeddings, ``[M]``, and at which distance; -1 for none."""
    result = implementation.quantize(replace(case, x=step.x, mask=step.mask, emb_space=emb_space, replacement=None))
    index, n = result.emb_index.reshape(-1), len(emb_space)
    distance = np.array(result.distance, np.float64).reshape(-1, n)
    return index, np.where(index < 0, -1, np.take_along_axis(distance, index[:, np.newaxis], axis=-1)[:, 0])


def news(vectors, emb_space):
    """Return the vectors that equal no embedding, each once, in order."""
    known = set(map(tuple, emb_space.tolist()))
    return [vector for vector in dict.fromkeys(map(tuple, vectors.tolist())) if vector not in known]


def number_of(case):
    """Return how many embeddings a replacement may write (26.5)."""
    number = case.replacement.number
    return max(1, len(case.emb_space) // 8) if number is None else number


@verify(
    "VQ-26.1",
    "VQ-26.2",
    "VQ-26.3",
    "VQ-26.4",
    "VQ-26.5",
    "VQ-26.6",
    "VQ-26.7",
    "VQ-26.8",
    "VQ-26.9",
    "VQ-26.10",
    "VQ-26.12",
    drawn=learning.trainings_with_dead_codes,
)
def test_vectors_of_the_latest_pass_are_written_over_the_embeddings_of_too_small_a_share(implementation, drawn):
    case, steps = drawn
    rule, arithmetic, (n, d) = case.replacement, rounding(case.x.dtype), case.emb_space.shape
    trained = implementation.training(case, 1)
    np.testing.assert_array_equal(trained.state["moving_share"], np.ones(n))
    for step in steps:
        before = copied(trained.state)
        index, distance = looked_up(implementation, case, step, trained.state["emb_space"])
        take(trained, step)
        after = copied(trained.state)
        np.testing.assert_array_equal(after["emb_space"], before["emb_space"])  # without `every`
        if not step.trains:
            np.testing.assert_array_equal(after["moving_share"], before["moving_share"])
            continue
        count = np.bincount(index[index >= 0], minlength=n)
        share = moving_share(before["moving_share"], count, rule.decay, arithmetic)
        assert_within(after["moving_share"], *share, "moving_share")
        order = np.argsort(-distance, kind="stable")[: number_of(case)]
        found = (index >= 0, order[distance[order] > 0])
        if rule.seed and step is not steps[-1]:  # what came before is forgotten then
            continue
        trained.replace_embeds()
        vectors = step.x.astype(np.float64).reshape(-1, d)
        assert_replaced(case, after, copied(trained.state), *(vectors[which] for which in found))


def assert_replaced(case, before, after, vectors, most_distant):
    """Assert that what was written over the dead embeddings are vectors of the pass, and that these are safe again."""
    share, old = before["moving_share"], before["emb_space"]
    dead = [j for j in np.argsort(share, kind="stable") if share[j] < case.replacement.fraction]
    new, number = news(vectors, old), number_of(case)
    if case.replacement.source == "most-distant":
        expected = news(most_distant, old)[: len(dead)]
        written = dead[: len(expected)]
        np.testing.assert_array_equal(after["emb_space"][written], np.reshape(expected, (-1, old.shape[1])))
    else:
        same = [np.array_equal(*pair, equal_nan=True) for pair in zip(old, after["emb_space"], strict=True)]
        written = dead[: same.count(False)]
        taken = list(map(tuple, after["emb_space"][written].tolist()))
        assert set(taken) <= set(new)
        assert len(set(taken)) == len(taken) <= number
        if len(new) == len(vectors) or number >= len(vectors):  # whatever was drawn would do, or all was
            assert len(taken) == min(len(dead), number, len(new))
    others = np.delete(np.arange(len(share)), written)
    np.testing.assert_array_equal(after["emb_space"][others], old[others])
    np.testing.assert_array_equal(after["moving_share"][others], share[others])
    np.testing.assert_array_equal(after["moving_share"][written], np.ones(len(written)))


@verify("VQ-26.11", "VQ-26.13", "VQ-24.9", drawn=learning.trainings_that_leave_dead_codes)
def test_a_pass_that_is_due_replaces_as_one_does_by_hand_and_equal_seeds_draw_the_same(implementation, drawn):
    case, steps = drawn
    itself = implementation.training(case, 1)
    by_hand = implementation.training(replace(case, replacement=replace(case.replacement, every=None)), 1)
    passes = 0
    for step in steps:
        take(itself, step)
        take(by_hand, step)
        passes += step.trains
        if passes == case.replacement.every:
            by_hand.replace_embeds()
            passes = 0
        assert itself.state["passes_since_replacement"] == passes
        for name in ("emb_space", "moving_share", *(["average_count"] if "average_count" in itself.state else [])):
            np.testing.assert_array_equal(itself.state[name], by_hand.state[name], err_msg=name)


def dead_after(implementation, rule, vectors=4, most=20):
    """Return after how many passes over so many equal vectors the other of two embeddings is replaced, if it is."""
    x = np.concatenate([np.zeros((vectors - 1, 1, 1)), np.ones((1, 1, 1))]).astype(np.float32)
    case = Case(x=x, emb_space=np.array([[0.0], [-8.0]], np.float32), weights={}, replacement=rule)
    trained = implementation.training(case, 1)
    for number in range(1, most + 1):
        trained.training_pass(x)
        if trained.state["emb_space"][1] != -8:
            return number
    return None


@pytest.mark.clause("VQ-26.1", "VQ-26.3", "VQ-26.10", "VQ-26.11")
@pytest.mark.parametrize(
    ("fraction", "decay", "passes"), [(0.3, 0.5, 2), (0.25, 0.5, 3), (0.75, 0.0, 1), (0.5, 0.75, 3)], ids=str
)
def test_what_nothing_chooses_is_dead_after_as_many_passes_as_that_takes(
    implementation: Implementation, fraction: float, decay: float, passes: int
) -> None:
    rule = DeadCodes(fraction, decay, source="most-distant", number=1)
    assert dead_after(implementation, rule) == passes


@pytest.mark.clause("VQ-26.1")
def test_a_pass_of_fewer_vectors_than_embeddings_counts_for_less(implementation: Implementation) -> None:
    x = np.ones((1, 1, 1), np.float32)
    emb_space = np.array([[1.0], [2.0], [3.0], [4.0]], np.float32)
    rule = DeadCodes(0.5, 0.5, number=1, every=None)
    trained = implementation.training(Case(x=x, emb_space=emb_space, weights={}, replacement=rule), 1)
    trained.training_pass(x)
    # The pace is half of a quarter; the share of the one is 4, of the others 0.
    np.testing.assert_array_equal(trained.state["moving_share"], [1.375, 0.875, 0.875, 0.875])


@pytest.mark.clause("VQ-26.3", "VQ-26.12")
def test_an_embedding_that_is_not_finite_is_replaced(implementation: Implementation) -> None:
    x = np.array([[[1.0]], [[6.0]]], np.float32)
    emb_space = np.array([[1.0], [np.nan], [np.inf]], np.float32)
    rule = DeadCodes(0.5, 0.0, "most-distant", number=3, every=1)
    trained = implementation.training(Case(x=x, emb_space=emb_space, weights={}, replacement=rule), 1)
    trained.training_pass(x)
    np.testing.assert_array_equal(trained.state["emb_space"], [[1], [6], [np.inf]])
    trained.training_pass(x + 1)
    trained.training_pass(x + 2)
    assert np.isfinite(trained.state["emb_space"]).all()


@pytest.mark.clause("VQ-26.8", "VQ-26.13")
def test_seeds_draw_each_of_the_vectors(implementation: Implementation) -> None:
    x = np.arange(1.0, 4.0, dtype=np.float32).reshape(3, 1, 1)
    case = Case(x=x, emb_space=np.array([[0.0], [-9.0]], np.float32), weights={})
    drawn = set()
    for seed in range(40):  # one of three is not among as many draws once in 10^6 implementations
        rule = DeadCodes(0.5, 0.0, "sample", number=1, seed=seed)
        trained = implementation.training(replace(case, replacement=rule), 1)
        trained.training_pass(x)
        drawn.add(float(trained.state["emb_space"][1, 0]))
    assert drawn == {1.0, 2.0, 3.0}


@pytest.mark.clause("VQ-26.8")
def test_passes_do_not_draw_the_same_places(implementation: Implementation) -> None:
    x = np.arange(1.0, 17.0, dtype=np.float32).reshape(16, 1, 1)
    rule = DeadCodes(0.5, 0.0, "sample", number=1)
    emb_space = np.array([[0.0], [-900.0]], np.float32)
    trained = implementation.training(Case(x=x, emb_space=emb_space, weights={}, replacement=rule), 1)
    places = set()
    for number in range(8):
        trained.training_pass(x + 100 * number)
        places.add(float(trained.state["emb_space"].max()) % 100)
    assert len(places) > 1  # they are all the same once in 16^7 implementations


@pytest.mark.clause("VQ-26.7")
def test_what_lies_at_an_embedding_is_not_taken_by_distance(implementation: Implementation) -> None:
    x = np.array([[[3.0]], [[3.0]], [[2.0]]], np.float32)
    emb_space = np.array([[3.0], [50.0], [60.0]], np.float32)
    rule = DeadCodes(0.5, 0.0, "most-distant", number=3)
    trained = implementation.training(Case(x=x, emb_space=emb_space, weights={}, replacement=rule), 1)
    trained.training_pass(x)
    np.testing.assert_array_equal(trained.state["emb_space"], [[3], [2], [60]])


@pytest.mark.clause("VQ-26.9")
def test_what_equals_an_embedding_that_is_written_over_is_not_taken(implementation: Implementation) -> None:
    # The averages move the second embedding onto its only vector; then 30 is written over it, since it is dead.
    x = np.array([0.0] * 7 + [30.0, 90.0, 200.0], np.float32).reshape(10, 1, 1)
    emb_space = np.array([[0.0], [100.0], [200.0]], np.float32)
    rule = DeadCodes(0.5, 0.0, "most-distant", number=2)
    case = Case(x=x, emb_space=emb_space, weights={}, update=MovingAverage(0.0, 0.0), replacement=rule)
    trained = implementation.training(case, 1)
    trained.training_pass(x)
    np.testing.assert_array_equal(trained.state["emb_space"], [[3.75], [30], [200]])


@pytest.mark.clause("VQ-26.4", "VQ-26.5", "VQ-26.6")
@pytest.mark.parametrize(
    ("number", "expected"), [(1, [100, 0, 1]), (2, [101, 0, 1]), (3, [101, 0, 1]), (None, [100, 0, 1])]
)
def test_the_least_share_is_replaced_first(
    implementation: Implementation, number: int | None, expected: list[float]
) -> None:
    # Of eight vectors one, seven and none choose these: the shares are 3/8, 21/8 and 0.
    x = np.array([0.0] * 6 + [1.0, 101.0], np.float32).reshape(8, 1, 1)
    emb_space = np.array([[100.0], [0.0], [200.0]], np.float32)
    rule = DeadCodes(0.5, 0.0, "most-distant", number=number)
    trained = implementation.training(Case(x=x, emb_space=emb_space, weights={}, replacement=rule), 1)
    trained.training_pass(x)
    np.testing.assert_array_equal(trained.state["emb_space"][:, 0], expected)


@pytest.mark.clause("VQ-24.9", "VQ-26.10")
def test_a_batch_that_initializes_makes_all_safe_again(implementation: Implementation) -> None:
    x = np.array([[[3.0]], [[3.0]], [[2.0]], [[3.0]]], np.float32)
    case = Case(x=x, emb_space=np.array([[3.0], [50.0]], np.float32), weights={}, update=MovingAverage(0.5, 0.0))
    trained = implementation.training(replace(case, replacement=DeadCodes(0.05, 0.5, number=1, every=None)), 1)
    trained.training_pass(x)
    np.testing.assert_array_equal(trained.state["moving_share"], [1.5, 0.5])
    trained.initialize_from_batch(x[1:3])
    np.testing.assert_array_equal(trained.state["moving_share"], [1, 1])
    np.testing.assert_array_equal(trained.state["average_count"], [1, 1])
