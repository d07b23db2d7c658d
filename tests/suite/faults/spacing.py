"""Faults of the spacing (VQ-6)."""

import numpy as np

from tests.parity import test_vector_quantization as parity
from tests.property import test_spacing as spacing
from tests.suite.faults.consequences import Array, Fields
from tests.suite.faults.machinery import in_quantize
from vq_verify.comparison import exact_distances
from vq_verify.protocol import Case, Quantized


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
