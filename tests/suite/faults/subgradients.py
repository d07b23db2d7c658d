"""Faults of the subgradients of the norms and of the minimum in the Coulomb-loss (VQ-7)."""

from collections.abc import Callable

import numpy as np

from reference.gradients import norm_gradient
from tests.parity import test_vector_quantization as parity
from tests.property import test_gradients as gradients
from tests.suite.faults.consequences import Array, Fields
from tests.suite.faults.gradients import gradient, pulls
from tests.suite.faults.machinery import in_gradients
from tests.suite.faults.spacing import spacing_matrix
from vq_verify.protocol import Case, Gradients


def mean_gradients(case: Case, right: Gradients, norm_gradient: Callable[..., Array]) -> Fields:
    """Return the gradients of the alpha- and the beta-loss that follow from another gradient of the norm."""
    pull, chosen_by = pulls(case, norm_gradient)
    wrong = {"alpha_loss": case.alpha * (pull * chosen_by).mean(axis=0), "beta_loss": case.beta * pull.mean(axis=0)}
    present = {name: value for name, value in wrong.items() if name in right.losses_to_emb_space}
    return {"losses_to_emb_space": right.losses_to_emb_space | present}


def coulomb_shares(case: Case) -> tuple[Array, Array]:
    """Return ``-gamma * g(E[i] - E[j])``, ``[n, n, d]``, and which j tie for the nearest to i, ``[n, n]``."""
    distance = spacing_matrix(case)
    np.fill_diagonal(distance, np.inf)
    tied = np.isfinite(distance) & (distance == distance.min(axis=-1, keepdims=True))
    emb_space = case.emb_space.astype(np.float64)
    return -case.gamma * norm_gradient(emb_space[:, np.newaxis] - emb_space, case.lookup_ord), tied


@in_gradients(
    "VQ-7.1",
    gradients.test_gradients_are_finite_where_all_differences_are_zero,
    gradients.test_gradients_are_finite_and_bounded_by_their_weights,
)
def gradients_at_a_zero_difference_are_nan(case: Case, right: Gradients) -> Fields:
    def unguarded(vectors: Array, lookup_ord: float) -> Array:
        return norm_gradient(vectors, lookup_ord) + 0 / vectors.any(axis=-1, keepdims=True)

    return mean_gradients(case, right, unguarded)


@in_gradients("VQ-7.6", gradients.test_gradients_are_finite_where_all_differences_are_zero)
def the_l1_gradient_at_zero_is_one(case: Case, right: Gradients) -> Fields:
    def of_relu(vectors: Array, lookup_ord: float) -> Array:
        return np.where(vectors >= 0, 1.0, -1.0) if lookup_ord == 1 else norm_gradient(vectors, lookup_ord)

    return mean_gradients(case, right, of_relu)


@in_gradients(
    "VQ-7.3",
    gradients.test_gradients_are_finite_and_bounded_by_their_weights,
    parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential,
)
def the_l2_gradient_is_that_of_half_the_square(case: Case, right: Gradients) -> Fields:
    def unnormalised(vectors: Array, lookup_ord: float) -> Array:
        return vectors if lookup_ord == 2 else norm_gradient(vectors, lookup_ord)

    return mean_gradients(case, right, unnormalised)


@in_gradients("VQ-7.2", parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential)
def the_l1_gradient_is_that_of_l2(case: Case, right: Gradients) -> Fields:
    return mean_gradients(case, right, lambda vectors, lookup_ord: norm_gradient(vectors, max(lookup_ord, 2)))


@in_gradients("VQ-7.4", parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential)
def the_linf_gradient_goes_to_the_first_maximum(case: Case, right: Gradients) -> Fields:
    def to_the_first(vectors: Array, lookup_ord: float) -> Array:
        largest = np.abs(vectors).argmax(axis=-1)[..., np.newaxis] == np.arange(vectors.shape[-1])
        return np.sign(vectors) * largest if np.isinf(lookup_ord) else norm_gradient(vectors, lookup_ord)

    return mean_gradients(case, right, to_the_first)


@in_gradients("VQ-7.4", parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential)
def the_linf_gradient_goes_to_each_maximum_in_full(case: Case, right: Gradients) -> Fields:
    def unshared(vectors: Array, lookup_ord: float) -> Array:
        shared = norm_gradient(vectors, lookup_ord)
        return np.sign(shared) if np.isinf(lookup_ord) else shared

    return mean_gradients(case, right, unshared)


@in_gradients("VQ-5.5", parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential)
def the_coulomb_gradient_attracts(_: Case, right: Gradients) -> Fields:
    return gradient(right, "coulomb_loss", -right.losses_to_emb_space.get("coulomb_loss", np.zeros(0)))


@in_gradients(
    "VQ-5.5",
    gradients.test_the_coulomb_loss_moves_no_centre_of_mass,
    parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential,
)
def the_coulomb_gradient_reaches_only_the_row_itself(case: Case, right: Gradients) -> Fields:
    share, tied = coulomb_shares(case)
    weight = tied / np.maximum(tied.sum(axis=-1, keepdims=True), 1)
    return gradient(right, "coulomb_loss", (share * weight[..., np.newaxis]).sum(axis=1))


@in_gradients("VQ-7.7", parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential)
def the_coulomb_gradient_goes_to_the_first_of_tied_embeddings(case: Case, right: Gradients) -> Fields:
    share, tied = coulomb_shares(case)
    first = tied & (tied.cumsum(axis=-1) == 1)
    part = share * first[..., np.newaxis]
    return gradient(right, "coulomb_loss", part.sum(axis=1) - part.sum(axis=0))


@in_gradients("VQ-7.7", parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential)
def the_coulomb_gradient_goes_to_each_of_tied_embeddings_in_full(case: Case, right: Gradients) -> Fields:
    share, tied = coulomb_shares(case)
    part = share * tied[..., np.newaxis]
    return gradient(right, "coulomb_loss", part.sum(axis=1) - part.sum(axis=0))
