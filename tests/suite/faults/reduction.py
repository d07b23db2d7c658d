"""Faults of the fit of principal components (VQ-8)."""

from functools import partial
from typing import Any

import numpy as np
import scipy.linalg

from reference import reduction
from reference.reduction import Projection
from tests.parity import test_reduction as parity
from tests.property import test_reduction as reduced
from tests.suite.faults.consequences import Array, Fields
from tests.suite.faults.machinery import in_quantize, instead_of
from vq_verify.protocol import Case, Quantized

FIT = "reference.reduction.fit"
PROJECTION = "reference.reduction.projection"

values = parity.test_distances_indices_and_losses_are_within_their_errors
along_the_lines = reduced.test_rows_in_pairs_on_orthogonal_lines_are_projected_on_these_wherever_they_lie
from_the_mean = reduced.test_similarity_is_that_of_the_projections_from_the_mean_at_any_scale
of_rank = reduced.test_components_beyond_the_rank_of_the_fitted_rows_are_null
null_axis = partial(
    reduced.test_an_axis_is_null_below_the_larger_size_times_the_roundoff_of_the_comparison_dtype,
    dtype="float32",
    n=4,
    d=8,
)
far_from_zero = reduced.test_rows_on_a_line_far_from_zero_have_one_axis
at_any_scale = partial(reduced.test_the_axes_are_found_where_squares_overflow_or_underflow, scale=2.0**900)

empty = partial(reduced.test_an_empty_batch_gives_an_empty_output, dim_reduction="pca-batch")

right_fit = reduction.fit
right_projection = reduction.projection


def axes_of(centred: Array) -> tuple[Array, Array]:
    """Return singular values and principal axes, ``[rank]`` and ``[rank, d]``; the axes of 0 are null."""
    _, singular, axes = scipy.linalg.svd(centred, full_matrices=False)
    return singular, np.where(singular[:, np.newaxis] <= 1e-9 * singular[0], 0, axes)


# What is fitted on what.


@instead_of(FIT, "VQ-8.4", values, along_the_lines)
def the_axes_are_fitted_on_rows_that_are_not_centred(rows: Array, num_components: int, _: float) -> Projection:
    return Projection(rows.mean(axis=0), axes_of(rows)[1][:num_components].T)


@instead_of(PROJECTION, "VQ-8.1", values)
def the_axes_are_fitted_on_the_inputs_alone(vectors: Array, emb_space: Array, mode: str | None, *others: Any) -> Any:
    rows = vectors.reshape(-1, emb_space.shape[-1])
    if mode is None or len(rows) <= others[0] or not np.isfinite(rows).all():
        return right_projection(vectors, emb_space, mode, *others)
    return right_projection(vectors, rows, "pca-emb-space", *others)


@instead_of(PROJECTION, "VQ-8.1", values)
def the_axes_are_fitted_on_the_embeddings_alone(
    vectors: Array, emb_space: Array, mode: str | None, *others: Any
) -> Any:
    enough = len(emb_space) > others[0]
    return right_projection(vectors, emb_space, mode and ("pca-emb-space" if enough else mode), *others)


@instead_of(PROJECTION, "VQ-8.2", values, along_the_lines)
def the_axes_are_always_fitted_on_the_inputs_too(
    vectors: Array, emb_space: Array, mode: str | None, *others: Any
) -> Any:
    return right_projection(vectors, emb_space, mode and "pca-batch", *others)


# The axes.


@instead_of(FIT, "VQ-8.5", along_the_lines, values)
def the_last_components_are_kept(rows: Array, num_components: int, _: float) -> Projection:
    mean = rows.mean(axis=0)
    return Projection(mean, axes_of(rows - mean)[1][-num_components:].T)


@instead_of(FIT, "VQ-8.5", along_the_lines, values)
def projections_are_whitened(rows: Array, num_components: int, unit_roundoff: float) -> Projection:
    fitted = right_fit(rows, num_components, unit_roundoff)
    singular, _ = axes_of(rows - fitted.mean)
    return fitted._replace(axes=fitted.axes / np.where(singular == 0, 1, singular)[:num_components])


@instead_of(FIT, "VQ-8.6", null_axis, of_rank, along_the_lines)
def no_axis_is_null(rows: Array, num_components: int, _: float) -> Projection:
    return right_fit(rows, num_components, 0.0)


@instead_of(FIT, "VQ-8.6", null_axis, along_the_lines)
def an_axis_is_null_below_an_absolute_bound(rows: Array, num_components: int, _: float) -> Projection:
    fitted = right_fit(rows, num_components, 0.0)
    singular = axes_of(rows - fitted.mean)[0][:num_components]
    return fitted._replace(axes=np.where(singular < 1e-6, 0, fitted.axes))


@instead_of(FIT, "VQ-8.6", null_axis)
def the_number_of_rows_and_dimensions_does_not_count(
    rows: Array, num_components: int, unit_roundoff: float
) -> Projection:
    return right_fit(rows, num_components, unit_roundoff / max(rows.shape))


@instead_of(FIT, "VQ-8.6", far_from_zero)
def the_rounding_of_the_mean_counts_as_an_axis(rows: Array, num_components: int, unit_roundoff: float) -> Projection:
    mean = rows.mean(axis=0)
    _, singular, axes = scipy.linalg.svd(rows - mean, full_matrices=False)
    null = singular < max(rows.shape) * unit_roundoff * singular[0]
    return Projection(mean, np.where(null[:, np.newaxis], 0, axes)[:num_components].T)


@instead_of(FIT, "VQ-8.5", at_any_scale)
def the_axes_are_those_of_an_overflowing_covariance(rows: Array, num_components: int, _: float) -> Projection:
    mean = rows.mean(axis=0)
    covariance = np.nan_to_num((rows - mean).T @ (rows - mean))
    variance, axes = np.linalg.eigh(np.clip(covariance, -1e150, 1e150))
    kept = axes[:, ::-1] * (variance[::-1] > 1e-12 * variance[-1])
    return Projection(mean, kept[:, :num_components])


@instead_of(FIT, "VQ-8.5", values)
def the_axes_are_fitted_in_half_precision(rows: Array, num_components: int, unit_roundoff: float) -> Projection:
    fitted = right_fit(rows, num_components, unit_roundoff)
    return fitted._replace(axes=fitted.axes.astype(np.float16).astype(np.float64))


@instead_of(FIT, "VQ-8.6", along_the_lines)
def no_axis_is_null_where_all_fitted_rows_are_equal(
    rows: Array, num_components: int, unit_roundoff: float
) -> Projection:
    fitted = right_fit(rows, num_components, unit_roundoff)
    return fitted if fitted.axes.any() else fitted._replace(axes=np.eye(rows.shape[1])[:, :num_components])


@in_quantize("VQ-5.11", empty)
def in_a_reduced_space_the_losses_of_an_empty_batch_are_nan(case: Case, right: Quantized) -> Fields:
    nan = case.dim_reduction is not None and not case.x.size
    return {"losses": {name: np.float64(np.nan) if nan else loss for name, loss in right.losses.items()}}
