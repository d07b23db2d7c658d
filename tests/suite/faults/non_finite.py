"""Faults of vectors and embeddings that are not finite (VQ-13)."""

from functools import partial
from typing import Any

import numpy as np

from reference import lookup, reduction, replacement
from reference.distances import pairwise_distance
from reference.reduction import Projection
from reference.replacement import ReplacementState
from tests.implementations.protocol import Case, Gradients, Quantized
from tests.parity import test_training as training
from tests.property import test_non_finite as laws
from tests.property import test_reduction as reduced
from tests.suite.faults.consequences import Array, Fields
from tests.suite.faults.machinery import in_gradients, in_quantize, instead_of

PROJECTION = "reference.reduction.projection"
NEAREST, SELECT, COUNT = (f"reference.quantizers.{name}" for name in ("nearest", "select", "access_count"))

vectors_alone = laws.test_a_vector_that_is_not_finite_comes_out_as_nan_and_all_others_as_if_it_were_not_there
vectors_pass = laws.test_it_is_not_counted_moves_no_embedding_and_passes_its_own_gradient_on
embeddings_alone = laws.test_an_embedding_that_is_not_finite_is_never_chosen_and_takes_no_part
embeddings_rest = laws.test_an_embedding_that_is_not_finite_gets_no_gradient_and_changes_none
none_finite = partial(laws.test_where_no_embedding_is_finite_no_vector_finds_one, lookup_ord=2)
fit_without = partial(
    reduced.test_an_embedding_that_is_not_finite_is_left_out_of_the_fit, dim_reduction="pca-emb-space"
)
along_the_lines = reduced.test_rows_in_pairs_on_orthogonal_lines_are_projected_on_these_wherever_they_lie

every_step = training.test_every_step_of_a_training_leaves_the_state_that_it_must

right_select, right_projection, right_accumulate = lookup.select, reduction.projection, replacement.accumulate


def are_finite(vectors: Array) -> Array:
    """Tell which vectors are finite, with an axis to broadcast."""
    return np.isfinite(vectors).all(axis=-1, keepdims=True)


# The lookup.


@instead_of(NEAREST, "VQ-13", vectors_alone, none_finite)
def a_vector_that_is_not_finite_gets_the_first_embedding(distance: Array) -> Array:
    return np.where(np.isnan(distance), np.inf, distance).argmin(axis=-1)


@instead_of(NEAREST, "VQ-13", embeddings_alone)
def an_embedding_that_is_not_finite_is_nearest(distance: Array) -> Array:
    return np.where(np.isnan(distance).all(axis=-1), -1, distance.argmin(axis=-1))  # argmin finds NaN


@instead_of(SELECT, "VQ-13", vectors_alone, none_finite)
def a_vector_that_is_not_finite_comes_out_as_zeros(emb_space: Array, emb_index: Array) -> Array:
    return np.where((emb_index < 0)[..., np.newaxis], emb_space.dtype.type(0), right_select(emb_space, emb_index))


@instead_of(SELECT, "VQ-13", vectors_alone, none_finite)
def a_vector_that_is_not_finite_comes_out_as_the_last_embedding(emb_space: Array, emb_index: Array) -> Array:
    return emb_space[emb_index]


@instead_of(COUNT, "VQ-13", vectors_alone, vectors_pass)
def a_vector_that_is_not_finite_is_counted(emb_index: Array, n: int) -> Array:
    return np.bincount(emb_index.reshape(-1) % n, minlength=n).astype(np.float64)


@instead_of("reference.distances.finite_rows", "VQ-13", vectors_alone)
def an_infinity_counts_as_finite(vectors: Array) -> Array:
    return ~np.isnan(vectors).any(axis=-1)


@instead_of("reference.quantizers.pairwise_distance", "VQ-13", vectors_alone)
def a_vector_that_is_not_finite_spoils_its_element_of_the_batch(
    vectors: Array, emb_space: Array, lookup_ord: float
) -> Array:
    distance = pairwise_distance(vectors, emb_space, lookup_ord)
    return distance if vectors.ndim == 2 else distance + 0 * vectors.sum(axis=(1, 2))[:, np.newaxis, np.newaxis]


@in_quantize("VQ-13", vectors_alone)
def distances_that_are_not_finite_are_zero(_: Case, right: Quantized) -> Fields:
    return {"distance": np.nan_to_num(right.distance)}


# Losses and spacing.


@instead_of("reference.losses._mean", "VQ-13", vectors_alone)
def a_vector_that_is_not_finite_makes_the_losses_nan(values: Array, counted: Array) -> np.float64:
    return np.float64(np.where(counted, values, np.nan).sum() / max(values.size, 1))


@instead_of("reference.losses._mean", "VQ-13", vectors_alone)
def a_mean_is_over_all_vectors(values: Array, counted: Array) -> np.float64:
    return np.float64(values[counted].sum() / max(values.size, 1))


@instead_of("reference.losses._mean", "VQ-13", none_finite)
def a_mean_over_no_vector_is_nan(values: Array, counted: Array) -> np.float64:
    return np.float64(values[counted].mean())


@instead_of("reference.losses.coulomb_loss", "VQ-13", embeddings_alone)
def an_embedding_that_is_not_finite_makes_the_coulomb_loss_nan(closest_spacing: Array, gamma: float) -> np.float64:
    return np.float64(-gamma * closest_spacing.sum())


@instead_of("reference.spacing.emb_closest_spacing", "VQ-13", embeddings_alone)
def an_embedding_that_is_not_finite_is_nearest_to_others(emb_distance: Array) -> Array:
    others = np.where(np.eye(len(emb_distance), dtype=bool), np.inf, emb_distance)
    closest = others.min(axis=-1)
    return np.where(np.isinf(closest), 0, closest)


@instead_of("reference.spacing.emb_closest_spacing", "VQ-13", embeddings_alone)
def an_embedding_without_finite_others_has_infinite_spacing(emb_distance: Array) -> Array:
    others = np.where(np.eye(len(emb_distance), dtype=bool) | np.isnan(emb_distance), np.inf, emb_distance)
    return np.where(np.isnan(np.diagonal(emb_distance)), np.nan, others.min(axis=-1))


# Gradients.


@in_gradients("VQ-13", vectors_pass)
def a_vector_that_is_not_finite_makes_the_gradients_nan(case: Case, right: Gradients) -> Fields:
    zero = 0 * case.vectors.sum()  # as 0 times NaN, where a mask comes after the gradient
    means = {name: value + zero for name, value in right.losses_to_emb_space.items() if name != "coulomb_loss"}
    return {"losses_to_emb_space": right.losses_to_emb_space | means}


@in_gradients("VQ-13", vectors_pass)
def the_means_of_gradients_are_over_all_vectors(case: Case, right: Gradients) -> Fields:
    share = are_finite(case.vectors).mean() if len(case.vectors) else 1
    means = {name: value * share for name, value in right.losses_to_emb_space.items() if name != "coulomb_loss"}
    return {"losses_to_emb_space": right.losses_to_emb_space | means}


@in_gradients("VQ-13", vectors_pass)
def a_vector_that_is_not_finite_passes_no_gradient(case: Case, right: Gradients) -> Fields:
    finite = np.broadcast_to(are_finite(case.vectors), case.vectors.shape).reshape(case.x.shape)
    return {"output_to_x": np.where(finite, right.output_to_x, right.output_to_x.dtype.type(0))}


@in_gradients("VQ-13", embeddings_rest, none_finite)
def the_gradient_of_an_embedding_that_is_not_finite_is_nan(case: Case, right: Gradients) -> Fields:
    kept = are_finite(case.emb_space)
    return {"losses_to_emb_space": {k: np.where(kept, v, np.nan) for k, v in right.losses_to_emb_space.items()}}


# Fit and training.


@instead_of(PROJECTION, "VQ-13", fit_without, along_the_lines)
def rows_that_are_not_finite_are_fitted_as_zeros(vectors: Array, emb_space: Array, *others: Any) -> Projection:
    return right_projection(*(np.where(are_finite(rows), rows, 0) for rows in (vectors, emb_space)), *others)


@instead_of(PROJECTION, "VQ-13", fit_without, along_the_lines)
def rows_that_are_not_finite_make_the_mean_nan(vectors: Array, emb_space: Array, *others: Any) -> Projection:
    fitted = right_projection(vectors, emb_space, *others)
    return fitted if fitted.mean is None else fitted._replace(mean=fitted.mean + 0 * (vectors.sum() + emb_space.sum()))


@instead_of("reference.replacement.accumulate", "VQ-13", every_step)
def a_vector_that_is_not_finite_is_the_most_distant(
    state: ReplacementState, access_count: Array, vectors: Array, distance: Array
) -> ReplacementState:
    lost = np.isnan(distance).all(axis=-1, keepdims=True)
    return right_accumulate(state, access_count, vectors, np.where(lost, np.inf, distance))
