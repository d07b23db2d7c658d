"""Trainings with replacement and batch initialization, and inputs and embeddings that are not finite."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from vq_verify.protocol import Case, Implementation
from vq_verify.strategies.choices import chooser, integers, sample
from vq_verify.strategies.vectors import all_cases, cases

Rows = NDArray[Any]
_NOT_FINITE = np.array([np.nan, np.inf, -np.inf])


class TrainingCase(NamedTuple):
    """A case whose x gives the shape and the rows of the batches, and how many embeddings a replacement replaces."""

    case: Case
    num_embeds_replaced: int


class Interrupted(NamedTuple):
    """A case, the same with vectors among its own that are not finite, and which vectors of that one are the case's."""

    case: Case
    interrupted: Case
    finite: NDArray[np.bool_]


@st.composite
def training_cases(draw: st.DrawFn, implementation: Implementation, exact: bool = False) -> TrainingCase:
    """Draw the beginning of a training; its embeddings may be not finite, and many distances tie."""
    case = draw(cases(implementation, exact))
    n = len(case.emb_space)
    if exact and draw(st.booleans()):  # nothing but -1, 0 and 1, once or thrice
        times = case.x.dtype.type(draw(st.sampled_from([1, 3])))
        case = replace(case, x=times * np.sign(case.x), emb_space=np.sign(case.emb_space))
    if implementation.configurations is None:
        num_embeds_replaced = draw(st.just(n) | st.integers(1, n))
    else:  # no further combinations: one number for each
        num_embeds_replaced = max(1, n * case.num_splits // 4)
    if chooser(draw, 1)((False, False, True)):
        rows = broken_rows(draw, case.emb_space, draw(st.integers(1, n)))
        case = replace(case, emb_space=np.concatenate([case.emb_space[len(rows) :], rows]))
    return TrainingCase(case, num_embeds_replaced)


def exact_training_cases(implementation: Implementation) -> st.SearchStrategy[TrainingCase]:
    """Draw the beginning of a training in which float32 does not round."""
    return training_cases(implementation, exact=True)


@st.composite
def batches(draw: st.DrawFn, case: Case, finite: bool = False, vectors: int = 0) -> NDArray[Any]:
    """Draw a batch: rows of the case, again and again, zero vectors, and unless finite, rows that are not.

    Batches are of any size from 0 to one that holds more vectors than asked for.
    """
    _, r, q = case.x.shape
    batch = draw(st.integers(0, max(3, 1 + -(-vectors // (r * case.num_splits)))))
    count, pool = batch * r * case.num_splits, with_zero(case)
    rows = sample(draw, pool, count)
    if not finite:
        rows = np.where(sample(draw, [False, True], (count, 1)), broken_rows(draw, pool, count), rows)
    return rows.reshape(batch, r, q)


@st.composite
def trainings(draw: st.DrawFn, implementation: Implementation) -> tuple[TrainingCase, NDArray[Any], NDArray[Any]]:
    """Draw the beginning of a training in which float32 does not round, and two batches for it."""
    drawn = draw(exact_training_cases(implementation))
    return drawn, draw(batches(drawn.case)), draw(batches(drawn.case))


@st.composite
def initializations(draw: st.DrawFn, implementation: Implementation) -> tuple[TrainingCase, NDArray[Any]]:
    """Draw the beginning of a training, and a batch that may initialize it or be refused."""
    drawn = draw(training_cases(implementation))
    x = draw(batches(drawn.case, finite=draw(st.booleans()), vectors=len(drawn.case.emb_space)))
    return drawn, x[: draw(st.sampled_from([1, *[len(x)] * 3]))]  # one may be too few


@st.composite
def interrupted_cases(draw: st.DrawFn, implementation: Implementation, exact: bool = False) -> Interrupted:
    """Draw a case, which may be empty, and put vectors that are not finite before, between and after its own."""
    case = draw(cases(implementation, exact=True) if exact else all_cases(implementation))
    if draw(st.integers(0, 7)) == 7:
        case = replace(case, x=case.x[:0])
    q, d = case.x.shape[-1], case.emb_space.shape[1]
    vectors, number = case.x.reshape(-1, d), case.num_splits * draw(st.integers(1, 3))  # whole rows of x
    rows, places = broken_rows(draw, with_zero(case), number), integers(draw, number, 0, len(vectors))
    x = np.insert(vectors, places, rows, axis=0).reshape(-1, 1, q)
    finite = np.insert(np.ones(len(vectors), bool), places, False)
    return Interrupted(case, replace(case, x=x), finite)


def exact_interrupted_cases(implementation: Implementation) -> st.SearchStrategy[Interrupted]:
    """Draw the same from cases on which float32 does not round."""
    return interrupted_cases(implementation, exact=True)


@st.composite
def cases_with_broken_embeddings(draw: st.DrawFn, implementation: Implementation) -> tuple[Case, NDArray[np.bool_]]:
    """Draw a case on which float32 does not round, and which of its embeddings, one at least, stay finite.

    The case itself is finite: the others are `broken_embeddings`.
    """
    case = draw(cases(implementation, exact=True))
    n = len(case.emb_space)
    finite = sample(draw, [True, False], n)
    finite[draw(st.integers(0, n - 1))] = True
    return case, finite


def broken_rows(draw: st.DrawFn, rows: Rows, count: int) -> Rows:
    """Draw some of the rows, with NaN or infinity in one of their coordinates or in all, ``[count, d]``."""
    d = rows.shape[1]
    where = integers(draw, (count, 1), 0, d)
    broken = (where == np.arange(d)) | (where == d)
    return np.where(broken, sample(draw, _NOT_FINITE.astype(rows.dtype), (count, 1)), sample(draw, rows, count))


def with_zero(case: Case) -> Rows:
    """Return the vectors of x, and the zero vector."""
    d = case.emb_space.shape[-1]
    return np.concatenate([case.x.reshape(-1, d), np.zeros((1, d), case.x.dtype)])
