"""Faults of what lives in the space of principal components and what in the full one (VQ-8)."""

from dataclasses import replace
from functools import partial

import numpy as np

from reference import spacing
from reference.distances import norm, pairwise_distance
from reference.gradients import beta_gradient
from reference.reduction import Projection, projection
from tests.parity import test_reduction as parity
from tests.property import test_reduction as reduced
from tests.property import test_replacement as replacement
from tests.suite.faults.consequences import Fields, chosen, weighted_loss
from tests.suite.faults.gradients import gradient
from tests.suite.faults.machinery import in_cosine, in_gradients, in_quantize, instead_of
from vq_verify.adapters.oracle import OracleTraining
from vq_verify.comparison import rounding
from vq_verify.comparison.cosine import exact_similarity
from vq_verify.protocol import Case, CosineCase, CosineQuantized, Gradients, Quantized

similarities = parity.test_similarities_and_votes_are_within_their_errors
values = parity.test_distances_indices_and_losses_are_within_their_errors
gradients = parity.test_gradients_are_within_their_errors
pulls = reduced.test_no_loss_reaches_x_and_the_beta_loss_pulls_along_the_axes_only
full_space = partial(reduced.test_spacing_and_alpha_loss_are_those_of_the_full_space, dim_reduction="pca-batch")
distant = replacement.test_with_pca_inputs_are_distant_in_the_reduced_space

TRAINING_PASS = f"{OracleTraining.__module__}.OracleTraining.training_pass"
right_training_pass = OracleTraining.training_pass


def fitted(case: Case) -> Projection:
    """Return the projection of a case."""
    emb_space, components = case.emb_space.astype(np.float64), case.num_dim_reduction_components
    return projection(case.vectors, emb_space, case.dim_reduction, components, rounding(case.x.dtype).unit)


@in_quantize("VQ-8.14", full_space)
def the_spacing_is_of_the_reduced_space(case: Case, _: Quantized) -> Fields:
    reduced_emb_space = fitted(case).apply(case.emb_space.astype(np.float64))
    distance = pairwise_distance(reduced_emb_space, reduced_emb_space, case.lookup_ord)
    return {
        "emb_spacing": spacing.emb_spacing(distance),
        "emb_closest_spacing": spacing.emb_closest_spacing(distance),
    }


@in_quantize("VQ-8.14", full_space, values)
def the_coulomb_loss_is_of_the_reduced_space(case: Case, right: Quantized) -> Fields:
    closest = the_spacing_is_of_the_reduced_space.quantize(case).emb_closest_spacing
    return weighted_loss(case, right, "coulomb_loss", -closest.sum())


@in_quantize("VQ-8.13", full_space, values)
def the_alpha_loss_is_of_the_reduced_space(case: Case, right: Quantized) -> Fields:
    return weighted_loss(case, right, "alpha_loss", right.distance.min(axis=-1).mean())


@in_quantize("VQ-8.9", values)
def the_beta_loss_is_of_the_full_space(case: Case, right: Quantized) -> Fields:
    difference = case.emb_space.astype(np.float64) - case.vectors[:, np.newaxis]
    return weighted_loss(case, right, "beta_loss", norm(difference, case.lookup_ord).sum(axis=-1).mean())


@in_quantize("VQ-8.8", values)
def the_lookup_is_in_the_full_space(case: Case, right: Quantized) -> Fields:
    distance = pairwise_distance(case.vectors, case.emb_space.astype(np.float64), case.lookup_ord)
    return chosen(case, distance.argmin(axis=-1).reshape(right.emb_index.shape))


@in_cosine("VQ-8.10", similarities)
def similarities_are_of_the_full_space(case: CosineCase, _: CosineQuantized) -> Fields:
    return {"similarity_values": np.nanmax(exact_similarity(case), axis=-1)} if case.dim_reduction else {}


@in_quantize("VQ-8.12", values)
def the_output_is_projected_back(case: Case, right: Quantized) -> Fields:
    fit = fitted(case)
    if fit.axes is None or not np.isfinite(case.x).all():
        return {}
    back = fit.apply(case.emb_space.astype(np.float64)) @ fit.axes.T + fit.mean
    return {"layer_out": back[right.emb_index].reshape(case.x.shape).astype(case.x.dtype)}


# Gradients.


@in_gradients("VQ-8.9", pulls, gradients)
def the_gradient_of_the_beta_loss_is_that_of_the_full_space(case: Case, right: Gradients) -> Fields:
    return gradient(
        right, "beta_loss", beta_gradient(case.vectors, case.emb_space.astype(float), case.lookup_ord, case.beta)
    )


@in_gradients("VQ-8.16", gradients)
def the_mean_is_not_constant(case: Case, right: Gradients) -> Fields:
    whole = right.losses_to_emb_space.get("beta_loss", np.zeros(case.emb_space.shape))
    return gradient(right, "beta_loss", whole - whole.mean(axis=0)) if case.dim_reduction else {}


@in_gradients("VQ-8.13", gradients)
def the_gradient_of_the_alpha_loss_is_along_the_axes(case: Case, right: Gradients) -> Fields:
    axes = fitted(case).axes
    if axes is None or "alpha_loss" not in right.losses_to_emb_space:
        return {}
    return gradient(right, "alpha_loss", right.losses_to_emb_space["alpha_loss"] @ axes @ axes.T)


# Replacement.


@instead_of(TRAINING_PASS, "VQ-8.11", distant)
def inputs_are_distant_in_the_full_space(training: OracleTraining, x: np.ndarray, *mask: np.ndarray) -> None:
    case, training._case = training._case, replace(training._case, dim_reduction=None)
    right_training_pass(training, x, *mask)
    training._case = case


@instead_of(TRAINING_PASS, "VQ-8.15", distant)
def the_stored_inputs_are_projected(training: OracleTraining, x: np.ndarray, *mask: np.ndarray) -> None:
    right_training_pass(training, x, *mask)
    fit = fitted(replace(training._case, x=x, emb_space=training.state["emb_space"]))
    if fit.axes is not None:
        inputs = fit.apply(training.state["distant_inputs"]) @ fit.axes.T
        training.state = {**training.state, "distant_inputs": inputs}
