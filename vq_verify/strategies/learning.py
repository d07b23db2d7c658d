"""Trainings in which embeddings move by averages, start from a sample or k-means, and leave dead codes."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from reference.parts.replacement import DeadCodes
from reference.parts.updates import MovingAverage
from vq_verify.comparison import comparison_dtype
from vq_verify.offers import offered, to_draw
from vq_verify.protocol import Case, Implementation
from vq_verify.strategies.choices import chooser, integers, sample
from vq_verify.strategies.parts import Step
from vq_verify.strategies.training import batches, broken_rows, exact_training_cases, training_cases, with_zero
from vq_verify.strategies.vectors import cases, exact_rows

# All but the last leave counts exact in every comparison dtype, for some passes.
DECAYS = (0.5, 0.0, 0.75, 0.99)
EPSILONS = (0.0, 2.0**-10, 1e-5)
FRACTIONS = (0.5, 0.75, 0.25, 0.05)

# Groups of vectors so far apart, and so narrow, that the seeds of k-means miss one of them once in 2^24 trainings.
APART, NARROW = 2.0**16, 4


class Trained(NamedTuple):
    """The beginning of a training, and its passes."""

    case: Case
    steps: list[Step]


class Started(NamedTuple):
    """A training that starts from its first pass, the passes, and the vectors of the first that count, ``[M, d]``."""

    case: Case
    steps: list[Step]
    vectors: NDArray[Any]


@st.composite
def averaged_trainings(draw: st.DrawFn, implementation: Implementation) -> Trained:
    """Draw a training by moving averages, and its passes.

    Float32 does not round in it before the first pass; or it has one embedding, which nothing can tie with.
    """
    if draw(st.booleans()):
        case, _ = draw(exact_training_cases(implementation))
    else:
        case, _ = draw(training_cases(implementation))
        case = replace(case, emb_space=case.emb_space[:1])
    case = replace(case, weights={}, update=_moving(draw))
    return Trained(case, _passes(draw, implementation, case))


@st.composite
def still_trainings(draw: st.DrawFn, implementation: Implementation) -> Trained:
    """Draw a training by moving averages, and passes over nothing but its embeddings; float32 does not round."""
    case = draw(cases(implementation, exact=True))
    emb_space = case.emb_space.astype(case.x.dtype)
    case = replace(case, weights={}, update=_moving(draw), emb_space=emb_space.astype(comparison_dtype(case.x.dtype)))
    _, r, q = case.x.shape
    counts = [draw(st.integers(0, 4)) * r * case.num_splits for _ in range(2)]
    return Trained(case, [Step(sample(draw, emb_space, count).reshape(-1, r, q), None, True) for count in counts])


@st.composite
def rewritten_trainings(draw: st.DrawFn, implementation: Implementation) -> tuple[Case, int, list[Step]]:
    """Draw a training by moving averages that also replaces, how many embeddings at once, and its passes."""
    case, number = draw(exact_training_cases(implementation))
    case = replace(case, weights={}, update=_moving(draw))
    return case, number, _passes(draw, implementation, case)


@st.composite
def trainings_with_dead_codes(draw: st.DrawFn, implementation: Implementation) -> Trained:
    """Draw a training that leaves dead codes when it is told to, and its passes; float32 does not round.

    Mostly, its embeddings are twice those of other cases: few vectors equal one, and would not be taken.
    """
    case, number = draw(exact_training_cases(implementation))
    times = case.emb_space.dtype.type(draw(st.sampled_from([2, 2, 1])))
    case = replace(case, weights={}, replacement=_dead_codes(draw, number), emb_space=times * case.emb_space)
    return Trained(case, _passes(draw, implementation, case))


@st.composite
def trainings_that_leave_dead_codes(draw: st.DrawFn, implementation: Implementation) -> Trained:
    """Draw a training that leaves dead codes within its passes, in the first or later ones, by averages or not."""
    case, steps = draw(trainings_with_dead_codes(implementation))
    every, by_average = draw(st.sampled_from([1, 1, 2])), draw(st.booleans())
    rule = replace(case.replacement, every=every)
    return Trained(replace(case, replacement=rule, update=_moving(draw) if by_average else case.update), steps)


@st.composite
def first_averages(draw: st.DrawFn, implementation: Implementation) -> Trained:
    """Draw a training by moving averages in which float32 does not round before its first pass, and that pass."""
    case, _ = draw(exact_training_cases(implementation))
    return Trained(replace(case, weights={}, update=_moving(draw)), [Step(draw(batches(case)), None, trains=True)])


@st.composite
def determined_trainings(draw: st.DrawFn, implementation: Implementation) -> Trained:
    """Draw a training that leaves dead codes without chance: for the most distant vectors, and of no share on the edge.

    The fraction is none that a share of so few passes can equal, which may round to either side of it.
    """
    case, steps = draw(trainings_with_dead_codes(implementation))
    rule = replace(case.replacement, source="most-distant", fraction=0.37, every=draw(st.sampled_from([1, 2, None])))
    return Trained(replace(case, replacement=rule), steps)


@st.composite
def started_trainings(draw: st.DrawFn, implementation: Implementation, method: str) -> Started:
    """Draw a training that starts from a sample or from k-means of vectors that float32 can add up without rounding.

    There are fewer distinct vectors than embeddings, as many or more; some are equal; and among them are some that do
    not count, masked or not finite. A second pass is over the negative vectors.
    """
    case, _ = draw(exact_training_cases(implementation))
    n, d = case.emb_space.shape
    pool = np.unique(with_zero(case), axis=0)[: n + 2]
    extra = exact_rows(draw, draw(st.integers(0, n)), d).astype(case.x.dtype)
    pool = np.unique(np.concatenate([pool, extra]), axis=0)
    pool = pool[draw(st.permutations(range(len(pool))))][: draw(st.integers(1, n + 2))]
    rows = np.concatenate([pool, sample(draw, pool, draw(st.integers(0, 3)))])
    broken = broken_rows(draw, rows, draw(st.integers(0, 2)))
    places = integers(draw, len(broken), 0, len(rows))
    rows = np.insert(rows, places, broken, axis=0)
    filled = np.resize(rows, (-(-len(rows) // case.num_splits) * case.num_splits, d))  # whole rows of x
    return _started(draw, implementation, replace(case, start=method), filled)


def sampled_starts(implementation: Implementation) -> st.SearchStrategy[Started]:
    """Draw a training that starts from a sample."""
    return started_trainings(implementation, "sample")


def k_means_starts(implementation: Implementation) -> st.SearchStrategy[Started]:
    """Draw a training that starts from k-means."""
    return started_trainings(implementation, "k-means")


@st.composite
def grouped_starts(draw: st.DrawFn, implementation: Implementation) -> tuple[Started, NDArray[np.float64]]:
    """Draw a training that starts from k-means of n narrow groups, far apart, and the means of these, all exact."""
    case, _ = draw(exact_training_cases(implementation))
    n, d = case.emb_space.shape
    dtype = draw(st.sampled_from(to_draw(implementation, "dtypes", ("float32", "float64"))))
    means = np.where(np.arange(n)[:, np.newaxis] % d == np.arange(d), APART * np.arange(n)[:, np.newaxis], 0)
    groups = []
    for mean in means:
        offsets = integers(draw, (draw(st.sampled_from([0, 1, 2])), d), -NARROW, NARROW)
        around = np.concatenate([offsets, -offsets]) if len(offsets) else np.zeros((1, d))
        groups.append(mean + around)
    rows = np.concatenate(groups)
    rows = rows[draw(st.permutations(range(len(rows))))].astype(dtype)
    case = replace(
        case,
        x=np.zeros((1, 1, d), dtype),
        emb_space=np.zeros((n, d), comparison_dtype(dtype)),
        num_splits=1,
        start="k-means",
    )
    return _started(draw, implementation, case, rows), means


def _moving(draw: st.DrawFn) -> MovingAverage:
    choose = chooser(draw, 2)
    return MovingAverage(choose(DECAYS), choose(EPSILONS))


def _dead_codes(draw: st.DrawFn, number: int) -> DeadCodes:
    choose = chooser(draw, 5)
    return DeadCodes(
        fraction=choose(FRACTIONS),
        decay=choose(DECAYS),
        source=choose(("most-distant", "sample")),
        number=choose((number, None)),
        every=None,
        seed=choose(range(4)),
    )


def _passes(draw: st.DrawFn, implementation: Implementation, case: Case) -> list[Step]:
    """Draw up to three passes over batches of a case, some with masks where these are offered, a few of inference."""
    drawn, masks = [], offered(implementation, "masks", ["x"])
    for _ in range(draw(st.integers(1, 3))):
        x, choose = draw(batches(case)), chooser(draw, 2)
        trains, has_mask = choose((True, True, True, False)), choose((False, True))
        mask = sample(draw, [True, False], x.shape[:-1]) if masks and trains and has_mask else None
        drawn.append(Step(x, mask, trains))
    return drawn


def _started(draw: st.DrawFn, implementation: Implementation, case: Case, rows: NDArray[Any]) -> Started:
    """Return the training of a case whose first pass is over these rows, and over masked ones where it may be."""
    d = rows.shape[1]
    x = rows.reshape(-1, 1, d * case.num_splits)
    vectors = rows[np.isfinite(rows.astype(np.float64)).all(axis=-1)]
    steps, mask = [], None
    if offered(implementation, "masks", ["x"]) and draw(st.booleans()):
        hidden = sample(draw, np.concatenate([7 * x, x[::-1]]), draw(st.integers(1, 3)))
        places = integers(draw, len(hidden), 0, len(x))
        mask = np.insert(np.ones((len(x), 1), bool), places, False, axis=0)
        steps = [Step(np.insert(x, places, hidden, axis=0), mask, True)]
    else:
        steps = [Step(x, None, True)]
    start = replace(case, x=x[:1], emb_space=np.zeros_like(case.emb_space), weights={})
    return Started(start, [*steps, Step(-x, None, True)], vectors)
