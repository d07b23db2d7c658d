"""Cases of what a quantizer may be put together from: masks, estimators, codebooks per split, passes of a training."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from reference.parts.replacement import DeadCodes
from reference.parts.updates import MovingAverage
from vq_verify.offers import ESTIMATORS, offered, to_draw
from vq_verify.protocol import Case, Implementation
from vq_verify.strategies.choices import chooser, integers, sample
from vq_verify.strategies.training import (
    TrainingCase,
    batches,
    broken_rows,
    exact_training_cases,
    interrupted_cases,
    with_zero,
)
from vq_verify.strategies.vectors import all_cases, exact_cases, normal, nudged

# Scales at which squares overflow or underflow, or nearly so.
_SCALES = {"float64": (0, -960, 510), "float32": (0, -100, 60), "bfloat16": (0, -100, 60), "float16": (0,)}


class Masked(NamedTuple):
    """A case, the same with masked vectors among its own, and which vectors of that one are the case's."""

    case: Case
    masked: Case
    counted: NDArray[np.bool_]


@st.composite
def masked_cases(draw: st.DrawFn, implementation: Implementation) -> Masked:
    """Draw a case on which float32 does not round, and put masked vectors before, between and after its own.

    There may be none of either kind. What is masked may be not finite. The mask is of all axes of x but the last.
    """
    case = replace(draw(exact_cases(implementation)), estimator=_estimator(draw, implementation))
    choose = chooser(draw, 3)
    if choose(range(8)) == 7:
        case = replace(case, x=case.x[:0])
    q, pool, number = case.x.shape[-1], with_zero(case), choose(range(4))
    rows = case.x.reshape(-1, q)
    count = number * case.num_splits
    hidden = np.where(
        sample(draw, [False, True], (count, 1)), broken_rows(draw, pool, count), sample(draw, pool, count)
    )
    hidden = np.where(sample(draw, [False, True], (count, 1)), -hidden, hidden)  # -0, too
    places = integers(draw, number, 0, len(rows))
    x = np.insert(rows, places, hidden.reshape(number, q), axis=0)
    mask = np.insert(np.ones(len(rows), bool), places, False)
    r = choose([r for r in (1, 2, 3) if len(x) % r == 0])
    masked = replace(case, x=x.reshape(-1, r, q), mask=mask.reshape(-1, r))
    return Masked(case, masked, np.repeat(mask, case.num_splits))


@st.composite
def cases_with_batch_masks(draw: st.DrawFn, implementation: Implementation) -> Case:
    """Draw a case with a mask of its first axis; its vectors and embeddings may be not finite."""
    case = _interrupted(draw, draw(all_cases(implementation)))
    return replace(case, mask=sample(draw, [True, False], len(case.x)))


def _interrupted(draw: st.DrawFn, case: Case) -> Case:
    """Return the case, or one some or all of whose vectors, embeddings or both are not finite, or one of no vector."""
    choose, d = chooser(draw, 2), case.emb_space.shape[-1]
    which, batch = choose("--xeb"), choose((None, None, None, 0))
    x, emb_space = case.x[:batch].reshape(-1, d), case.emb_space.reshape(-1, d)
    if which in "xb":
        x = np.where(sample(draw, [False, True], (len(x), 1)), broken_rows(draw, with_zero(case), len(x)), x)
    if which in "eb":
        broken = broken_rows(draw, emb_space, len(emb_space))
        emb_space = np.where(sample(draw, [False, True], (len(emb_space), 1)), broken, emb_space)
    x = x.reshape(-1, *case.x.shape[1:])
    return replace(case, x=x, emb_space=emb_space.reshape(case.emb_space.shape))


@st.composite
def cases_with_estimators(
    draw: st.DrawFn, implementation: Implementation, *estimators: str
) -> tuple[Case, NDArray[Any]]:
    """Draw a case with an estimator, one of these if any are named, and a gradient that reaches its output."""
    estimator = _estimator(draw, implementation, estimators or ESTIMATORS)
    case = replace(draw(all_cases(implementation)), estimator=estimator)
    return case, _upstream(draw, case)


def cases_with_other_estimators(implementation: Implementation) -> st.SearchStrategy[tuple[Case, NDArray[Any]]]:
    """Draw the same with any estimator but the straight-through one."""
    return cases_with_estimators(implementation, *(it for it in ESTIMATORS if it != "straight-through"))


def cases_that_pass_all_or_nothing(implementation: Implementation) -> st.SearchStrategy[tuple[Case, NDArray[Any]]]:
    """Draw the same with an estimator that passes the gradient on as it is, or 0."""
    return cases_with_estimators(implementation, "straight-through", "none")


@st.composite
def rotations(
    draw: st.DrawFn, implementation: Implementation, estimator: str = "rotation"
) -> tuple[Case, NDArray[Any]]:
    """Draw a case with the estimator by rotation, or the one named, and a gradient that reaches its output.

    Half of the vectors are an embedding times a power of 2 of either sign, and in half of the cases all are a little
    off: parallel, opposite, and nearly so. There are zero vectors, and vectors and embeddings that are not finite.
    """
    case, choose = replace(draw(exact_cases(implementation)), weights={}, estimator=estimator), chooser(draw, 6)
    emb_space = case.emb_space[: choose((1, None))]  # with a single embedding, a vector opposite to it chooses it, too
    dtype, vectors = case.x.dtype.name, case.vectors
    count = (len(vectors), 1)
    multiples = sample(draw, emb_space, len(vectors)) * sample(draw, [-1.0, 1.0, -4.0, 0.125], count)
    vectors = np.where(sample(draw, [True, False], count), multiples, vectors)
    if choose((False, True)):
        vectors = nudged(draw, vectors, dtype)
    if choose((False, True)):
        emb_space = nudged(draw, emb_space, dtype)
    scale = 2.0 ** choose(_SCALES[dtype])
    if scale != 1:
        case = replace(case, lookup_ord=np.inf)  # of which no distance overflows
    vectors = normal(scale * vectors, dtype)
    if choose(range(4)) == 3:
        broken = broken_rows(draw, vectors, len(vectors))
        vectors = np.where(sample(draw, [False, True], count), broken, vectors)
    emb_space = normal(scale * emb_space, case.emb_space.dtype)
    if choose(range(4)) == 3:
        emb_space = np.concatenate([broken_rows(draw, emb_space, 1), emb_space])
    case = replace(case, x=vectors.reshape(case.x.shape), emb_space=emb_space, exact=False)
    return case, _upstream(draw, case)


@st.composite
def interrupted_cases_with_estimators(draw: st.DrawFn, implementation: Implementation) -> tuple[Case, NDArray[Any]]:
    """Draw a case with vectors that are not finite and an estimator, and a gradient that reaches its output."""
    case = replace(draw(interrupted_cases(implementation)).interrupted, estimator=_estimator(draw, implementation))
    return case, _upstream(draw, case)


def projections(implementation: Implementation) -> st.SearchStrategy[tuple[Case, NDArray[Any]]]:
    """Draw the same with DiVeQ; an eighth of the vectors equal their embeddings, or nearly."""
    return rotations(implementation, "diveq")


def _estimator(draw: st.DrawFn, implementation: Implementation, names: Sequence[str] = ESTIMATORS) -> str:
    return chooser(draw, 1)(to_draw(implementation, "estimators", names))


def _upstream(draw: st.DrawFn, case: Case) -> NDArray[Any]:
    return integers(draw, case.x.shape, -3, 3).astype(case.x.dtype)


@st.composite
def cases_per_split(draw: st.DrawFn, implementation: Implementation, exact: bool = False) -> Case:
    """Draw a case with a codebook per split, of embeddings and vectors of a case with a shared one.

    Unless exact, it has any estimator, and its vectors and embeddings may be not finite.
    """
    if exact:
        return per_split(draw, draw(exact_cases(implementation)))
    case = _interrupted(draw, per_split(draw, draw(all_cases(implementation))))
    return replace(case, estimator=_estimator(draw, implementation))


def per_split(draw: st.DrawFn, case: Case) -> Case:
    """Return a case with a codebook per split, the first of which is the shared one of the case."""
    rows = np.concatenate([case.emb_space, with_zero(case).astype(case.emb_space.dtype)])
    others = sample(draw, rows, (case.num_splits - 1, len(case.emb_space)))
    return replace(case, emb_space=np.concatenate([case.emb_space[np.newaxis], others]), codebooks="per-split")


def exact_cases_per_split(implementation: Implementation) -> st.SearchStrategy[Case]:
    """Draw the same from cases on which float32 does not round."""
    return cases_per_split(implementation, exact=True)


class Step(NamedTuple):
    """A pass of a training over a batch, which may have a mask; or of inference, which has none."""

    x: NDArray[Any]
    mask: NDArray[np.bool_] | None
    trains: bool


@st.composite
def steps(draw: st.DrawFn, case: Case, masks: bool) -> list[Step]:
    """Draw up to five passes over batches of a case, one in four of inference."""
    drawn = []
    for _ in range(draw(st.integers(1, 5))):
        x, choose = draw(batches(case)), chooser(draw, 2)
        trains, has_mask = choose((True, True, True, False)), choose((False, True))
        mask = sample(draw, [True, False], x.shape[:-1]) if masks and trains and has_mask else None
        drawn.append(Step(x, mask, trains))
    return drawn


@st.composite
def trainings_with_every(draw: st.DrawFn, implementation: Implementation) -> tuple[TrainingCase, list[Step]]:
    """Draw a training in which float32 does not round and that replaces within a pass, and its passes."""
    case, number = draw(exact_training_cases(implementation))
    case = replace(case, every=draw(st.integers(1, 3)))
    return TrainingCase(case, number), draw(steps(case, masks=False))


@st.composite
def trainings_of_parts(draw: st.DrawFn, implementation: Implementation) -> tuple[TrainingCase, list[Step]]:
    """Draw a training in which float32 does not round, and its passes, some of which have masks.

    It replaces within a pass or not, and has a codebook per split or a shared one.
    """
    case, number = draw(exact_training_cases(implementation))
    choose = chooser(draw, 2)
    case = replace(case, every=choose((None, 1, 2, 3)))
    passes = draw(steps(case, masks=True))
    return TrainingCase(per_split(draw, case) if choose((False, True)) else case, number), passes


@st.composite
def started_trainings(draw: st.DrawFn, implementation: Implementation) -> tuple[TrainingCase, list[Step]]:
    """Draw a training that starts from its first batch, in which float32 does not round, and its passes.

    The first batch holds enough vectors, all of them finite, and before these masked ones where masks are offered.
    """
    case, number = draw(exact_training_cases(implementation))
    case = replace(case, start="batch", emb_space=np.zeros_like(case.emb_space))
    n, (_, r, q) = len(case.emb_space), case.x.shape
    rows = -(-n // (r * case.num_splits))
    x = sample(draw, with_zero(case), rows * r * case.num_splits).reshape(rows, r, q)
    hidden = draw(batches(case)) if offered(implementation, "masks", ["x"]) else x[:0]
    mask = np.repeat([False, True], [len(hidden), len(x)])
    first = Step(np.concatenate([hidden, x]), mask if len(hidden) else None, trains=True)
    return TrainingCase(case, number), [first, *draw(steps(case, masks=False))]


@st.composite
def trainings_per_split(draw: st.DrawFn, implementation: Implementation) -> tuple[TrainingCase, list[Step]]:
    """Draw a training with a codebook per split in which float32 does not round, and its passes, all of training.

    Where it is offered, half of them move by averages, and half leave dead codes.
    """
    case, number = draw(exact_training_cases(implementation))
    choose = chooser(draw, 3)
    case = replace(case, every=choose((None, 2)))
    if choose((False, True)) and offered(implementation, "updates", ["MovingAverage"]):
        case = replace(case, weights={}, update=MovingAverage(0.5, 0.25))
    if choose((False, True)) and offered(implementation, "policies", ["DeadCodes"]):
        case = replace(case, every=None, replacement=DeadCodes(0.75, 0.5, number=number))
    drawn = [Step(draw(batches(case)), None, trains=True) for _ in range(draw(st.integers(1, 2)))]
    return TrainingCase(per_split(draw, case), number), drawn
