"""Faults of the codebook- and the commitment-loss (VQ-18)."""

import numpy as np

from tests.parity import test_parts as parts
from tests.parity import test_vector_quantization as parity
from tests.property import test_gradients as gradients
from tests.property import test_square_losses as laws
from tests.suite.faults.consequences import Array, Fields, weighted_loss
from tests.suite.faults.gradients import gradient, leaked
from tests.suite.faults.machinery import in_gradients, in_quantize, instead_of
from vq_verify.adapters.oracle import result_of
from vq_verify.protocol import Case, Gradients, Quantized

MEAN = "reference.parts.losses.codebook_loss"

equal = laws.test_with_equal_weights_both_have_equal_values
reach = laws.test_the_commitment_loss_reaches_x_alone_and_the_codebook_loss_the_embeddings_alone
to_x = laws.test_the_gradient_of_the_commitment_loss_is_the_difference_to_the_embedding_in_the_mean
means = laws.test_they_are_means_of_squares_over_vectors_and_coordinates
empty = laws.test_an_empty_batch_gives_neither_loss_nor_gradient
values = parity.test_losses_are_within_their_rounding_errors
by_value = parts.test_square_losses_and_their_gradients_are_within_their_errors
to_embeddings = parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential


def differences(case: Case) -> tuple[Array, Array]:
    """Return ``E[emb_index] - X``, ``[M, d]``, and the indices, ``[M]``."""
    emb_index = result_of(case).emb_index.reshape(-1)
    return case.emb_space.astype(np.float64)[emb_index] - case.vectors, emb_index


@instead_of(MEAN, "VQ-18.5", means, values, by_value)
def the_squares_are_added_over_the_coordinates(vectors: Array, chosen: Array, weight: float) -> np.float64:
    squares = ((chosen - vectors) ** 2).sum(axis=-1)
    return np.float64(weight * squares.sum() / max(squares.size, 1))


@instead_of(MEAN, "VQ-18.5", means, values, by_value)
def the_squares_are_added_over_the_vectors(vectors: Array, chosen: Array, weight: float) -> np.float64:
    return np.float64(weight * ((chosen - vectors) ** 2).sum() / chosen.shape[-1])


@instead_of(MEAN, "VQ-18.1", means, values, by_value)
def a_square_loss_is_halved(vectors: Array, chosen: Array, weight: float) -> np.float64:
    return np.float64(weight / 2 * ((chosen - vectors) ** 2).sum() / max(chosen.size, 1))


@instead_of(MEAN, "VQ-18.1", means, values, by_value)
def a_square_loss_is_the_mean_of_distances(vectors: Array, chosen: Array, weight: float) -> np.float64:
    lengths = np.linalg.norm(chosen - vectors, axis=-1)
    return np.float64(weight * lengths.sum() / max(lengths.size, 1))


@instead_of(MEAN, "VQ-18.6", empty)
def a_square_loss_of_nothing_is_nan(vectors: Array, chosen: Array, weight: float) -> np.float64:
    return np.float64(weight) * np.float64(((chosen - vectors) ** 2).sum()) / np.float64(chosen.size)


@in_quantize("VQ-18.3", equal, values)
def the_commitment_loss_has_the_weight_of_a_quarter_besides(case: Case, right: Quantized) -> Fields:
    return weighted_loss(case, right, "commitment_loss", 0.25 * (differences(case)[0] ** 2).mean())


@in_quantize("VQ-18.12", equal)
def the_commitment_loss_is_absent_beside_the_codebook_loss(_: Case, right: Quantized) -> Fields:
    without = {name: loss for name, loss in right.losses.items() if name != "commitment_loss"}
    return {"losses": without if "codebook_loss" in right.losses else right.losses}


@in_gradients("VQ-18.10", reach, to_embeddings)
def the_commitment_loss_reaches_the_embeddings(case: Case, right: Gradients) -> Fields:
    difference, emb_index = differences(case)
    leak = np.zeros(case.emb_space.shape)
    np.add.at(leak, emb_index, 2 * case.weights.get("commitment_loss", 0) / max(difference.size, 1) * difference)
    return gradient(right, "commitment_loss", leak)


@in_gradients("VQ-18.9", reach, gradients.test_no_loss_but_the_commitment_loss_reaches_x)
def the_codebook_loss_reaches_x(case: Case, right: Gradients) -> Fields:
    return leaked(case, right, "codebook_loss", -differences(case)[0])


def commitment(case: Case, right: Gradients, factor: float) -> Fields:
    """Return the gradients by x with that of the commitment-loss times a factor."""
    return leaked(case, right, "commitment_loss", factor * right.losses_to_x.get("commitment_loss", np.zeros(0)))


@in_gradients("VQ-18.4", to_x, means, by_value)
def the_commitment_gradient_lacks_the_two_of_a_square(case: Case, right: Gradients) -> Fields:
    return commitment(case, right, 0.5)


@in_gradients("VQ-18.4", to_x, means, by_value)
def the_commitment_gradient_is_of_a_mean_over_vectors_alone(case: Case, right: Gradients) -> Fields:
    return commitment(case, right, case.emb_space.shape[-1])


@in_gradients("VQ-18.4", to_x, means, by_value)
def the_commitment_loss_pushes_away(case: Case, right: Gradients) -> Fields:
    return commitment(case, right, -1)


@in_gradients("VQ-18.4", to_x, means, by_value)
def the_commitment_loss_does_not_reach_x(case: Case, right: Gradients) -> Fields:
    return commitment(case, right, 0)


@in_gradients("VQ-18.2", means, to_embeddings, by_value)
def the_codebook_gradient_is_a_mean_for_each_embedding(case: Case, right: Gradients) -> Fields:
    difference, emb_index = differences(case)
    count = np.bincount(emb_index, minlength=len(case.emb_space))[:, np.newaxis]
    share = len(difference) / np.maximum(count, 1)
    return gradient(right, "codebook_loss", right.losses_to_emb_space.get("codebook_loss", 0) * share)
