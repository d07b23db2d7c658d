"""Lookups in a space of principal components against the oracle, where the spectrum allows it (VQ-8)."""

import numpy as np

import reference
from reference.losses import alpha_loss
from vq_verify.adapters.oracle import Oracle
from vq_verify.comparison import (
    assert_nearest,
    assert_within,
    distance_error,
    loss_gradient_intervals,
    near_minima,
    rounding,
    square_loss,
    weighted_sum_error,
)
from vq_verify.comparison.cosine import admits_outcome, near_maxima
from vq_verify.comparison.reduction import reduced_beta_gradient_error, reduced_distance_error, reduced_similarity_error
from vq_verify.strategies.reduction import reduced_cases, reduced_cosine_cases
from vq_verify.verify import verify


def oracle(case):
    return reference.vector_quantization(case.x, case.emb_space, **case.arguments)


@verify(
    "VQ-2.6",
    "VQ-4.1",
    "VQ-8.1",
    "VQ-8.2",
    "VQ-8.4",
    "VQ-8.5",
    "VQ-8.7",
    "VQ-8.8",
    "VQ-8.9",
    "VQ-8.12",
    "VQ-8.13",
    "VQ-8.14",
    case=reduced_cases,
)
def test_distances_indices_and_losses_are_within_their_errors(implementation, case):
    assert_within_errors(case, implementation.quantize(case))


def assert_within_errors(case, result):
    """Require what comes out of a case to be what may come out of it; of its losses, those that it asks for."""
    expected = oracle(case)
    arithmetic, (n, d) = rounding(case.x.dtype), case.emb_space.shape
    error = reduced_distance_error(case, expected.distance)
    assert_within(result.distance, expected.distance, error, "distance")
    assert_nearest(expected.distance, error, result.emb_index, "emb_index")
    equal = (case.vectors[:, np.newaxis] == case.emb_space).all(axis=-1).reshape(result.distance.shape)
    assert not result.distance[equal].any()
    np.testing.assert_array_equal(result.emb_index, result.distance.argmin(axis=-1))
    rows = case.emb_space.astype(case.x.dtype)[result.emb_index].reshape(case.x.shape)
    np.testing.assert_array_equal(result.layer_out, rows, strict=True)
    np.testing.assert_array_equal(result.access_count, np.bincount(result.emb_index.reshape(-1), minlength=n))
    # Three losses live in the full space, where two that tie in the reduced one may be far from each other: those are
    # compared at the index that was chosen.
    chosen = case.emb_space[result.emb_index].astype(np.float64)
    vectors = case.vectors.reshape(chosen.shape)
    length_error = distance_error(
        np.linalg.norm(chosen - vectors, case.lookup_ord, axis=-1), d, case.lookup_ord, arithmetic
    )
    spacing_error = distance_error(expected.emb_closest_spacing, d, case.lookup_ord, arithmetic)
    rows = len(case.vectors)
    alpha = alpha_loss(vectors, chosen, case.lookup_ord, case.alpha)
    of_terms = {
        "alpha_loss": (alpha, case.alpha * length_error.mean(), rows),
        "beta_loss": (expected.losses.get("beta_loss"), case.beta * error.sum(axis=-1).mean(), rows + n),
        "coulomb_loss": (expected.losses.get("coulomb_loss"), case.gamma * spacing_error.sum(), n),
    }
    assert list(result.losses) == case.losses
    for name, loss in result.losses.items():
        if name in of_terms:
            exact, *terms = of_terms[name]
            assert_within(loss, exact, weighted_sum_error(exact, *terms, arithmetic), name)
        else:
            assert_within(loss, *square_loss(case, result.emb_index, case.weights[name]), name)


@verify("VQ-8.9", "VQ-8.13", "VQ-8.14", "VQ-8.16", case=reduced_cases)
def test_gradients_to_the_embeddings_are_within_their_errors(implementation, case):
    gradients = implementation.gradients(case, np.zeros_like(case.x)).losses_to_emb_space
    assert list(gradients) == case.losses
    assert_gradients_within_errors(case, gradients)


def assert_gradients_within_errors(case, gradients):
    """Require gradients of losses by the embedding space, by name, to be what may come out of a case."""
    expected = Oracle().gradients(case, np.zeros_like(case.x)).losses_to_emb_space
    distance = oracle(case).distance
    near = near_minima(distance, reduced_distance_error(case, distance))
    is_clear = (near.sum(axis=-1) == 1).all()
    for name, gradient in gradients.items():
        if name == "beta_loss":
            assert_within(gradient, expected[name], reduced_beta_gradient_error(case), "gradient of beta_loss")
        elif is_clear or name in ("coulomb_loss", "commitment_loss"):
            assert loss_gradient_intervals(case, near.argmax(axis=-1))[name].contains(gradient).all(), name


@verify("VQ-8.4", "VQ-8.10", "VQ-15.6", "VQ-15.7", case=reduced_cosine_cases)
def test_similarities_and_votes_are_within_their_errors(implementation, case):
    result = implementation.quantize_cosine(case)
    quantize = reference.cosine_vector_quantization
    similarity = quantize(case.x, case.emb_space, **case.arguments).similarity.reshape(-1, len(case.emb_space))
    errors = reduced_similarity_error(case).max(axis=-1)
    assert_within(result.similarity_values, similarity.max(axis=-1), errors, "similarity_values")
    for row, error, index, i in zip(similarity, errors, result.emb_index.reshape(-1), range(len(errors)), strict=True):
        if case.vote is None:
            assert near_maxima(row, error)[index]
        else:
            label, mapped = result.most_common_label.reshape(-1)[i], result.identity_mapping_mask.reshape(-1)[i]
            assert admits_outcome(row, error, case.vote, label, index, mapped)
