"""The oracle's splitting against loops."""

import numpy as np
import pytest
from hypothesis import given

from reference.splitting import merge, split
from tests.oracle import exact
from tests.oracle.cases import Case, cases
from tests.oracle.rounding import values


@pytest.mark.clause("VQ-1.3")
def test_each_row_is_cut_from_left_to_right_before_the_next_row() -> None:
    x = np.array([[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [7.0, 8.0, 9.0, 10.0, 11.0, 12.0]]])
    assert split(x, 3).tolist() == [[[1, 2], [3, 4], [5, 6], [7, 8], [9, 10], [11, 12]]]


@pytest.mark.clause("VQ-1.3")
@given(cases())
def test_splitting_is_what_loops_over_the_coordinates_give(case: Case) -> None:
    assert values(split(case.x, case.num_splits)) == exact.split(values(case.x), case.num_splits)


@pytest.mark.clause("VQ-1.3")
@pytest.mark.parametrize("batch", [0, 2])
def test_the_vectors_have_the_shape_batch_m_d(batch: int) -> None:
    assert split(np.zeros((batch, 2, 6)), 3).shape == (batch, 6, 2)


@pytest.mark.clause("VQ-2.4")
@given(cases())
def test_merging_puts_the_vectors_back_side_by_side(case: Case) -> None:
    merged = merge(case.vectors, case.x)
    assert merged.shape == case.x.shape
    assert values(merged) == values(case.x)


@pytest.mark.clause("VQ-2.4")
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_splitting_widens_to_float64_and_merging_keeps_the_dtype(dtype: type) -> None:
    x = np.array([[[0.1, -2.5]]], dtype)
    assert split(x, 2).dtype == np.float64
    assert values(split(x, 2)) == [[[it] for it in values(x)[0][0]]]
    assert merge(x.reshape(1, 2, 1), x).dtype == dtype
