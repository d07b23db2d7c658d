"""Faults of the spacing (VQ-6)."""

from functools import partial

import numpy as np

from tests.parity import test_vector_quantization as parity
from tests.property import test_lookup as lookup
from tests.property import test_non_finite as non_finite
from tests.property import test_spacing as spacing
from tests.suite.faults.consequences import Array, Fields
from tests.suite.faults.machinery import in_quantize
from vq_verify.comparison import exact_distances
from vq_verify.protocol import Case, Quantized

scaled = lookup.test_a_scale_of_all_coordinates_is_one_of_the_distances
of_the_only = [
    partial(
        non_finite.test_the_closest_spacing_of_what_is_not_finite_is_nan_and_that_of_the_only_finite_embedding_0,
        emb_space=emb_space,
        closest=closest,
    )
    for emb_space, closest in (([[np.nan]], [np.nan]), ([[np.inf], [3], [np.nan]], [np.nan, 0, np.nan]))
]


def spacing_matrix(case: Case) -> Array:
    """Return the distances of the embeddings among each other, ``[n, n]``."""
    return exact_distances(case.emb_space.astype(np.float64), case.emb_space.astype(np.float64), case.lookup_ord)


@in_quantize(
    "VQ-6.1", spacing.test_a_single_embedding_has_no_spacing, parity.test_distances_are_within_their_rounding_errors
)
def the_spacing_includes_the_diagonal(case: Case, _: Quantized) -> Fields:
    return {"emb_spacing": spacing_matrix(case)[np.triu_indices(len(case.emb_space))]}


@in_quantize(
    "VQ-6.1",
    spacing.test_spacing_is_the_triangle_of_the_distances_of_the_embeddings,
    spacing.test_spacing_obeys_the_triangle_inequality,
    parity.test_distances_are_within_their_rounding_errors,
)
def the_spacing_is_the_lower_triangle(case: Case, _: Quantized) -> Fields:
    return {"emb_spacing": spacing_matrix(case)[np.tril_indices(len(case.emb_space), k=-1)]}


@in_quantize("VQ-6.2", spacing.test_closest_spacing_is_the_least_spacing_to_another)
def the_closest_spacing_is_to_itself(_: Case, right: Quantized) -> Fields:
    return {"emb_closest_spacing": np.zeros_like(right.emb_closest_spacing)}


@in_quantize("VQ-6.2", spacing.test_closest_spacing_is_the_least_spacing_to_another)
def the_closest_spacing_is_to_a_later_embedding(case: Case, right: Quantized) -> Fields:
    matrix = spacing_matrix(case)
    matrix[np.tril_indices(len(matrix))] = np.inf
    closest = matrix.min(axis=-1)
    return {"emb_closest_spacing": np.where(np.isinf(closest), right.emb_closest_spacing, closest)}


@in_quantize("VQ-6.3", spacing.test_a_single_embedding_has_no_spacing)
def the_closest_spacing_of_a_single_embedding_is_infinite(case: Case, right: Quantized) -> Fields:
    return {"emb_closest_spacing": right.emb_closest_spacing + (np.inf if len(case.emb_space) == 1 else 0)}


@in_quantize("VQ-6.2", spacing.test_spacing_does_not_depend_on_the_inputs)
def the_closest_spacing_is_to_an_embedding_in_use(case: Case, right: Quantized) -> Fields:
    matrix = np.where(right.access_count > 0, spacing_matrix(case), np.inf)
    np.fill_diagonal(matrix, np.inf)
    closest = matrix.min(axis=-1)
    return {"emb_closest_spacing": np.where(np.isinf(closest), right.emb_closest_spacing, closest)}


@in_quantize("VQ-6.2", scaled)
def the_diagonal_is_masked_by_the_largest_float32(_: Case, right: Quantized) -> Fields:
    return {"emb_closest_spacing": np.minimum(right.emb_closest_spacing, np.finfo(np.float32).max)}


@in_quantize("VQ-6.1", scaled)
def spacings_below_the_unit_roundoff_are_zero(_: Case, right: Quantized) -> Fields:
    return {"emb_spacing": np.where(right.emb_spacing < 2.0**-24, 0, right.emb_spacing)}


@in_quantize("VQ-6.3", of_the_only[0])
def a_single_embedding_has_the_closest_spacing_zero_even_if_it_is_not_finite(case: Case, right: Quantized) -> Fields:
    return {"emb_closest_spacing": right.emb_closest_spacing if len(case.emb_space) > 1 else np.zeros(1)}


@in_quantize("VQ-13.24", of_the_only[1])
def the_closest_spacing_of_the_only_finite_embedding_is_nan(_: Case, right: Quantized) -> Fields:
    closest = right.emb_closest_spacing
    return {"emb_closest_spacing": np.where(np.isnan(closest).sum() == len(closest) - 1, np.nan, closest)}
