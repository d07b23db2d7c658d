"""Cases of what a quantizer may be put together from: masks, estimators, codebooks per split, passes of a training."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from reference.parts.replacement import DeadCodes
from reference.parts.updates import MovingAverage
from tests.implementations.offers import ESTIMATORS, offered, to_draw
from tests.implementations.protocol import Case, Implementation
from tests.strategies.choices import chooser, integers, sample
from tests.strategies.training import (
    TrainingCase,
    batches,
    broken_rows,
    exact_training_cases,
    interrupted_cases,
    with_zero,
)
from tests.strategies.vectors import all_cases, exact_cases


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
    """Draw a case with a mask of its first axis."""
    case = draw(all_cases(implementation))
    return replace(case, mask=sample(draw, [True, False], len(case.x)))


@st.composite
def cases_with_estimators(draw: st.DrawFn, implementation: Implementation) -> tuple[Case, NDArray[Any]]:
    """Draw a case with an estimator, and a gradient that reaches its output."""
    case = replace(draw(all_cases(implementation)), estimator=_estimator(draw, implementation))
    return case, integers(draw, case.x.shape, -3, 3).astype(case.x.dtype)


@st.composite
def interrupted_cases_with_estimators(draw: st.DrawFn, implementation: Implementation) -> tuple[Case, NDArray[Any]]:
    """Draw a case with vectors that are not finite and an estimator, and a gradient that reaches its output."""
    case = replace(draw(interrupted_cases(implementation)).interrupted, estimator=_estimator(draw, implementation))
    return case, integers(draw, case.x.shape, -3, 3).astype(case.x.dtype)


def _estimator(draw: st.DrawFn, implementation: Implementation) -> str:
    return chooser(draw, 1)(to_draw(implementation, "estimators", ESTIMATORS))


@st.composite
def cases_per_split(draw: st.DrawFn, implementation: Implementation, exact: bool = False) -> Case:
    """Draw a case with a codebook per split, of embeddings and vectors of a case with a shared one."""
    case = draw(exact_cases(implementation) if exact else all_cases(implementation))
    return per_split(draw, case)


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
