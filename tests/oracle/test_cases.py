"""The strategies draw what they promise, and the comparisons tell what differs."""

import math
from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis.strategies import SearchStrategy

from tests.oracle import exact
from tests.oracle.cases import LOOKUP_ORDS, Case, cases, is_smooth, smooth_cases
from tests.oracle.rounding import error, once_rounded, values

# No shrinking: any example will do.
_SETTINGS = hypothesis.settings(max_examples=2000, phases=[hypothesis.Phase.generate], database=None)


def _find(strategy: SearchStrategy[Case], is_reached: Callable[[Case], Any]) -> Case:
    return hypothesis.find(strategy, is_reached, settings=_SETTINGS, random=Random(0))


def _ties(case: Case) -> bool:
    rows = [row for sample in case.exact_distances(1) for row in sample]
    return any(None not in row and min(row) > 0 and row.count(min(row)) > 1 for row in rows)


@pytest.mark.parametrize(
    "is_reached",
    [
        lambda case: not case.vector_lists,
        lambda case: len(case.vector_lists) == 3,
        lambda case: case.r == 3 and case.num_splits == 3 and case.vector_lists,
        lambda case: len(case.emb_space_lists) == 1,
        lambda case: len(case.emb_space_lists[0]) == 1,
        lambda case: len(case.emb_space_lists[0]) == 4,
        lambda case: any(case.emb_space_lists.count(embedding) > 1 for embedding in case.emb_space_lists),
        lambda case: any(vector in case.exact_emb_space for vector in case.exact_vectors),
        lambda case: any(coordinate > 99 for embedding in case.emb_space_lists for coordinate in embedding),
        _ties,
    ],
    ids=["batch 0", "batch 3", "m 9", "n 1", "d 1", "d 4", "duplicates", "equal to a row", "offset", "ties"],
)
def test_cases_reach_what_they_promise(is_reached: Callable[[Case], Any]) -> None:
    assert is_reached(_find(cases(), is_reached))


@pytest.mark.parametrize(
    "is_reached",
    [
        lambda case: any(not exact.is_finite(vector) for vector in case.exact_vectors),
        lambda case: any(not exact.is_finite(embedding) for embedding in case.exact_emb_space),
        lambda case: not any(exact.is_finite(embedding) for embedding in case.exact_emb_space) and case.exact_vectors,
    ],
    ids=["a vector", "an embedding", "every embedding"],
)
def test_cases_reach_what_is_not_finite(is_reached: Callable[[Case], Any]) -> None:
    assert is_reached(_find(cases(finite=False), is_reached))


@hypothesis.given(cases())
def test_finite_cases_are_finite(case: Case) -> None:
    assert np.isfinite(case.x).all()
    assert np.isfinite(case.emb_space).all()


@hypothesis.given(cases(finite=False))
def test_a_case_has_the_same_vectors_as_lists_and_as_an_array(case: Case) -> None:
    assert exact.split(exact.rationals(case.x.tolist()), case.num_splits) == exact.rationals(case.vector_lists)
    assert exact.rationals(case.vectors.tolist()) == exact.rationals(case.vector_lists)


def test_smooth_cases_reach_several_embeddings_and_coordinates() -> None:
    def is_large(case: Case) -> bool:
        return case.emb_space.shape == (3, 3)

    case = _find(smooth_cases(), is_large)
    assert all(is_smooth(case, lookup_ord) for lookup_ord in LOOKUP_ORDS)


@pytest.mark.parametrize(
    ("lookup_ord", "vector", "emb_space"),
    [
        (1, [0.0, 0.0], [[0.0, 3.0]]),
        (2, [0.0, 0.0], [[0.0, 0.0]]),
        (np.inf, [0.0, 0.0], [[3.0, -3.0]]),
        (2, [0.0, 0.0], [[1.0, 2.0], [2.0, -1.0]]),
        (2, [9.0, 9.0], [[1.0, 2.0], [2.0, 4.0], [0.0, 0.0]]),
    ],
    ids=["L1 zero", "L2 zero", "Linf tie", "nearest tie", "closest spacing tie"],
)
def test_kinks_and_ties_are_not_smooth(lookup_ord: float, vector: list[float], emb_space: list[list[float]]) -> None:
    assert not is_smooth(Case([[vector]], emb_space, r=1, num_splits=1), lookup_ord)


def test_errors_are_measured_against_the_scale_or_the_exact_value() -> None:
    actual, expected = np.array([[2.5], [-3.0]]), [[Fraction(2)], [Fraction(-4)]]
    assert error(actual, expected) == Fraction(1, 4)
    assert error(actual, expected, Fraction(8)) == Fraction(1, 8)
    assert error(np.array([np.nan, 0.0]), [None, Fraction(0)]) == 0


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ([1.0], [Fraction(1), Fraction(1)]),
        ([1.0], Fraction(1)),
        (1.0, [Fraction(1)]),
        ([np.nan], [Fraction(1)]),
        ([1.0], [None]),
        ([np.inf], [Fraction(1)]),
        ([1e-300], [Fraction(0)]),
    ],
)
def test_errors_are_infinite_where_shapes_or_kinds_differ(actual: object, expected: object) -> None:
    assert error(np.array(actual), expected) == math.inf


def test_values_are_exact_and_tell_nan_from_infinity() -> None:
    assert values(np.array([0.1, np.nan, -np.inf])) == [Fraction(0.1), None, -math.inf]
    assert Fraction(0.1) == once_rounded(Fraction(1, 10)) != Fraction(1, 10)
