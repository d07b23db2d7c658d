"""Lookups in a space of principal components against the oracle, where the spectrum allows it (VQ-8)."""

from types import SimpleNamespace

import numpy as np

import reference
from reference.losses import alpha_loss
from vq_verify.adapters.oracle import Oracle
from vq_verify.comparison import (
    assert_nearest,
    assert_within,
    commitment_gradient,
    distance_error,
    loss_gradient_intervals,
    near_minima,
    rounding,
    square_loss,
    weighted_sum_error,
)
from vq_verify.comparison.cosine import admits_outcome, near_maxima
from vq_verify.comparison.reduction import reduced_beta_gradient_error, reduced_distance_error, reduced_similarity_error
from vq_verify.strategies.combinations import reduced_cases_among_others, reduced_cosine_cases_with_upstream
from vq_verify.verify import verify

from ..property import test_cosine as cosine
from ..property import test_voting as voting


def oracle(case):
    return reference.vector_quantization(case.x, case.emb_space, **case.arguments)


def restricted(drawn, result):
    """Return what comes out of the vectors that count, as of the case itself."""
    batch, r, _ = drawn.case.x.shape
    of_vectors = (batch, r * drawn.case.num_splits)
    shapes = {"layer_out": drawn.case.x.shape, "emb_index": of_vectors, "distance": (*of_vectors, -1)}
    rows = {name: getattr(result, name).reshape(len(drawn.counted), -1)[drawn.counted] for name in shapes}
    return result._replace(**{name: rows[name].reshape(shape) for name, shape in shapes.items()})


@verify(
    "VQ-2.6",
    "VQ-4.1",
    "VQ-8.1",
    "VQ-8.2",
    "VQ-8.3",
    "VQ-8.4",
    "VQ-8.5",
    "VQ-8.7",
    "VQ-8.8",
    "VQ-8.9",
    "VQ-8.12",
    "VQ-8.13",
    "VQ-8.14",
    "VQ-13.3",
    "VQ-13.5",
    "VQ-13.9",
    "VQ-13.13",
    "VQ-18.13",
    "VQ-21.3",
    "VQ-21.10",
    "VQ-21.11",
    "VQ-21.13",
    drawn=reduced_cases_among_others,
)
def test_distances_indices_and_losses_are_within_their_errors(implementation, drawn):
    result, d = implementation.quantize(drawn.among), drawn.case.emb_space.shape[1]
    assert_within_errors(drawn.case, restricted(drawn, result))
    out, given = (array.reshape(-1, d)[~drawn.counted] for array in (result.layer_out, drawn.among.x))
    if drawn.among.mask is None:
        assert np.isnan(out.astype(np.float64)).all()
    else:
        assert out.tobytes() == given.tobytes()
    assert np.isnan(result.distance.reshape(len(drawn.counted), -1)[~drawn.counted]).all()


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


@verify(
    "VQ-3.1",
    "VQ-8.9",
    "VQ-8.13",
    "VQ-8.14",
    "VQ-8.16",
    "VQ-13.7",
    "VQ-13.8",
    "VQ-18.10",
    "VQ-18.13",
    "VQ-21.4",
    "VQ-21.12",
    drawn=reduced_cases_among_others,
)
def test_gradients_are_within_their_errors(implementation, drawn):
    upstream = (np.arange(drawn.among.x.size).reshape(drawn.among.x.shape) % 5).astype(drawn.among.x.dtype)
    gradients = implementation.gradients(drawn.among, upstream)
    np.testing.assert_array_equal(gradients.output_to_x, upstream)
    assert not gradients.output_to_emb_space.any()
    assert list(gradients.losses_to_emb_space) == drawn.case.losses
    assert_gradients_within_errors(drawn.case, gradients.losses_to_emb_space)
    for name, gradient in gradients.losses_to_x.items():
        if name == "commitment_loss":
            emb_index = implementation.quantize(drawn.among).emb_index.reshape(-1)[drawn.counted]
            to_vectors = gradient.reshape(len(drawn.counted), -1)
            kept = to_vectors[drawn.counted].reshape(drawn.case.x.shape)
            assert_within(kept, *commitment_gradient(drawn.case, emb_index), name)
            assert not to_vectors[~drawn.counted].any()
        else:
            assert not gradient.any()


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


@verify(
    "VQ-2.5",
    "VQ-8.4",
    "VQ-8.10",
    "VQ-8.12",
    "VQ-9.10",
    "VQ-10.9",
    "VQ-10.12",
    "VQ-15.6",
    "VQ-15.7",
    drawn=reduced_cosine_cases_with_upstream,
)
def test_similarities_and_votes_are_within_their_errors(implementation, drawn):
    case, _ = drawn
    result = implementation.quantize_cosine(case)
    assert_similar_within_errors(case, result)
    answered = SimpleNamespace(quantize_cosine=lambda _: result, cosine_gradients=implementation.cosine_gradients)
    if case.vote is None:
        cosine.test_each_piece_is_the_indexed_row_and_nothing_is_mapped_or_labelled.check(answered, case)
    else:
        voting.test_a_mapped_vector_comes_out_as_it_is_and_any_other_as_the_indexed_row.check(answered, case)
    cosine.test_the_gradient_is_the_identity_where_x_is_mapped_to_itself_and_zero_elsewhere.check(answered, drawn)


def assert_similar_within_errors(case, result):
    """Require what comes out of a case by similarity to be what may come out of it."""
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
