"""Faults of the losses (VQ-5)."""

from collections.abc import Callable

import numpy as np

from tests.parity import test_vector_quantization as parity
from tests.property import test_lookup as lookup
from tests.property import test_losses as losses
from tests.suite.faults.consequences import Fields, weighted_loss
from tests.suite.faults.machinery import in_quantize
from vq_verify.protocol import Case, Quantized

presence = losses.test_a_loss_is_absent_iff_its_weight_is_zero_and_the_order_is_fixed


@in_quantize("VQ-5.1", losses.test_a_loss_is_absent_iff_its_weight_is_zero_and_the_order_is_fixed)
def the_losses_come_in_the_wrong_order(_: Case, right: Quantized) -> Fields:
    return {"losses": dict(sorted(right.losses.items(), reverse=True))}


@in_quantize("VQ-5.2", losses.test_a_loss_is_absent_iff_its_weight_is_zero_and_the_order_is_fixed)
def a_loss_of_weight_zero_is_present(case: Case, right: Quantized) -> Fields:
    return {"losses": {name: right.losses.get(name, np.float64(0)) for name in case.weights}}


@in_quantize("VQ-5.1", losses.test_a_loss_is_absent_iff_its_weight_is_zero_and_the_order_is_fixed)
def a_loss_has_an_axis(_: Case, right: Quantized) -> Fields:
    return {"losses": {name: np.reshape(loss, [1]) for name, loss in right.losses.items()}}


@in_quantize("VQ-5.3", parity.test_losses_are_within_their_rounding_errors)
def the_alpha_loss_is_a_sum_over_m(case: Case, right: Quantized) -> Fields:
    return weighted_loss(case, right, "alpha_loss", right.distance.min(axis=-1).sum() / max(len(case.x), 1))


@in_quantize("VQ-5.3", parity.test_losses_are_within_their_rounding_errors)
def the_alpha_loss_is_squared(case: Case, right: Quantized) -> Fields:
    return weighted_loss(
        case, right, "alpha_loss", (right.distance.min(axis=-1) ** 2).sum() / max(len(case.vectors), 1)
    )


@in_quantize("VQ-5.3", losses.test_a_loss_is_linear_in_its_weight)
def the_alpha_loss_is_weighted_twice(case: Case, right: Quantized) -> Fields:
    return weighted_loss(case, right, "alpha_loss", right.losses.get("alpha_loss", 0))


@in_quantize("VQ-5.4", parity.test_losses_are_within_their_rounding_errors)
def the_beta_loss_is_a_mean_over_the_embeddings(case: Case, right: Quantized) -> Fields:
    return weighted_loss(case, right, "beta_loss", right.distance.sum() / max(right.distance.size, 1))


@in_quantize("VQ-5.4", parity.test_losses_are_within_their_rounding_errors)
def the_beta_loss_is_over_the_chosen_embeddings(case: Case, right: Quantized) -> Fields:
    return weighted_loss(case, right, "beta_loss", right.distance.min(axis=-1).sum() / max(len(case.vectors), 1))


@in_quantize(
    "VQ-5.5",
    losses.test_alpha_and_beta_loss_have_the_sign_of_their_weights_and_coulomb_loss_the_other,
    parity.test_losses_are_within_their_rounding_errors,
)
def the_coulomb_loss_attracts(_: Case, right: Quantized) -> Fields:
    return {"losses": {name: np.abs(loss) for name, loss in right.losses.items()}}


@in_quantize("VQ-5.5", parity.test_losses_are_within_their_rounding_errors)
def the_coulomb_loss_is_a_mean(case: Case, right: Quantized) -> Fields:
    return weighted_loss(case, right, "coulomb_loss", -right.emb_closest_spacing.mean())


@in_quantize(
    "VQ-5.11",
    losses.test_an_empty_batch_gives_no_alpha_and_no_beta_loss,
    lookup.test_an_empty_batch_gives_an_empty_output,
)
def an_empty_batch_divides_zero_by_zero(case: Case, right: Quantized) -> Fields:
    means = {name: loss * len(case.x) / np.float64(len(case.x)) for name, loss in right.losses.items()}
    return {"losses": means, "access_count": right.access_count.sum() * right.access_count / right.access_count.sum()}


@in_quantize("VQ-5.9", losses.test_a_loss_is_linear_in_its_weight)
def a_loss_of_negative_weight_is_dropped(case: Case, right: Quantized) -> Fields:
    return {"losses": {name: loss for name, loss in right.losses.items() if case.weights[name] > 0}}


@in_quantize("VQ-5.9", losses.test_a_loss_is_linear_in_its_weight)
def a_weight_counts_by_its_magnitude(case: Case, right: Quantized) -> Fields:
    return {"losses": {name: loss * np.sign(case.weights[name]) for name, loss in right.losses.items()}}


def without(case: Case, right: Quantized, taken_for_zero: Callable[[float], bool]) -> Fields:
    """Return the losses but those whose weights are taken for 0."""
    return {"losses": {name: it for name, it in right.losses.items() if not taken_for_zero(case.weights[name])}}


@in_quantize("VQ-5.2", presence)
def a_tiny_weight_is_taken_for_zero(case: Case, right: Quantized) -> Fields:
    return without(case, right, lambda weight: abs(weight) < 1e-5)


@in_quantize("VQ-5.2", presence)
def a_weight_close_to_zero_is_taken_for_zero(case: Case, right: Quantized) -> Fields:
    return without(case, right, lambda weight: bool(np.isclose(weight, 0)))


@in_quantize("VQ-5.2", presence, losses.test_a_loss_is_linear_in_its_weight)
def a_negative_weight_is_taken_for_zero(case: Case, right: Quantized) -> Fields:
    return without(case, right, lambda weight: weight <= 0)
