"""Faults of the estimators (VQ-19)."""

import numpy as np

from reference import Rotation, splitting
from tests.property import test_estimators as laws
from tests.property import test_lookup as lookup
from tests.property import test_masks as masks
from tests.suite.faults.consequences import Array, Fields
from tests.suite.faults.machinery import in_gradients, in_quantize, instead_of
from vq_verify.protocol import Case, Gradients, Quantized

STRAIGHT_THROUGH = "reference.parts.estimators.StraightThrough.gradient_to_vectors"
NO_GRADIENT = "reference.parts.estimators.NoGradient.gradient_to_vectors"

value = laws.test_no_estimator_changes_a_value
passed = laws.test_an_estimator_passes_the_gradient_of_the_output_on_or_nothing
of_losses = laws.test_no_estimator_changes_the_gradient_of_a_loss
not_finite = laws.test_a_vector_that_is_not_finite_passes_on_what_any_does
masked = masks.test_a_masked_vector_passes_its_gradient_on_and_gets_none_from_a_loss


@in_quantize("VQ-19.1", value, lookup.test_each_output_piece_is_the_indexed_row_bit_for_bit)
def straight_through_adds_the_difference_to_the_input(case: Case, right: Quantized) -> Fields:
    if case.estimator != "straight-through":
        return {}
    return {"layer_out": case.x + (right.layer_out - case.x)}  # as is usual; it rounds


@in_quantize("VQ-19.1", value)
def without_a_gradient_the_input_comes_out(case: Case, right: Quantized) -> Fields:
    return {"layer_out": case.x if case.estimator == "none" else right.layer_out}


@instead_of(NO_GRADIENT, "VQ-19.3", passed)
def the_estimator_none_passes_the_gradient_on(_: object, vectors: Array, chosen: Array, upstream: Array) -> Array:
    del vectors, chosen
    return upstream


@instead_of(STRAIGHT_THROUGH, "VQ-19.2", passed)
def straight_through_passes_nothing(_: object, vectors: Array, chosen: Array, upstream: Array) -> Array:
    del vectors, chosen
    return np.zeros_like(upstream)


@instead_of(STRAIGHT_THROUGH, "VQ-19.2", passed)
def straight_through_scales_the_gradient_as_a_rotation_does(
    _: object, vectors: Array, chosen: Array, upstream: Array
) -> Array:
    lengths = [np.linalg.norm(rows, axis=-1, keepdims=True) for rows in (vectors, chosen)]
    return np.asarray(upstream * lengths[1] / np.where(lengths[0] == 0, 1, lengths[0])).astype(upstream.dtype)


@in_quantize("VQ-19.1", value)
def under_a_rotation_the_product_with_the_scale_comes_out(case: Case, right: Quantized) -> Fields:
    if case.estimator != "rotation":
        return {}
    return {"layer_out": (right.layer_out / np.float32(3)) * np.float32(3)}  # as is usual; it rounds


@in_gradients("VQ-19.5", not_finite)
def a_vector_that_is_not_finite_passes_nothing_on(case: Case, right: Gradients) -> Fields:
    finite = np.isfinite(splitting.split(case.x, case.num_splits)).all(axis=-1, keepdims=True)
    return {"output_to_x": (splitting.split(right.output_to_x, case.num_splits) * finite).reshape(case.x.shape)}


@in_gradients("VQ-18.10", of_losses)
def without_a_gradient_the_commitment_loss_reaches_nothing(case: Case, right: Gradients) -> Fields:
    if case.estimator != "none":
        return {}
    return {"losses_to_x": {name: np.zeros_like(to_x) for name, to_x in right.losses_to_x.items()}}


@instead_of("reference.parts.estimators.Rotation.gradient_to_vectors", "VQ-19.5", not_finite)
def a_rotation_passes_nothing_on_for_a_vector_that_is_not_finite(
    right: Rotation, vectors: Array, chosen: Array, upstream: Array
) -> Array:
    del right, vectors, chosen
    return np.zeros_like(upstream)


@in_gradients("VQ-19.4", masked)
def a_rotation_stops_the_gradient_of_masked_vectors(case: Case, right: Gradients) -> Fields:
    if case.estimator != "rotation" or case.mask is None:
        return {}
    return {"output_to_x": right.output_to_x * case.mask[..., np.newaxis]}


@in_gradients("VQ-19.4", masked)
def the_estimator_none_stops_the_gradient_of_masked_vectors_too(case: Case, right: Gradients) -> Fields:
    return {"output_to_x": right.output_to_x * (case.estimator != "none")}
