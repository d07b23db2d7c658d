"""Faults of the estimators by rotation and DiVeQ (VQ-27)."""

from collections.abc import Callable

import ml_dtypes
import numpy as np

from reference import rotation, similarity
from reference.parts.estimators import DiVeQ, Rotation
from tests.parity import test_parts as parity
from tests.property import test_rotation as laws
from tests.suite.faults.consequences import Array, Fields
from tests.suite.faults.machinery import Faulty, in_gradients, instead_of
from vq_verify.protocol import Case, Gradients

GRADIENT = "reference.parts.estimators.Rotation.gradient_to_vectors"
MATRIX = "reference.parts.estimators.rotation"
LENGTH = "reference.parts.estimators.length"
PROJECTED = "reference.parts.estimators.DiVeQ.gradient_to_vectors"
gradient_to_vectors, matrix, length = Rotation.gradient_to_vectors, rotation.rotation, rotation.length
gradient_of_diveq = DiVeQ.gradient_to_vectors

turned = laws.test_the_gradient_is_turned_back_by_the_rotation_of_the_vector_onto_its_embedding
of_length = laws.test_the_gradient_has_the_length_of_the_one_that_arrives_times_the_scale
overflows = laws.test_where_the_scale_overflows_the_gradient_passes_on_as_it_is
projected = laws.test_diveq_takes_out_of_the_gradient_what_lies_toward_the_embedding
equal_projected = parity.test_the_gradient_under_diveq_is_that_of_the_oracle_within_its_error
equal = parity.test_the_gradient_under_a_rotation_is_that_of_the_oracle_within_its_error


def passed_on(sentence: str, *checks: Callable[..., None]) -> Callable[[Callable[..., Array]], Faulty]:
    """Let the decorated function stand in the place of the gradient: of vectors, chosen and upstream."""

    def decorate(wrong: Callable[..., Array]) -> Faulty:
        def method(_: Rotation, vectors: Array, chosen: Array, upstream: Array) -> Array:
            return wrong(vectors, chosen, upstream)

        method.__name__ = wrong.__name__
        return instead_of(GRADIENT, sentence, *checks)(method)

    return decorate


def right(vectors: Array, chosen: Array, upstream: Array) -> Array:
    """Return what is right."""
    return gradient_to_vectors(Rotation(), vectors, chosen, upstream)


def with_scale(vectors: Array, chosen: Array) -> Array:
    """Tell which vectors are scaled and turned, with an axis to broadcast."""
    return (length(vectors) > 0) & (length(chosen) > 0)


@instead_of(MATRIX, "VQ-27.1", turned, equal)
def the_gradient_is_turned_on_in_place_of_back(start: Array, end: Array) -> Array:
    return np.swapaxes(matrix(start, end), -1, -2)


@instead_of(MATRIX, "VQ-27.1", turned)
def the_gradient_is_reflected_once(start: Array, end: Array) -> Array:
    return np.asarray(2 * _outer(similarity.normalize(start + end)) - np.eye(start.shape[-1]))


@instead_of(MATRIX, "VQ-27.1", turned)
def the_gradient_is_not_turned(start: Array, end: Array) -> Array:
    return np.eye(start.shape[-1]) + 0 * _outer(start + end)


@passed_on("VQ-27.1", turned, of_length)
def a_rotation_forgets_the_scale(vectors: Array, chosen: Array, upstream: Array) -> Array:
    return right(similarity.normalize(vectors), similarity.normalize(chosen), upstream)


@passed_on("VQ-27.1", turned, of_length)
def a_rotation_scales_by_the_inverse(vectors: Array, chosen: Array, upstream: Array) -> Array:
    scale = np.where(with_scale(vectors, chosen), length(chosen) / length(vectors), 1)
    return right(vectors, chosen, upstream) / scale**2


@passed_on("VQ-27.2", turned)
def the_scale_is_differentiated(vectors: Array, chosen: Array, upstream: Array) -> Array:
    gradient, unit = right(vectors, chosen, upstream), similarity.normalize(vectors)
    radial = unit * (unit * gradient).sum(axis=-1, keepdims=True)
    return np.where(with_scale(vectors, chosen), gradient - radial, gradient)


@instead_of(MATRIX, "VQ-27.3", turned)
def opposite_vectors_divide_by_zero(start: Array, end: Array) -> Array:
    total = start + end
    r = total / np.linalg.norm(total, axis=-1, keepdims=True)
    return np.asarray((np.eye(start.shape[-1]) - 2 * _outer(r)) @ (np.eye(start.shape[-1]) - 2 * _outer(start)))


@instead_of(MATRIX, "VQ-27.3", turned)
def at_the_opposite_everything_is_reversed(start: Array, end: Array) -> Array:
    opposite = (start == -end).all(axis=-1)[..., np.newaxis, np.newaxis]
    return np.where(opposite, -np.eye(start.shape[-1]), matrix(start, end))


@instead_of(MATRIX, "VQ-27.4", turned)
def in_one_dimension_nothing_is_turned(start: Array, end: Array) -> Array:
    return np.ones_like(_outer(start)) if start.shape[-1] == 1 else matrix(start, end)


@passed_on("VQ-27.5", turned, of_length)
def a_vector_at_zero_passes_nothing_on(vectors: Array, chosen: Array, upstream: Array) -> Array:
    return right(vectors, chosen, upstream) * (length(vectors) != 0)


@passed_on("VQ-27.5", turned, of_length)
def an_embedding_at_zero_passes_nothing_on(vectors: Array, chosen: Array, upstream: Array) -> Array:
    return right(vectors, chosen, upstream) * (length(chosen) != 0)


@passed_on("VQ-27.6", turned, of_length)
def a_vector_that_is_not_finite_passes_nothing_on_under_a_rotation(
    vectors: Array, chosen: Array, upstream: Array
) -> Array:
    return right(vectors, chosen, upstream) * np.isfinite(vectors).all(axis=-1, keepdims=True)


@passed_on("VQ-27.7", overflows)
def a_scale_that_overflows_is_infinite(vectors: Array, chosen: Array, upstream: Array) -> Array:
    scale = length(chosen) / length(vectors)
    is_small = scale < np.finfo(np.float32 if upstream.dtype == np.float32 else np.float64).max
    return np.where(is_small, right(vectors, chosen, upstream), np.inf * upstream)


@instead_of(LENGTH, "VQ-27.8", turned, of_length)
def lengths_are_taken_of_plain_squares(vectors: Array) -> Array:
    return np.sqrt((vectors**2).sum(axis=-1, keepdims=True))


@instead_of(MATRIX, "VQ-27.9", of_length)
def the_sum_of_the_directions_is_divided_by_a_little_more_than_its_norm(start: Array, end: Array) -> Array:
    total = start + end
    r = total / (np.linalg.norm(total, axis=-1, keepdims=True) + 1e-6)
    return np.asarray(np.eye(start.shape[-1]) - 2 * _outer(r) + 2 * _outer(end, start))


@instead_of(MATRIX, "VQ-27.10", turned)
def what_is_nearly_opposite_counts_as_opposite(start: Array, end: Array) -> Array:
    opposite = np.linalg.norm(start + end, axis=-1) < 0.01
    return matrix(start, np.where(opposite[..., np.newaxis], -start, end))


@passed_on("VQ-27.11", turned)
def a_rotation_is_computed_in_the_dtype_of_the_inputs(vectors: Array, chosen: Array, upstream: Array) -> Array:
    if ml_dtypes.finfo(upstream.dtype).bits > 16:
        return right(vectors, chosen, upstream)
    unit, other = (similarity.normalize(rows).astype(upstream.dtype) for rows in (vectors, chosen))
    scale = (length(chosen) / length(vectors)).astype(upstream.dtype)
    turned_back = np.einsum("...ji,...j->...i", matrix(unit.astype(float), other.astype(float)), upstream)
    return np.where(with_scale(vectors, chosen), scale * turned_back, upstream)


@instead_of(PROJECTED, "VQ-27.12", projected, equal_projected)
def the_distance_is_not_differentiated(_: DiVeQ, vectors: Array, chosen: Array, upstream: Array) -> Array:
    del vectors, chosen
    return upstream


@instead_of(PROJECTED, "VQ-27.12", projected)
def diveq_reflects(_: DiVeQ, vectors: Array, chosen: Array, upstream: Array) -> Array:
    return 2 * gradient_of_diveq(DiVeQ(), vectors, chosen, upstream) - upstream


@instead_of(PROJECTED, "VQ-27.13", projected)
def a_vector_that_equals_its_embedding_divides_by_zero(
    _: DiVeQ, vectors: Array, chosen: Array, upstream: Array
) -> Array:
    equal_rows = (vectors == chosen).all(axis=-1, keepdims=True)
    return np.where(equal_rows, np.nan, gradient_of_diveq(DiVeQ(), vectors, chosen, upstream))


@instead_of(PROJECTED, "VQ-27.14", projected)
def diveq_passes_nothing_on_for_a_vector_that_is_not_finite(
    _: DiVeQ, vectors: Array, chosen: Array, upstream: Array
) -> Array:
    finite = np.isfinite(vectors).all(axis=-1, keepdims=True)
    return gradient_of_diveq(DiVeQ(), vectors, chosen, upstream) * finite


@in_gradients("VQ-27.15", projected)
def diveq_sends_the_share_of_an_embedding_to_it(case: Case, right: Gradients) -> Fields:
    share = np.ones_like(right.output_to_emb_space) * np.isfinite(case.vectors).any()
    return {"output_to_emb_space": share * (case.estimator == "diveq")}


@instead_of(PROJECTED, "VQ-27.16", projected)
def diveq_is_computed_in_the_dtype_of_the_inputs(_: DiVeQ, vectors: Array, chosen: Array, upstream: Array) -> Array:
    narrow = (rows.astype(upstream.dtype).astype(float) for rows in (vectors, chosen))
    return gradient_of_diveq(DiVeQ(), *narrow, upstream)


def _outer(rows: Array, others: Array | None = None) -> Array:
    others = rows if others is None else others
    return np.asarray(rows[..., :, np.newaxis] * others[..., np.newaxis, :])


@in_gradients("VQ-27.15", turned, projected)
def the_output_sends_nan_to_an_embedding_that_is_not_finite_whatever_the_estimator(
    case: Case, right: Gradients
) -> Fields:
    return {"output_to_emb_space": right.output_to_emb_space + 0 * case.emb_space.astype(np.float64)}
