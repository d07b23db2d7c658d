"""Faults of losses, spacing and gradients where vectors or embeddings are not finite (VQ-13)."""

from functools import partial

import numpy as np

from tests.property import test_non_finite as laws
from tests.suite.faults.consequences import Array, Fields, are_finite
from tests.suite.faults.machinery import in_gradients, instead_of
from vq_verify.protocol import Case, Gradients

vectors_alone = laws.test_a_vector_that_is_not_finite_comes_out_as_nan_and_all_others_as_if_it_were_not_there
vectors_pass = laws.test_it_is_not_counted_moves_no_embedding_and_passes_its_own_gradient_on
embeddings_alone = laws.test_an_embedding_that_is_not_finite_is_never_chosen_and_takes_no_part
embeddings_rest = laws.test_an_embedding_that_is_not_finite_gets_no_gradient_and_changes_none
none_finite = partial(laws.test_where_no_embedding_is_finite_no_vector_finds_one, lookup_ord=2)


# Losses and spacing.


@instead_of("reference.parts.losses._mean", "VQ-13.5", vectors_alone)
def a_vector_that_is_not_finite_makes_the_losses_nan(values: Array, counted: Array) -> np.float64:
    return np.float64(np.where(counted, values, np.nan).sum() / max(values.size, 1))


@instead_of("reference.parts.losses._mean", "VQ-13.5", vectors_alone)
def a_mean_is_over_all_vectors(values: Array, counted: Array) -> np.float64:
    return np.float64(values[counted].sum() / max(values.size, 1))


@instead_of("reference.parts.losses._mean", "VQ-13.6", none_finite)
def a_mean_over_no_vector_is_nan(values: Array, counted: Array) -> np.float64:
    return np.float64(values[counted].mean())


@instead_of("reference.parts.losses.coulomb_loss", "VQ-13.22", embeddings_alone)
def an_embedding_that_is_not_finite_makes_the_coulomb_loss_nan(closest_spacing: Array, gamma: float) -> np.float64:
    return np.float64(-gamma * closest_spacing.sum())


@instead_of("reference.spacing.emb_closest_spacing", "VQ-13.24", embeddings_alone)
def an_embedding_that_is_not_finite_is_nearest_to_others(emb_distance: Array) -> Array:
    others = np.where(np.eye(len(emb_distance), dtype=bool), np.inf, emb_distance)
    closest = others.min(axis=-1)
    return np.where(np.isinf(closest), 0, closest)


@instead_of("reference.spacing.emb_closest_spacing", "VQ-13.24", embeddings_alone)
def an_embedding_without_finite_others_has_infinite_spacing(emb_distance: Array) -> Array:
    others = np.where(np.eye(len(emb_distance), dtype=bool) | np.isnan(emb_distance), np.inf, emb_distance)
    return np.where(np.isnan(np.diagonal(emb_distance)), np.nan, others.min(axis=-1))


# Gradients.


@in_gradients("VQ-13.8", vectors_pass)
def a_vector_that_is_not_finite_makes_the_gradients_nan(case: Case, right: Gradients) -> Fields:
    zero = 0 * case.vectors.sum()  # as 0 times NaN, where a mask comes after the gradient
    means = {name: value + zero for name, value in right.losses_to_emb_space.items() if name != "coulomb_loss"}
    return {"losses_to_emb_space": right.losses_to_emb_space | means}


@in_gradients("VQ-13.5", vectors_pass)
def the_means_of_gradients_are_over_all_vectors(case: Case, right: Gradients) -> Fields:
    share = are_finite(case.vectors).mean() if len(case.vectors) else 1
    means = {name: value * share for name, value in right.losses_to_emb_space.items() if name != "coulomb_loss"}
    return {"losses_to_emb_space": right.losses_to_emb_space | means}


@in_gradients("VQ-13.7", vectors_pass)
def a_vector_that_is_not_finite_passes_no_gradient(case: Case, right: Gradients) -> Fields:
    finite = np.broadcast_to(are_finite(case.vectors), case.vectors.shape).reshape(case.x.shape)
    return {"output_to_x": np.where(finite, right.output_to_x, right.output_to_x.dtype.type(0))}


@in_gradients("VQ-13.23", embeddings_rest, none_finite)
def the_gradient_of_an_embedding_that_is_not_finite_is_nan(case: Case, right: Gradients) -> Fields:
    kept = are_finite(case.emb_space)
    return {"losses_to_emb_space": {k: np.where(kept, v, np.nan) for k, v in right.losses_to_emb_space.items()}}


# The gradient of the output: 0 times what is not finite.


@in_gradients("VQ-13.8", vectors_pass)
def the_output_sends_nan_to_the_embeddings_for_a_vector_that_is_not_finite(case: Case, right: Gradients) -> Fields:
    return {"output_to_emb_space": right.output_to_emb_space + 0 * case.vectors.sum()}


@in_gradients("VQ-13.23", embeddings_rest, none_finite)
def the_output_sends_nan_to_an_embedding_that_is_not_finite(case: Case, right: Gradients) -> Fields:
    return {"output_to_emb_space": right.output_to_emb_space + 0 * case.emb_space.astype(np.float64)}


@instead_of("reference.parts.losses._mean", "VQ-13.5", vectors_alone)
def a_mean_is_a_mean_of_those_of_the_elements_of_the_batch(values: Array, counted: Array) -> np.float64:
    rows = counted.any(axis=tuple(range(1, counted.ndim)))
    means = [values[i][counted[i]].mean() for i in np.flatnonzero(rows)]
    return np.float64(np.mean(means)) if means else np.float64(0)


@in_gradients("VQ-18.11", none_finite)
def the_commitment_loss_sends_nan_to_a_vector_that_found_no_embedding(case: Case, right: Gradients) -> Fields:
    nan = np.where(are_finite(case.emb_space).any(), 0, np.nan)
    return {"losses_to_x": {k: v + (nan if k == "commitment_loss" else 0) for k, v in right.losses_to_x.items()}}
