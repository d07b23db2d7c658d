"""Laws of finite scalar quantization, for every implementation (VQ-29)."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from vq_verify.comparison.cosine import assert_identical
from vq_verify.comparison.scalar import bound_of, grid_rows, index_at, levels_at
from vq_verify.protocol import Implementation, ScalarCase
from vq_verify.strategies import scalar as strategies
from vq_verify.verify import verify

from .test_validation import refused


def assert_bitwise(value: Any, expected: Any) -> None:
    """Assert that two arrays are the same, the signs of their zeros included."""
    assert_identical(value, expected)
    np.testing.assert_array_equal(np.signbit(value), np.signbit(expected))


@verify("VQ-29.6", "VQ-29.8", "VQ-29.19", case=strategies.scalar_cases)
def test_what_comes_out_is_the_grid_point_of_the_index_and_decoding_gives_it_again(implementation, case):
    result = implementation.quantize_scalar(case)
    assert result.emb_index.dtype == np.int64
    rows = grid_rows(levels_at(result.emb_index, case.levels), case)
    assert_bitwise(result.layer_out, rows.reshape(case.x.shape))
    codes = result.emb_index.reshape(*case.x.shape[:2], case.num_splits)
    assert_bitwise(implementation.decode_scalar(case, codes), result.layer_out)


@verify(
    "VQ-29.1",
    "VQ-29.2",
    "VQ-29.3",
    "VQ-29.4",
    "VQ-29.7",
    "VQ-29.8",
    "VQ-29.9",
    "VQ-29.10",
    drawn=strategies.clear_cases,
)
def test_the_middle_of_a_level_has_this_level_and_the_first_coordinate_runs_fastest(implementation, drawn):
    result = implementation.quantize_scalar(drawn.case)
    np.testing.assert_array_equal(result.emb_index, index_at(drawn.level, drawn.case.levels))


@verify("VQ-29.7", "VQ-29.8", "VQ-29.10", drawn=strategies.whole_grids)
def test_every_index_is_reached_in_every_dtype(implementation, drawn):
    result = implementation.quantize_scalar(drawn.case)
    n = math.prod(drawn.case.levels)
    np.testing.assert_array_equal(result.emb_index[:, 0], np.arange(n))
    np.testing.assert_array_equal(result.access_count, np.ones(n))


@verify("VQ-29.14", case=strategies.scalar_cases)
def test_indices_are_counted_unless_there_are_too_many(implementation, case):
    result, n = implementation.quantize_scalar(case), math.prod(case.levels)
    if n > 2**20:
        assert result.access_count is None
    else:
        np.testing.assert_array_equal(result.access_count, np.bincount(result.emb_index.reshape(-1), minlength=n))


@verify("VQ-29.15", "VQ-29.17", "VQ-29.20", drawn=strategies.interrupted_cases)
def test_vectors_that_are_masked_or_not_finite_come_out_alone_and_change_no_other(implementation, drawn):
    case, result = drawn.case, implementation.quantize_scalar(drawn.case)
    emb_index = np.where(drawn.found, index_at(drawn.level, case.levels), -1)
    np.testing.assert_array_equal(result.emb_index, emb_index)
    pieces, given = (array.reshape(drawn.level.shape) for array in (result.layer_out, case.x))
    assert_bitwise(pieces[drawn.found], grid_rows(drawn.level, case)[drawn.found])
    assert np.isnan(pieces[drawn.counted & ~drawn.finite]).all()
    assert pieces[~drawn.counted].tobytes() == given[~drawn.counted].tobytes()
    if result.access_count is not None:
        assert result.access_count.sum() == drawn.found.sum()
    codes = emb_index.reshape(*case.x.shape[:2], case.num_splits)
    decoded = implementation.decode_scalar(replace(case, mask=None), codes).reshape(drawn.level.shape)
    assert_bitwise(decoded[drawn.counted], pieces[drawn.counted])
    assert np.isnan(decoded[~drawn.counted]).all()


@verify("VQ-29.16", "VQ-29.18", drawn=strategies.interrupted_cases)
def test_a_masked_vector_passes_its_gradient_on_and_one_that_is_not_finite_passes_nothing(implementation, drawn):
    upstream = (np.arange(drawn.case.x.size).reshape(drawn.case.x.shape) % 5 + 1).astype(drawn.case.x.dtype)
    to_x = implementation.scalar_gradients(drawn.case, upstream).output_to_x
    assert np.isfinite(to_x.astype(np.float64)).all()
    passed, arriving = (array.reshape(drawn.level.shape) for array in (to_x, upstream))
    np.testing.assert_array_equal(passed[~drawn.counted], arriving[~drawn.counted])
    assert not passed[drawn.counted & ~drawn.finite].any()


@pytest.mark.clause("VQ-29.3", "VQ-29.5", "VQ-29.6")
@pytest.mark.parametrize("number", [2, 4, 6, 8, 100, 2**16])
def test_the_tie_at_minus_the_shift_goes_to_the_even_level_whose_value_is_zero_without_a_sign(
    implementation: Implementation, number: int
) -> None:
    _, _, shift = bound_of((number,), np.float32)
    result = implementation.quantize_scalar(ScalarCase(x=-shift.astype(np.float32).reshape(1, 1, 1), levels=(number,)))
    assert result.emb_index == number // 2
    assert_bitwise(result.layer_out, np.zeros((1, 1, 1), np.float32))


@pytest.mark.clause("VQ-29.21", "VQ-29.22", "VQ-29.23", "VQ-29.24")
@pytest.mark.parametrize(
    "levels",
    [
        *("3333", 4, (), (2.5, 3, 3, 3), (True, 3, 3, 3)),
        *((1, 3, 3, 3), (-3, 3, 3, 3), (2**16 + 1, 3, 3, 3), (2**16, 2**16, 2**16, 2**15)),
        *((3, 3, 3), (3, 3, 3, 3, 3)),
    ],
)
def test_wrong_levels_are_refused(implementation: Implementation, levels: Any) -> None:
    with refused(implementation):
        implementation.quantize_scalar(ScalarCase(x=np.ones((2, 3, 4), np.float32), levels=levels))


@pytest.mark.clause("VQ-29.22", "VQ-29.23")
@pytest.mark.parametrize("levels", [(2, 2, 2, 2), (2**16, 2**16, 2**16, 2**15 - 1)])
def test_the_least_and_the_most_levels_are_not_refused(implementation: Implementation, levels: Any) -> None:
    emb_index = implementation.quantize_scalar(ScalarCase(x=np.full((1, 1, 4), 99.0), levels=levels)).emb_index
    assert emb_index == math.prod(levels) - 1
