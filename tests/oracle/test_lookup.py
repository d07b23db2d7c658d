"""The oracle's lookup against a search by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.distances import pairwise_distance
from reference.lookup import access_count, nearest, select
from tests.oracle import exact
from tests.oracle.cases import LOOKUP_ORDS, Case, cases
from tests.oracle.rounding import values


@pytest.mark.clause("VQ-2.3")
def test_ties_go_to_the_lowest_index() -> None:
    distance = np.array([[[3.0, 1.0, 1.0], [0.0, 0.0, 0.0], [2.0, 1.0, 0.5]]])
    assert nearest(distance).tolist() == [[1, 0, 2]]


@pytest.mark.clause("VQ-2.1", "VQ-2.3")
@given(st.lists(st.lists(st.sampled_from([0.0, 0.5, 1.0, np.nan]), min_size=4, max_size=4), max_size=3))
def test_the_nearest_is_the_first_of_the_smallest_numbers(rows: list[list[float]]) -> None:
    distance = np.array(rows).reshape(1, len(rows), 4)
    assert nearest(distance).tolist() == [[exact.nearest(row) for row in values(rows)]]


@pytest.mark.clause("VQ-2.1", "VQ-2.3")
@given(case=cases(finite=False))
def test_each_vector_finds_the_first_of_its_nearest_embeddings(case: Case) -> None:
    for lookup_ord in LOOKUP_ORDS:
        found = nearest(pairwise_distance(case.vectors, case.emb_space, lookup_ord))
        assert found.tolist() == case.exact_indices(lookup_ord)


@pytest.mark.clause("VQ-2.2")
@given(case=cases())
def test_among_equal_embeddings_only_the_first_is_found(case: Case) -> None:
    emb_space = np.repeat(case.emb_space, 2, axis=0)
    for lookup_ord in LOOKUP_ORDS:
        found = nearest(pairwise_distance(case.vectors, emb_space, lookup_ord))
        assert found.tolist() == [[2 * index for index in sample] for sample in case.exact_indices(lookup_ord)]


@pytest.mark.clause("VQ-13.2")
def test_a_vector_at_distance_nan_from_all_embeddings_has_index_minus_one() -> None:
    distance = np.array([[[np.nan, np.nan], [np.nan, 7.0]]])
    assert nearest(distance).tolist() == [[-1, 1]]


@pytest.mark.clause("VQ-2.5")
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_selecting_copies_rows_bit_for_bit_and_keeps_their_dtype(dtype: type) -> None:
    emb_space = np.array([[0.1, -0.0], [2.5, 1 / 3]], dtype)
    selected = select(emb_space, np.array([[1, 0], [0, 0]]))
    first, second = emb_space.tobytes()[: emb_space.nbytes // 2], emb_space.tobytes()[emb_space.nbytes // 2 :]
    assert selected.dtype == dtype
    assert selected.tobytes() == second + first + first + first


@pytest.mark.clause("VQ-13.3")
def test_index_minus_one_selects_a_row_of_nan() -> None:
    selected = select(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[-1, 1]]))
    assert values(selected) == [[[None, None], [3, 4]]]


@pytest.mark.clause("VQ-4.1")
@given(st.lists(st.integers(-1, 3), max_size=9))
def test_access_counts_are_counts_of_each_index_without_minus_one(indices: list[int]) -> None:
    count = access_count(np.array([indices], np.int64), 4)
    assert count.tolist() == exact.access_count(indices, 4)


@pytest.mark.clause("VQ-4.3")
@given(cases(finite=False))
def test_access_counts_sum_to_the_number_of_finite_vectors(case: Case) -> None:
    emb_space = np.concatenate([case.emb_space, np.zeros_like(case.emb_space[:1])])  # one at least is finite
    count = access_count(nearest(pairwise_distance(case.vectors, emb_space, 1)), len(emb_space))
    assert sum(count.tolist()) == sum(exact.is_finite(vector) for vector in case.exact_vectors)
