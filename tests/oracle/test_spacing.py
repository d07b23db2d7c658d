"""The oracle's spacing against exact fractions."""

import numpy as np
import pytest
from hypothesis import given

from reference.distances import pairwise_distance
from reference.spacing import emb_closest_spacing, emb_spacing
from tests.oracle import exact
from tests.oracle.cases import LOOKUP_ORDS, Case, cases
from tests.oracle.rounding import error, roundings, values

# Along the direction (3, 4), at 0, 1, 3 and 7 times it: every distance is 7, 5 or 4 times the difference of these.
EMB_SPACE = np.array([[3.0 * t, 4.0 * t] for t in (0, 1, 3, 7)])
LENGTHS = [(1, 7), (2, 5), (np.inf, 4)]


def _emb_spacing(emb_space: np.ndarray, lookup_ord: float) -> np.ndarray:
    return emb_spacing(pairwise_distance(emb_space, emb_space, lookup_ord))


def _emb_closest_spacing(emb_space: np.ndarray, lookup_ord: float) -> np.ndarray:
    return emb_closest_spacing(pairwise_distance(emb_space, emb_space, lookup_ord))


@pytest.mark.clause("VQ-6.1")
@pytest.mark.parametrize(("lookup_ord", "length"), LENGTHS)
def test_the_spacing_lists_the_upper_triangle_row_by_row(lookup_ord: float, length: float) -> None:
    # The pairs 01, 02, 03, 12, 13, 23.
    expected = [length * t for t in (1, 3, 7, 2, 6, 4)]
    assert _emb_spacing(EMB_SPACE, lookup_ord).tolist() == expected


@pytest.mark.clause("VQ-6.2")
@pytest.mark.parametrize(("lookup_ord", "length"), LENGTHS)
def test_the_closest_spacing_is_to_the_nearest_other_embedding(lookup_ord: float, length: float) -> None:
    assert _emb_closest_spacing(EMB_SPACE, lookup_ord).tolist() == [length * t for t in (1, 1, 2, 4)]


@pytest.mark.clause("VQ-6.1", "VQ-6.2")
@given(case=cases(finite=False))
def test_spacings_are_exact_but_for_the_root_of_l2(case: Case) -> None:
    emb_space, expected = case.emb_space, case.exact_emb_space
    # Differences, squares and sums are exact here: one rounding is left, the root's.
    for lookup_ord, bound in ((1, 0), (2, roundings(1)), (np.inf, 0)):
        spacing, closest = _emb_spacing(emb_space, lookup_ord), _emb_closest_spacing(emb_space, lookup_ord)
        assert error(spacing, exact.emb_spacing(expected, lookup_ord)) <= bound
        assert error(closest, exact.emb_closest_spacing(expected, lookup_ord)) <= bound


@pytest.mark.clause("VQ-6.3")
@pytest.mark.parametrize("lookup_ord", LOOKUP_ORDS)
def test_a_single_embedding_has_no_pairs_and_a_closest_spacing_of_zero(lookup_ord: float) -> None:
    assert _emb_spacing(EMB_SPACE[:1], lookup_ord).shape == (0,)
    assert _emb_closest_spacing(EMB_SPACE[:1], lookup_ord).tolist() == [0.0]


@pytest.mark.clause("VQ-6.2")
@given(case=cases())
def test_duplicates_are_at_a_closest_spacing_of_zero(case: Case) -> None:
    emb_space = np.repeat(case.emb_space, 2, axis=0)
    for lookup_ord in LOOKUP_ORDS:
        assert _emb_closest_spacing(emb_space, lookup_ord).tolist() == [0.0] * len(emb_space)


@pytest.mark.clause("VQ-13.24")
@pytest.mark.parametrize(("lookup_ord", "length"), LENGTHS)
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_an_embedding_that_is_not_finite_is_nobodys_nearest(broken: float, lookup_ord: float, length: float) -> None:
    emb_space = np.array([[0.0, 0.0], [broken, 0.0], [9.0, 12.0]])
    assert values(_emb_spacing(emb_space, lookup_ord)) == [None, 3 * length, None]
    assert values(_emb_closest_spacing(emb_space, lookup_ord)) == [3 * length, None, 3 * length]


@pytest.mark.clause("VQ-13.24")
@pytest.mark.parametrize("lookup_ord", LOOKUP_ORDS)
def test_an_embedding_without_a_finite_other_one_is_at_closest_spacing_zero(lookup_ord: float) -> None:
    assert values(_emb_closest_spacing(np.array([[np.nan], [2.0], [np.inf]]), lookup_ord)) == [None, 0, None]
