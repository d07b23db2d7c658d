"""Faults of finite scalar quantization (VQ-29)."""

import math
from dataclasses import replace
from functools import partial
from typing import Any

import ml_dtypes
import numpy as np

from reference import finite_scalar, splitting, validation
from reference.dtypes import comparison_dtype
from tests.parity import test_finite_scalar as parity
from tests.property import test_finite_scalar as laws
from tests.suite.faults.consequences import Array, Fields, are_finite
from tests.suite.faults.machinery import in_scalar, in_scalar_gradients, instead_of
from vq_verify.adapters.oracle import Oracle
from vq_verify.comparison.scalar import grid_rows, levels_at, vectors_of
from vq_verify.protocol import ScalarCase, ScalarGradients, ScalarQuantized

MODULE = "reference.finite_scalar"
Levels = tuple[int, ...]

grid = laws.test_what_comes_out_is_the_grid_point_of_the_index_and_decoding_gives_it_again
middles = laws.test_the_middle_of_a_level_has_this_level_and_the_first_coordinate_runs_fastest
reached = laws.test_every_index_is_reached_in_every_dtype
counted = laws.test_indices_are_counted_unless_there_are_too_many
alone = laws.test_vectors_that_are_masked_or_not_finite_come_out_alone_and_change_no_other
of_those = laws.test_a_masked_vector_passes_its_gradient_on_and_one_that_is_not_finite_passes_nothing
tie = partial(laws.test_the_tie_at_minus_the_shift_goes_to_the_even_level_whose_value_is_zero_without_a_sign, number=4)
refused = laws.test_wrong_levels_are_refused
allowed = partial(laws.test_the_least_and_the_most_levels_are_not_refused, levels=(2**16, 2**16, 2**16, 2**15 - 1))
nearest = parity.test_each_level_is_nearest_to_its_bound_within_rounding
passed = parity.test_gradients_pass_the_rounding_and_the_bound_within_their_errors
endpoints = parity.test_in_the_middle_of_levels_every_endpoint_equals_the_oracle

right_bound, right_bounded, right_decoded = finite_scalar._bound, finite_scalar.bounded, finite_scalar.decoded
right_check_levels, right_split_mask = validation.check_levels, splitting.split_mask
right_quantize_scalar = Oracle.quantize_scalar


def decoded_pieces(case: ScalarCase, emb_index: Array) -> Fields:
    """Return indices and what comes out for them."""
    rows = right_decoded(emb_index, case.levels, case.x.dtype)
    return {"emb_index": emb_index, "layer_out": rows.reshape(case.x.shape)}


def where_hidden(case: ScalarCase, value: Array, right: Array) -> Array:
    """Return values in the place of masked vectors, of the shape of x."""
    hidden = ~right_split_mask(case.mask, case.x, case.num_splits)[..., np.newaxis]
    shape = vectors_of(case).shape
    return np.where(hidden, value.reshape(shape), right.reshape(shape)).reshape(case.x.shape)


# The bound


@instead_of(f"{MODULE}._bound", "VQ-29.1", nearest)
def the_bound_is_smaller_by_a_thousandth(levels: Levels, dtype: Any) -> tuple[Array, ...]:
    half_width, offset, shift = right_bound(levels, dtype)
    return half_width * 0.999, offset, shift


@instead_of(f"{MODULE}._bound", "VQ-29.1", nearest, middles)
def the_half_width_is_half_of_the_levels(levels: Levels, dtype: Any) -> tuple[Array, ...]:
    _, offset, shift = right_bound(levels, dtype)
    return np.array(levels) // 2 * (1 - 1e-3), offset, shift  # no index is below 0


@instead_of(f"{MODULE}._bound", "VQ-29.2", nearest, middles)
def even_levels_have_no_offset(levels: Levels, dtype: Any) -> tuple[Array, ...]:
    half_width, offset, shift = right_bound(levels, dtype)
    return half_width, np.zeros_like(offset), shift


@instead_of(f"{MODULE}._bound", "VQ-29.2", nearest, middles)
def the_offset_is_that_of_odd_levels(levels: Levels, dtype: Any) -> tuple[Array, ...]:
    half_width, offset, shift = right_bound(levels, dtype)
    return half_width, 0.5 - offset, shift


@instead_of(f"{MODULE}._bound", "VQ-29.3", nearest, tie)
def there_is_no_shift(levels: Levels, dtype: Any) -> tuple[Array, ...]:
    half_width, offset, shift = right_bound(levels, dtype)
    return half_width, offset, np.zeros_like(shift)


@instead_of(f"{MODULE}._bound", "VQ-29.3", nearest)
def the_shift_is_the_inverse_of_the_tanh(levels: Levels, dtype: Any) -> tuple[Array, ...]:
    half_width, offset, _ = right_bound(levels, dtype)
    return half_width, offset, np.arctanh(offset / half_width).astype(comparison_dtype(dtype))


@instead_of(f"{MODULE}._bound", "VQ-29.3", tie)
def the_shift_is_rounded_to_a_half_type(levels: Levels, dtype: Any) -> tuple[Array, ...]:
    half_width, offset, shift = right_bound(levels, dtype)
    return half_width, offset, shift.astype(ml_dtypes.bfloat16).astype(shift.dtype)


# The rounding


@instead_of(f"{MODULE}.rounded", "VQ-29.4", nearest)
def the_bound_is_truncated(bound: Array) -> Array:
    return np.trunc(bound).astype(np.int64)


@instead_of(f"{MODULE}.rounded", "VQ-29.4", nearest)
def the_bound_is_rounded_down(bound: Array) -> Array:
    return np.floor(bound).astype(np.int64)


@instead_of(f"{MODULE}.rounded", "VQ-29.5", tie)
def a_tie_goes_away_from_zero(bound: Array) -> Array:
    return (np.sign(bound) * np.floor(np.abs(bound) + 0.5)).astype(np.int64)


@instead_of(f"{MODULE}.rounded", "VQ-29.5", tie)
def a_tie_goes_down(bound: Array) -> Array:
    return np.ceil(bound - 0.5).astype(np.int64)


@instead_of(f"{MODULE}.bounded", "VQ-29.10", nearest)
def the_bound_is_of_the_dtype_of_x(vectors: Array, levels: Levels, dtype: Any) -> Array:
    half_width, offset, shift = (of.astype(dtype) for of in right_bound(levels, dtype))
    return (half_width * np.tanh(vectors.astype(dtype) + shift) - offset).astype(np.float64)


# What comes out


@in_scalar("VQ-29.6", grid, endpoints)
def what_comes_out_is_not_normalised(case: ScalarCase, right: ScalarQuantized) -> Fields:
    half = np.tile(np.array(case.levels) // 2, case.num_splits)
    return {"layer_out": (right.layer_out.astype(np.float64) * half).astype(case.x.dtype)}


@in_scalar("VQ-29.6", grid, endpoints)
def what_comes_out_is_divided_by_the_half_width(case: ScalarCase, right: ScalarQuantized) -> Fields:
    number = np.tile(np.array(case.levels), case.num_splits)
    return {"layer_out": (right.layer_out.astype(np.float64) * (number // 2) / ((number - 1) / 2)).astype(case.x.dtype)}


@in_scalar("VQ-29.6", grid)
def a_negative_bound_that_is_rounded_to_zero_keeps_its_sign(_: ScalarCase, right: ScalarQuantized) -> Fields:
    return {"layer_out": np.where(right.layer_out == 0, -np.zeros_like(right.layer_out), right.layer_out)}


@in_scalar("VQ-29.6", grid)
def the_reciprocal_of_half_the_levels_is_rounded_first(case: ScalarCase, right: ScalarQuantized) -> Fields:
    dtype, half = comparison_dtype(case.x.dtype), np.array(case.levels) // 2
    integers = (levels_at(right.emb_index, case.levels) - half).astype(dtype)
    rows = integers * (dtype.type(1) / half.astype(dtype))
    return {"layer_out": rows.astype(case.x.dtype).reshape(case.x.shape)}


# The index


@instead_of(f"{MODULE}._basis", "VQ-29.8", grid, middles, reached, endpoints)
def the_last_coordinate_runs_fastest(levels: Levels) -> Array:
    return np.cumprod([1, *levels[:0:-1]], dtype=np.int64)[::-1]


@instead_of(f"{MODULE}._basis", "VQ-29.8", middles)
def all_coordinates_have_the_base_of_the_smallest(levels: Levels) -> Array:
    return min(levels) ** np.arange(len(levels))


@in_scalar("VQ-29.10", reached, grid)
def the_index_is_computed_in_the_dtype_of_x(case: ScalarCase, right: ScalarQuantized) -> Fields:
    rounded = right.emb_index.astype(case.x.dtype).astype(np.float64)
    return {"emb_index": np.minimum(rounded, np.prod(case.levels) - 1).astype(np.int64)}  # infinity, too


@in_scalar("VQ-29.9", middles)
def coordinates_of_splits_take_turns(case: ScalarCase, _: ScalarQuantized) -> Fields:
    turned = case.x.reshape(*case.x.shape[:2], len(case.levels), case.num_splits).swapaxes(-1, -2)
    return finite_scalar.finite_scalar_quantization(turned.reshape(case.x.shape), **case.arguments)._asdict()


@in_scalar("VQ-29.14", counted)
def all_indices_are_counted_however_many(_: ScalarCase, right: ScalarQuantized) -> Fields:
    return {"access_count": np.ones(1) if right.access_count is None else right.access_count}


@in_scalar("VQ-29.14", counted, endpoints)
def each_index_is_counted_once(_: ScalarCase, right: ScalarQuantized) -> Fields:
    return {"access_count": None if right.access_count is None else np.minimum(right.access_count, 1)}


# The gradient


@in_scalar_gradients("VQ-29.12", passed)
def the_rounding_has_no_gradient(case: ScalarCase, _: ScalarGradients, upstream: Array) -> Fields:
    return {"output_to_x": where_hidden(case, upstream, np.zeros_like(upstream))}


@in_scalar_gradients("VQ-29.12", passed)
def the_gradient_passes_by_the_tanh(case: ScalarCase, right: ScalarGradients, upstream: Array) -> Fields:
    del case, right
    return {"output_to_x": upstream}


@in_scalar_gradients("VQ-29.12", passed)
def the_gradient_is_not_normalised(case: ScalarCase, right: ScalarGradients, _: Array) -> Fields:
    return {"output_to_x": right.output_to_x * np.tile(np.array(case.levels) // 2, case.num_splits)}


@in_scalar_gradients("VQ-29.12", passed)
def the_gradient_is_taken_without_the_shift(case: ScalarCase, _: ScalarGradients, upstream: Array) -> Fields:
    half_width, _offset, _shift = right_bound(case.levels, case.x.dtype)
    scale = np.tile(half_width / (np.array(case.levels) // 2), case.num_splits)
    return {"output_to_x": upstream * scale * (1 - np.tanh(case.x.astype(np.float64)) ** 2)}


@in_scalar_gradients("VQ-29.16", of_those)
def the_gradient_of_what_is_not_finite_is_nan(case: ScalarCase, right: ScalarGradients, _: Array) -> Fields:
    finite = are_finite(vectors_of(case))
    to_x = np.where(finite, right.output_to_x.reshape(vectors_of(case).shape), np.nan)
    return {"output_to_x": where_hidden(case, right.output_to_x, to_x)}


@in_scalar_gradients("VQ-29.16", of_those)
def what_is_not_finite_passes_its_gradient_on(case: ScalarCase, right: ScalarGradients, upstream: Array) -> Fields:
    shape = vectors_of(case).shape
    passed_on = np.where(are_finite(vectors_of(case)), right.output_to_x.reshape(shape), upstream.reshape(shape))
    return {"output_to_x": passed_on.reshape(case.x.shape)}


@in_scalar_gradients("VQ-29.18", of_those)
def a_masked_vector_has_the_gradient_of_the_bound(case: ScalarCase, right: ScalarGradients, upstream: Array) -> Fields:
    finite = np.where(np.isfinite(case.x.astype(np.float64)), case.x.astype(np.float64), 0).astype(case.x.dtype)
    to_x = finite_scalar.finite_scalar_gradient(finite, case.levels, upstream, case.num_splits)
    return {"output_to_x": where_hidden(case, to_x, right.output_to_x)}


# Vectors that are not finite, and masks


@in_scalar("VQ-29.15", alone, endpoints)
def an_infinite_coordinate_is_one_of_the_outermost_level(case: ScalarCase, right: ScalarQuantized) -> Fields:
    largest = np.where(np.isinf(case.x.astype(np.float64)), np.sign(case.x) * case.x.dtype.type(30), case.x)
    again = finite_scalar.finite_scalar_quantization(largest.astype(case.x.dtype), **case.arguments)
    return {**again._asdict(), "layer_out": where_hidden(case, right.layer_out, again.layer_out)}


@in_scalar("VQ-29.15", alone, endpoints)
def the_finite_coordinates_of_a_vector_that_is_not_come_out(case: ScalarCase, right: ScalarQuantized) -> Fields:
    is_finite = np.isfinite(case.x.astype(np.float64))
    finite = np.where(is_finite, case.x, case.x.dtype.type(0))
    rows = finite_scalar.finite_scalar_quantization(finite, **case.arguments).layer_out
    return {"layer_out": where_hidden(case, right.layer_out, np.where(is_finite, rows, case.x))}


@in_scalar("VQ-29.15", alone, endpoints)
def vectors_that_are_not_finite_are_counted_as_the_first(_: ScalarCase, right: ScalarQuantized) -> Fields:
    if right.access_count is None:
        return {}
    first = np.arange(len(right.access_count)) == 0
    return {"access_count": right.access_count + first * (right.emb_index < 0).sum()}


@in_scalar("VQ-29.15", alone, endpoints)
def a_vector_that_is_not_finite_spoils_the_batch(_: ScalarCase, right: ScalarQuantized) -> Fields:
    spoiled = np.isnan(right.layer_out.astype(np.float64)).any()
    return {"layer_out": np.full_like(right.layer_out, np.nan)} if spoiled else {}


@in_scalar("VQ-29.17", alone, endpoints)
def a_masked_vector_comes_out_as_one_of_the_grid(case: ScalarCase, right: ScalarQuantized) -> Fields:
    whole = finite_scalar.finite_scalar_quantization(case.x, case.levels, case.num_splits)
    return {"layer_out": where_hidden(case, whole.layer_out, right.layer_out)}


@in_scalar("VQ-29.17", alone, endpoints)
def a_masked_vector_has_an_index(case: ScalarCase, _: ScalarQuantized) -> Fields:
    return {"emb_index": finite_scalar.finite_scalar_quantization(case.x, case.levels, case.num_splits).emb_index}


@in_scalar("VQ-29.17", alone, endpoints)
def masked_vectors_are_counted_too(case: ScalarCase, _: ScalarQuantized) -> Fields:
    return {"access_count": finite_scalar.finite_scalar_quantization(case.x, case.levels, case.num_splits).access_count}


# Decoding, and wrong levels


@instead_of(f"{Oracle.__module__}.Oracle.decode_scalar", "VQ-29.19", grid)
def what_is_decoded_is_the_level(_: Oracle, case: ScalarCase, emb_index: Array) -> Array:
    level = finite_scalar.level_of(emb_index, case.levels)
    return level.reshape(case.x.shape).astype(case.x.dtype)


@instead_of(f"{Oracle.__module__}.Oracle.decode_scalar", "VQ-29.20", alone)
def index_minus_one_is_the_first(_: Oracle, case: ScalarCase, emb_index: Array) -> Array:
    return grid_rows(finite_scalar.level_of(np.maximum(emb_index, 0), case.levels), case).reshape(case.x.shape)


def any_levels(levels: Any, q: int | None = None, num_splits: int = 1) -> None:
    """Refuse levels that do not fit only."""
    if q is not None and len(levels) * num_splits != q:
        raise ValueError(f"`levels`: {levels}")


@instead_of(f"{Oracle.__module__}.Oracle.quantize_scalar", "VQ-29.22", partial(refused, levels=(1, 3, 3, 3)))
def one_level_counts_as_two(oracle: Oracle, case: ScalarCase) -> ScalarQuantized:
    return right_quantize_scalar(oracle, replace(case, levels=tuple(max(number, 2) for number in case.levels)))


@instead_of("reference.validation.check_levels", "VQ-29.23", partial(refused, levels=(2**16, 2**16, 2**16, 2**15)))
def any_product_of_levels_will_do(levels: Any, q: int | None = None, num_splits: int = 1) -> None:
    any_levels(levels, q, num_splits)


@instead_of("reference.validation.check_levels", "VQ-29.23", allowed)
def so_many_levels_as_an_int32_tells_apart_are_the_most(levels: Any, q: int | None = None, num_splits: int = 1) -> None:
    right_check_levels(levels, q, num_splits)
    assert math.prod(levels) < 2**31, "refused"  # as a failure, not an error, which could be one of the fault itself
