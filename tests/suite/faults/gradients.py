"""Faults of what gradients reach, and of the means of the losses (VQ-3, VQ-5, VQ-7)."""

from collections.abc import Callable

import numpy as np

from reference.gradients import norm_gradient
from tests.parity import test_vector_quantization as parity
from tests.property import test_gradients as gradients
from tests.suite.faults.consequences import Array, Fields
from tests.suite.faults.machinery import in_gradients
from vq_verify.adapters.oracle import Oracle
from vq_verify.protocol import Case, Gradients


def gradient(right: Gradients, name: str, value: Array) -> Fields:
    """Return the gradients by the embedding space with that of the named loss, if it is present, replaced."""
    wrong = {name: value} if name in right.losses_to_emb_space else {}
    return {"losses_to_emb_space": right.losses_to_emb_space | wrong}


def leaked(case: Case, right: Gradients, name: str, leak: Array) -> Fields:
    """Return the gradients by x with that of the named loss, if it is present, replaced."""
    wrong = {name: leak.reshape(case.x.shape)} if name in right.losses_to_x else {}
    return {"losses_to_x": right.losses_to_x | wrong}


def pulls(case: Case, norm_gradient: Callable[..., Array] = norm_gradient) -> tuple[Array, Array]:
    """Return ``g(E[j] - X[i])``, ``[M, n, d]``, and whether i chose j, ``[M, n, 1]``."""
    difference = case.emb_space.astype(np.float64) - case.vectors[:, np.newaxis]
    emb_index = Oracle().quantize(case).emb_index.reshape(-1, 1)
    return norm_gradient(difference, case.lookup_ord), (emb_index == np.arange(len(case.emb_space)))[..., np.newaxis]


@in_gradients("VQ-3.1", gradients.test_the_gradient_of_the_output_is_the_identity_to_x_and_nothing_to_the_embeddings)
def the_output_passes_no_gradient_to_x(_: Case, right: Gradients) -> Fields:
    return {"output_to_x": np.zeros_like(right.output_to_x)}


@in_gradients("VQ-3.2", gradients.test_the_gradient_of_the_output_is_the_identity_to_x_and_nothing_to_the_embeddings)
def the_output_passes_its_gradient_to_the_embeddings(case: Case, right: Gradients) -> Fields:
    emb_index = Oracle().quantize(case).emb_index.reshape(-1)
    to_emb_space = np.zeros(case.emb_space.shape)
    np.add.at(to_emb_space, emb_index, right.output_to_x.reshape(-1, case.emb_space.shape[1]).astype(np.float64))
    return {"output_to_emb_space": to_emb_space}


@in_gradients("VQ-5.10", gradients.test_no_loss_but_the_commitment_loss_reaches_x)
def the_alpha_loss_reaches_x(case: Case, right: Gradients) -> Fields:
    pull, chosen_by = pulls(case)
    leak = -case.alpha / len(case.vectors) * (pull * chosen_by).sum(axis=1)
    return leaked(case, right, "alpha_loss", leak)


@in_gradients("VQ-5.10", gradients.test_no_loss_but_the_commitment_loss_reaches_x)
def the_beta_loss_reaches_x(case: Case, right: Gradients) -> Fields:
    leak = -case.beta / len(case.vectors) * pulls(case)[0].sum(axis=1)
    return leaked(case, right, "beta_loss", leak)


@in_gradients("VQ-5.3", parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential)
def the_alpha_gradient_keeps_the_last_input_of_each_embedding(case: Case, right: Gradients) -> Fields:
    pull, chosen_by = pulls(case)
    kept = np.zeros(case.emb_space.shape)
    i, j = np.nonzero(chosen_by[..., 0])
    kept[j] = pull[i, j]  # as `kept[j] += pull[i, j]` does
    return gradient(right, "alpha_loss", case.alpha / max(len(pull), 1) * kept)


@in_gradients("VQ-5.3", parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential)
def the_alpha_gradient_pushes(_: Case, right: Gradients) -> Fields:
    return gradient(right, "alpha_loss", -right.losses_to_emb_space.get("alpha_loss", np.zeros(0)))


@in_gradients(
    "VQ-5.4",
    gradients.test_gradients_are_finite_and_bounded_by_their_weights,
    parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential,
)
def the_beta_gradient_is_a_sum(case: Case, right: Gradients) -> Fields:
    return gradient(right, "beta_loss", case.beta * pulls(case)[0].sum(axis=0))


@in_gradients("VQ-5.4", parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential)
def the_beta_gradient_is_over_the_chosen_embeddings(case: Case, right: Gradients) -> Fields:
    pull, chosen_by = pulls(case)
    return gradient(right, "beta_loss", case.beta * (pull * chosen_by).mean(axis=0))


@in_gradients("VQ-5.10", gradients.test_no_loss_but_the_commitment_loss_reaches_x)
def gradients_to_x_have_the_shape_of_the_vectors(case: Case, right: Gradients) -> Fields:
    shape = case.vectors.shape
    return {"losses_to_x": {name: value.reshape(shape) for name, value in right.losses_to_x.items()}}


@in_gradients("VQ-3.2", gradients.test_the_gradient_of_the_output_is_the_identity_to_x_and_nothing_to_the_embeddings)
def the_gradient_of_the_output_to_the_embeddings_has_no_shape(_: Case, __: Gradients) -> Fields:
    return {"output_to_emb_space": np.float64(0)}


@in_gradients("VQ-5.9", gradients.test_the_gradient_of_a_loss_is_linear_in_its_weight)
def a_weight_counts_by_its_magnitude_in_the_gradients(case: Case, right: Gradients) -> Fields:
    wrong = {name: value * np.sign(case.weights[name]) for name, value in right.losses_to_emb_space.items()}
    return {"losses_to_emb_space": wrong}


@in_gradients("VQ-7.1", gradients.test_an_empty_batch_moves_the_embeddings_by_the_coulomb_loss_alone)
def the_gradients_of_an_empty_batch_are_nan(case: Case, right: Gradients) -> Fields:
    one = np.float64(len(case.x)) / len(case.x)  # 0 / 0, as in a mean over nothing
    means = {name: value * one for name, value in right.losses_to_emb_space.items() if name != "coulomb_loss"}
    return {"losses_to_emb_space": right.losses_to_emb_space | means}


@in_gradients("VQ-5.3", parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential)
def a_loss_of_a_tiny_weight_has_no_gradient(case: Case, right: Gradients) -> Fields:
    large = {name: abs(weight) >= 1e-5 for name, weight in case.weights.items()}
    return {"losses_to_emb_space": {name: value * large[name] for name, value in right.losses_to_emb_space.items()}}
