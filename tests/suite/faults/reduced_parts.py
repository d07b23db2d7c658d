"""Faults of parts in a space of principal components: what is of the full space, and what a fit is of (VQ-8)."""

from contextlib import nullcontext
from dataclasses import replace
from functools import cache, partial
from typing import Any
from unittest.mock import patch

import numpy as np

import reference
from reference import reduction
from reference.distances import norm
from reference.parts.replacement import DeadCodes
from reference.reduction import IDENTITY, Projection
from tests.parity import test_reduced_parts as parts
from tests.parity import test_reduction as parity
from tests.suite.faults.consequences import Array, Fields, weighted_loss
from tests.suite.faults.machinery import (
    Check,
    in_cosine,
    in_cosine_gradients,
    in_gradients,
    in_quantize,
    instead_of,
)
from vq_verify.adapters.oracle import Oracle, OracleTraining, result_of
from vq_verify.comparison import projected, rotated, rounding
from vq_verify.protocol import Case, CosineCase, CosineGradients, CosineQuantized, Gradients, Quantized, ResidualCase

ORACLE = f"{Oracle.__module__}.Oracle"
PROJECTION = "reference.reduction.projection"
TRAINING_PASS = f"{OracleTraining.__module__}.OracleTraining.training_pass"

among = parity.test_distances_indices_and_losses_are_within_their_errors
gradients = parity.test_gradients_are_within_their_errors
similar = parity.test_similarities_and_votes_are_within_their_errors
turned = [
    partial(parts.test_an_estimator_turns_and_projects_in_the_full_space, estimator=estimator, bounded=bounded)
    for estimator, bounded in ((reference.Rotation(), rotated), (reference.DiVeQ(), projected))
]
many_rows = [
    partial(parts.test_more_rows_than_half_types_can_add_up_are_fitted, dtype=dtype)
    for dtype in ("float16", "bfloat16")
]
more_components = parts.test_more_than_a_few_components_of_many_coordinates_are_kept
of_splits = [
    partial(parts.test_each_split_is_reduced_by_a_fit_of_its_own, dim_reduction=fit)
    for fit in ("pca-batch", "pca-emb-space")
]
of_stages = [
    partial(parts.test_each_stage_is_reduced_by_a_fit_to_what_the_ones_before_left, dim_reduction=fit)
    for fit in ("pca-batch", "pca-emb-space")
]

right_fit, right_projection, right_training_pass = reduction.fit, reduction.projection, OracleTraining.training_pass
right_quantize, right_gradients, right_residual = Oracle.quantize, Oracle.gradients, Oracle.quantize_residual


@cache
def replaced(dim_reduction: str) -> Check:
    """Return the check of a training that replaces by hand."""
    return partial(parts.test_a_replacement_in_a_reduced_space_is_that_of_the_oracle, dim_reduction=dim_reduction)


@cache
def trained(training: str, codebooks: str = "shared", dim_reduction: str = "pca-batch") -> Check:
    """Return the check of another training."""
    check = parts.test_every_training_in_a_reduced_space_is_that_of_the_oracle
    return partial(check, training=training, codebooks=codebooks, dim_reduction=dim_reduction)


def fitted(case: Case | CosineCase) -> Projection:
    """Return the projection of a case without a mask."""
    d = case.emb_space.shape[-1]
    return right_projection(
        case.x.astype(np.float64).reshape(1, -1, d),
        case.emb_space.astype(np.float64),
        case.dim_reduction,
        case.num_dim_reduction_components,
        rounding(case.x.dtype).unit,
    )


def rebuilt(fit: Projection, rows: Array) -> Array:
    """Return rows made of their components again."""
    assert fit.axes is not None
    return fit.apply(rows.astype(np.float64)) @ fit.axes.T + fit.mean


# Output and gradient by similarity.


@in_cosine("VQ-8.12", similar)
def the_output_of_a_lookup_by_cosine_is_rebuilt_from_components(case: CosineCase, right: CosineQuantized) -> Fields:
    if case.dim_reduction is None:
        return {}
    rows = rebuilt(fitted(case), right.layer_out.reshape(-1, case.emb_space.shape[-1]))
    return {"layer_out": rows.reshape(case.x.shape).astype(case.x.dtype)}


@in_cosine("VQ-10.9", similar)
def what_is_mapped_to_itself_is_rebuilt_from_components(case: CosineCase, right: CosineQuantized) -> Fields:
    if case.dim_reduction is None or right.identity_mapping_mask is None:
        return {}
    rows = right.layer_out.reshape(-1, case.emb_space.shape[-1])
    mapped = right.identity_mapping_mask.reshape(-1, 1)
    return {"layer_out": np.where(mapped, rebuilt(fitted(case), rows), rows).reshape(case.x.shape).astype(case.x.dtype)}


@in_cosine_gradients("VQ-10.12", similar)
def the_gradient_of_what_is_mapped_is_along_the_axes(case: CosineCase, right: CosineGradients, _: Array) -> Fields:
    if case.dim_reduction is None:
        return {}
    to_vectors, axes = right.output_to_x.reshape(-1, case.emb_space.shape[-1]), fitted(case).axes
    assert axes is not None
    return {"output_to_x": (to_vectors.astype(np.float64) @ axes @ axes.T).reshape(case.x.shape).astype(case.x.dtype)}


@in_gradients("VQ-27.1", *turned)
def an_estimator_works_in_the_reduced_space(case: Case, right: Gradients) -> Fields:
    if case.dim_reduction is None or case.estimator not in ("rotation", "diveq"):
        return {}
    to_vectors, axes = right.output_to_x.reshape(-1, case.emb_space.shape[-1]), fitted(case).axes
    assert axes is not None
    return {"output_to_x": (to_vectors.astype(np.float64) @ axes @ axes.T).reshape(case.x.shape)}


# Fits.


@instead_of("reference.reduction.fit", "VQ-8.4", *many_rows)
def the_mean_of_a_fit_is_over_as_many_rows_as_half_types_can_count(
    rows: Array, num_components: int, unit_roundoff: float
) -> Projection:
    right = right_fit(rows, num_components, unit_roundoff)
    assert right.mean is not None
    return right._replace(mean=right.mean * len(rows) / min(len(rows), 2048))


@instead_of("reference.reduction.fit", "VQ-8.5", more_components)
def no_more_than_a_group_of_components_is_kept(rows: Array, num_components: int, unit_roundoff: float) -> Projection:
    right = right_fit(rows, num_components, unit_roundoff)
    assert right.axes is not None
    return right._replace(axes=right.axes * (np.arange(num_components) < 16))


@instead_of(TRAINING_PASS, "VQ-8.1", replaced("pca-batch"), trained("dead codes"), trained("moving averages"))
def a_training_pass_is_fitted_on_the_embeddings_alone(training: OracleTraining, x: Array, *mask: Array) -> None:
    def projection(vectors: Array, emb_space: Array, mode: str | None, *others: Any) -> Projection:
        return right_projection(vectors, emb_space, mode and "pca-emb-space", *others)

    with patch(PROJECTION, projection):
        right_training_pass(training, x, *mask)


@in_quantize("VQ-21.13", among)
def masked_vectors_are_fitted(case: Case, right: Quantized) -> Fields:
    if case.mask is None or case.dim_reduction is None:
        return {}
    distance = result_of(replace(case, mask=None)).distance
    return {"distance": np.where(np.isnan(right.distance), np.nan, distance)}


@instead_of(f"{ORACLE}.quantize", "VQ-20.2", *of_splits)
def a_codebook_per_split_is_not_reduced(oracle: Oracle, case: Case) -> Quantized:
    return right_quantize(oracle, replace(case, dim_reduction=None) if case.codebooks == "per-split" else case)


@instead_of(f"{ORACLE}.quantize_residual", "VQ-28.1", *of_stages)
def stages_are_not_reduced(oracle: Oracle, case: ResidualCase) -> Any:
    return right_residual(oracle, replace(case, case=replace(case.case, dim_reduction=None)))


# Losses.


@in_quantize("VQ-13.5", among)
def in_a_reduced_space_means_are_over_vectors_that_are_not_finite_too(case: Case, right: Quantized) -> Fields:
    if case.dim_reduction is None:
        return {}
    share = (right.emb_index >= 0).mean() if right.emb_index.size else 1.0
    return {"losses": {k: v if k == "coulomb_loss" else v * share for k, v in right.losses.items()}}


@in_quantize("VQ-18.13", among)
def the_commitment_loss_is_of_the_reduced_space(case: Case, right: Quantized) -> Fields:
    found = right.emb_index.reshape(-1) >= 0
    if case.dim_reduction is None or case.mask is not None or not found.any():
        return {}
    fit = fitted(case)
    chosen = case.emb_space.astype(np.float64)[right.emb_index.reshape(-1)[found]]
    difference = fit.apply(chosen) - fit.apply(case.vectors[found])
    return weighted_loss(case, right, "commitment_loss", (difference**2).sum() / chosen.size)


@in_gradients("VQ-18.13", gradients)
def the_commitment_loss_pulls_along_the_axes(case: Case, right: Gradients) -> Fields:
    name = "commitment_loss"
    if case.dim_reduction is None or name not in right.losses_to_x or case.mask is not None:
        return {}
    to_vectors, axes = right.losses_to_x[name].reshape(-1, case.emb_space.shape[-1]), fitted(case).axes
    assert axes is not None
    pulled = (to_vectors.astype(np.float64) @ axes @ axes.T).reshape(case.x.shape)
    return {"losses_to_x": right.losses_to_x | {name: pulled}}


# Trainings.


@instead_of(TRAINING_PASS, "VQ-8.11", replaced("pca-batch"), trained("replacement within a pass"))
def the_stored_distances_are_of_the_full_space(training: OracleTraining, x: Array, *mask: Array) -> None:
    emb_space = training.state["emb_space"]
    right_training_pass(training, x, *mask)
    if training._case.dim_reduction is None or "input_distances" not in training.state or emb_space.ndim > 2:
        return
    inputs = training.state["distant_inputs"]
    distance = norm(inputs[:, np.newaxis] - emb_space, training._case.lookup_ord).min(axis=-1)
    empty = training.state["input_distances"] == 0
    training.state = {**training.state, "input_distances": np.where(empty, 0, distance)}


@instead_of(TRAINING_PASS, "VQ-26.7", trained("dead codes"))
def dead_codes_become_what_is_distant_in_the_full_space(training: OracleTraining, x: Array, *mask: Array) -> None:
    is_reduced = not isinstance(training._case.replacement, DeadCodes)
    with nullcontext() if is_reduced else patch(PROJECTION, lambda *_: IDENTITY):
        right_training_pass(training, x, *mask)
