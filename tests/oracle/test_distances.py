"""The oracle's distances against exact fractions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.distances import norm, pairwise_distance
from reference.non_finite import finite_rows
from tests.oracle import exact
from tests.oracle.cases import LOOKUP_ORDS, Case, cases
from tests.oracle.rounding import error, roundings, values

NOT_FINITE = [np.nan, np.inf, -np.inf]


@pytest.mark.clause("VQ-1.1", "VQ-1.2")
@pytest.mark.parametrize(("lookup_ord", "expected"), [(1, 19), (2, 13), (np.inf, 12)])
def test_a_worked_distance(lookup_ord: float, expected: float) -> None:
    # The difference is (4 - 1, -5 - -9, 2 - 14) = (3, 4, -12): 3 + 4 + 12 = 19, 9 + 16 + 144 = 13^2, largest 12.
    distance = pairwise_distance(np.array([[[4.0, -5.0, 2.0]]]), np.array([[1.0, -9.0, 14.0]]), lookup_ord)
    assert distance.tolist() == [[[expected]]]


@pytest.mark.clause("VQ-1.1", "VQ-1.2")
@given(case=cases(finite=False))
def test_distances_are_exact_but_for_the_root_of_l2(case: Case) -> None:
    # Differences, squares and sums are exact here: one rounding is left, the root's.
    for lookup_ord, bound in ((1, 0), (2, roundings(1)), (np.inf, 0)):
        distance = pairwise_distance(case.vectors, case.emb_space, lookup_ord)
        assert error(distance, case.exact_distances(lookup_ord)) <= bound


@pytest.mark.clause("VQ-15.2")
@given(rows=st.integers(1, 4).flatmap(lambda d: st.lists(_rows(d), min_size=2, max_size=4)))
def test_distances_of_any_floats_have_the_error_of_direct_differences(rows: list[list[float]]) -> None:
    # L1: a difference, d - 1 additions. L2: a difference and a square, which counts the difference twice, make 3, with
    # d - 1 additions d + 2, halved by the root, and 1 for the root itself. Linf: a difference. All at most 4 for d = 4.
    vector, *emb_space = exact.rationals(rows)
    for lookup_ord in LOOKUP_ORDS:
        distance = pairwise_distance(np.array(rows[:1]), np.array(rows[1:]), lookup_ord)
        assert error(distance, [exact.distances(vector, emb_space, lookup_ord)]) <= roundings(4)


@pytest.mark.clause("VQ-2.6")
@given(row=st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=4))
def test_a_vector_is_at_distance_zero_from_itself(row: list[float]) -> None:
    for lookup_ord in LOOKUP_ORDS:
        assert pairwise_distance(np.array([row]), np.array([row]), lookup_ord).tolist() == [[0.0]]


@pytest.mark.clause("VQ-13.1")
@pytest.mark.parametrize("lookup_ord", LOOKUP_ORDS)
@pytest.mark.parametrize("broken", NOT_FINITE)
def test_distances_from_a_vector_that_is_not_finite_are_nan(broken: float, lookup_ord: float) -> None:
    distance = pairwise_distance(np.array([[[1.0, broken], [1.0, 3.0]]]), np.array([[1.0, 2.0]]), lookup_ord)
    assert values(distance) == [[[None], [1]]]


@pytest.mark.clause("VQ-13.17")
@pytest.mark.parametrize("lookup_ord", LOOKUP_ORDS)
@pytest.mark.parametrize("broken", NOT_FINITE)
def test_distances_to_an_embedding_that_is_not_finite_are_nan(broken: float, lookup_ord: float) -> None:
    distance = pairwise_distance(np.array([[[1.0, 3.0]]]), np.array([[broken, 2.0], [1.0, 2.0]]), lookup_ord)
    assert values(distance) == [[[None, 1]]]


@pytest.mark.clause("VQ-13.1", "VQ-13.17")
@given(st.lists(st.lists(st.sampled_from([1.0, *NOT_FINITE]), min_size=2, max_size=2), min_size=1))
def test_a_row_is_finite_iff_all_its_coordinates_are(rows: list[list[float]]) -> None:
    assert finite_rows(np.array(rows)).tolist() == [row == [1.0, 1.0] for row in rows]


@pytest.mark.clause("VQ-1.1", "VQ-1.2")
@given(case=cases())
def test_the_norm_of_a_vector_is_off_by_no_more_than_its_roundings(case: Case) -> None:
    # Coordinates near 100 with a unit of 2^-30 have squares that round: 1, d - 1 for their sum, halved by the root, and
    # 1 for the root: 3 for d = 4. The sums of L1 are exact, maxima too.
    for lookup_ord, bound in ((1, 0), (2, roundings(3)), (np.inf, 0)):
        expected = [exact.norm(vector, lookup_ord) for vector in case.exact_vectors]
        assert error(norm(case.vectors.reshape(-1, case.vectors.shape[-1]), lookup_ord), expected) <= bound


def _rows(d: int) -> st.SearchStrategy[list[float]]:
    # Multiples of 1e-12: no difference of unequal ones is so small that its square underflows.
    return st.lists(st.integers(-(10**18), 10**18).map(lambda k: k * 1e-12), min_size=d, max_size=d)
