"""Faults of the projection on principal components (VQ-8)."""

from functools import partial

import numpy as np

from reference.reduction import Projection
from tests.parity import test_reduction as parity
from tests.property import test_reduction as reduced
from tests.suite.faults.consequences import Array
from tests.suite.faults.machinery import instead_of

APPLY = "reference.reduction.Projection.apply"

values = parity.test_distances_indices_and_losses_are_within_their_errors
similarities = parity.test_similarities_and_votes_are_within_their_errors
along_the_lines = reduced.test_rows_in_pairs_on_orthogonal_lines_are_projected_on_these_wherever_they_lie
from_the_mean = reduced.test_similarity_is_that_of_the_projections_from_the_mean_at_any_scale
equal_rows = partial(
    reduced.test_rows_of_many_coordinates_map_to_the_first_that_equals_them_at_distance_zero, dim_reduction="pca-batch"
)

right_apply = Projection.apply


def of_inputs(projection: Projection, vectors: Array) -> bool:
    """Tell whether these are inputs that are projected: they have a batch axis, and embeddings have none."""
    return projection.mean is not None and vectors.ndim > 2


@instead_of(APPLY, "VQ-8.4", values, from_the_mean)
def the_inputs_are_centred_by_a_mean_of_their_own(projection: Projection, vectors: Array) -> Array:
    if of_inputs(projection, vectors):
        known = vectors[np.isfinite(vectors).all(axis=-1)]
        projection = projection._replace(mean=known.mean(axis=0) if len(known) else projection.mean)
    return right_apply(projection, vectors)


@instead_of(APPLY, "VQ-8.7", values, along_the_lines)
def an_axis_is_flipped_for_the_inputs_alone(projection: Projection, vectors: Array) -> Array:
    flipped = right_apply(projection, vectors)
    return flipped * np.where(np.arange(flipped.shape[-1]) == 0, -1, 1) if of_inputs(projection, vectors) else flipped


@instead_of(APPLY, "VQ-8.4", along_the_lines, values)
def the_embeddings_are_projected_without_their_mean(projection: Projection, vectors: Array) -> Array:
    if projection.mean is None or vectors.ndim > 2:
        return right_apply(projection, vectors)
    return right_apply(projection._replace(mean=np.zeros_like(projection.mean)), vectors)


@instead_of(APPLY, "VQ-8.4", similarities, from_the_mean)
def nothing_is_centred_before_its_similarity(projection: Projection, vectors: Array) -> Array:
    if projection.mean is None:
        return vectors
    return right_apply(projection._replace(mean=np.zeros_like(projection.mean)), vectors)


@instead_of(APPLY, "VQ-2.6", equal_rows, values)
def projections_round_by_the_position_of_a_row(projection: Projection, vectors: Array) -> Array:
    projected = right_apply(projection, vectors)
    return projected * (1 + 2.0**-52) if of_inputs(projection, vectors) else projected
