"""The strategies of averages, starts and dead codes draw valid cases, and reach what they promise."""

import hypothesis
import numpy as np
import pytest

from reference.parts.updates import MovingAverage
from tests.property.test_passes import take
from tests.suite.test_strategies import draws, reaches
from vq_verify.adapters.oracle import Oracle
from vq_verify.strategies import learning

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("strategies of learning")]  # on one worker, which draws once

ORACLE = Oracle()
AVERAGED, DEAD = learning.averaged_trainings(ORACLE), learning.trainings_with_dead_codes(ORACLE)
SAMPLED, K_MEANS, GROUPED = (
    learning.sampled_starts(ORACLE),
    learning.k_means_starts(ORACLE),
    learning.grouped_starts(ORACLE),
)


def state_after(drawn):
    """Return the state before and after the passes of a training, and after a replacement then."""
    trained = ORACLE.training(drawn.case, 1)
    states = [trained.state]
    for step in drawn.steps:
        take(trained, step)
    states.append(trained.state)
    trained.replace_embeds()
    return [*states, trained.state]


def is_finite(array):
    return np.isfinite(np.asarray(array, np.float64)).all()


MOVED = {
    "embeddings that move": lambda drawn: (state_after(drawn)[1]["average_count"] > 0).sum() > 1,
    "one that is not chosen": lambda drawn: (state_after(drawn)[1]["average_count"] == 0).any(),
    "one that rounds": lambda drawn: not drawn.case.exact and state_after(drawn)[1]["average_count"].any(),
    "a mask": lambda drawn: any(it.mask is not None and not it.mask.all() for it in drawn.steps),
    "vectors that are not finite": lambda drawn: not all(is_finite(it.x) for it in drawn.steps),
    "embeddings that are not finite": lambda drawn: not is_finite(drawn.case.emb_space),
    "a pass of inference": lambda drawn: not all(it.trains for it in drawn.steps),
    "three passes": lambda drawn: sum(it.trains for it in drawn.steps) == 3,
}


@pytest.mark.parametrize("promise", MOVED)
def test_a_promised_average_is_reached(promise):
    assert reaches(AVERAGED, MOVED[promise])


@pytest.mark.parametrize("decay", learning.DECAYS)
@pytest.mark.parametrize("epsilon", learning.EPSILONS)
def test_every_decay_comes_with_every_smoothing(decay, epsilon):
    assert reaches(AVERAGED, lambda drawn: drawn.case.update == MovingAverage(decay, epsilon))


def _written(drawn):
    _, before, after = state_after(drawn)
    return sum(
        not np.array_equal(*pair, equal_nan=True) for pair in zip(before["emb_space"], after["emb_space"], strict=True)
    )


def _dead(drawn):
    return (state_after(drawn)[1]["moving_share"] < drawn.case.replacement.fraction).sum()


def _broken(state):
    return (~np.isfinite(state["emb_space"])).any(axis=-1).sum()


LEFT = {
    "several that are replaced": lambda drawn: _written(drawn) > 1,
    "more that are dead than are replaced": lambda drawn: 0 < _written(drawn) < _dead(drawn),
    "none that is dead": lambda drawn: not _dead(drawn) and any(it.x.size for it in drawn.steps),
    "a number that is left out": lambda drawn: drawn.case.replacement.number is None and _written(drawn),
    "fewer vectors than embeddings": lambda drawn: any(0 < it.x.size < drawn.case.emb_space.size for it in drawn.steps),
}


@pytest.mark.parametrize("promise", LEFT)
@pytest.mark.parametrize("source", ["sample", "most-distant"])
def test_promised_dead_codes_are_reached_by_either_source(source, promise):
    assert reaches(DEAD, lambda drawn: drawn.case.replacement.source == source and LEFT[promise](drawn))


def test_dead_codes_that_are_not_finite_are_replaced():
    assert reaches(DEAD, lambda drawn: len(set(map(_broken, state_after(drawn)))) > 1)


@pytest.mark.parametrize("started", [SAMPLED, K_MEANS], ids=["sample", "k-means"])
def test_what_a_training_starts_from_is_what_counts_in_its_first_pass(started):
    @hypothesis.given(started)
    def check(drawn):
        (first, *_), vectors = drawn.steps, drawn.vectors
        counted = (first.x if first.mask is None else first.x[first.mask]).reshape(-1, vectors.shape[1])
        np.testing.assert_array_equal(counted[[is_finite(row) for row in counted]], vectors)
        assert len(vectors)

    check()


def _distinct(drawn):
    return len(np.unique(drawn.vectors, axis=0)) - len(drawn.case.emb_space)


STARTS = {
    "fewer distinct vectors than embeddings": lambda drawn: _distinct(drawn) < 0,
    "as many": lambda drawn: _distinct(drawn) == 0 and len(drawn.case.emb_space) > 2,
    "more": lambda drawn: _distinct(drawn) > 0,
    "fewer vectors than embeddings": lambda drawn: len(drawn.vectors) < len(drawn.case.emb_space),
    "equal vectors": lambda drawn: len(np.unique(drawn.vectors, axis=0)) < len(drawn.vectors),
    "masked vectors": lambda drawn: drawn.steps[0].mask is not None,
    "vectors that are not finite": lambda drawn: not is_finite(drawn.steps[0].x),
    "several splits": lambda drawn: drawn.case.num_splits > 1,
}


@pytest.mark.parametrize("promise", STARTS)
@pytest.mark.parametrize("started", [SAMPLED, K_MEANS], ids=["sample", "k-means"])
def test_a_promised_start_is_reached(started, promise):
    assert reaches(started, STARTS[promise])


def test_groups_are_of_different_sizes_and_have_the_means_that_they_come_with():
    for started, means in draws(GROUPED)[:50]:
        nearest = np.abs(started.vectors[:, np.newaxis] - means).max(axis=-1).argmin(axis=-1)
        sizes = np.bincount(nearest, minlength=len(means))
        assert set(sizes) <= {1, 2, 4}
        for j, mean in enumerate(means):
            np.testing.assert_array_equal(started.vectors[nearest == j].mean(axis=0), mean)
    assert reaches(GROUPED, lambda drawn: len(drawn[0].vectors) > 2 * len(drawn[1]) > 4)
