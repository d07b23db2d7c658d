"""Faults of norms of any order (VQ-1, VQ-7)."""

from functools import partial

import numpy as np

from reference.norms import norm_of
from tests.parity import test_vector_quantization as parity
from tests.property import test_gradients as gradients
from tests.property import test_orders as orders
from tests.suite.faults.consequences import Array, Fields, looked_up
from tests.suite.faults.machinery import in_quantize, instead_of
from vq_verify.comparison import exact_distances
from vq_verify.protocol import Case, Quantized

LENGTH, GRADIENT = "reference.norms._length", "reference.norms._gradient"

root = partial(orders.test_a_distance_is_the_root_of_the_sum_of_powers, lookup_ord=3, length=6.0)
share = partial(orders.test_a_gradient_is_the_power_of_the_share_of_each_coordinate, lookup_ord=3)
falls = orders.test_distances_fall_from_l1_on_as_the_order_grows_and_by_no_more_than_a_root_of_d
doubles = orders.test_doubling_all_coordinates_doubles_the_distances_within_rounding
ties = orders.test_equal_embeddings_tie_to_the_first_and_are_at_one_distance
distances = parity.test_distances_are_within_their_rounding_errors
subdifferential = parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential

right_length, right_gradient = norm_of(3).length.func, norm_of(3).gradient.func


@in_quantize("VQ-1.1", root, distances)
def order_3_is_taken_as_2(case: Case, right: Quantized) -> Fields:
    if case.lookup_ord != 3:
        return {}
    return looked_up(case, exact_distances(case.vectors, case.emb_space, 2).reshape(right.distance.shape))


@in_quantize("VQ-1.1", root, distances, falls)
def an_order_is_rounded_to_an_integer_above(case: Case, right: Quantized) -> Fields:
    p = case.lookup_ord if case.lookup_ord in (1, 2, np.inf) else int(case.lookup_ord) + 1
    return looked_up(case, exact_distances(case.vectors, case.emb_space, p).reshape(right.distance.shape))


@instead_of(LENGTH, "VQ-1.1", root, distances, doubles)
def a_distance_is_the_sum_of_powers_without_its_root(vectors: Array, p: float) -> Array:
    return np.asarray((np.abs(vectors) ** p).sum(axis=-1))


@instead_of(LENGTH, "VQ-1.1", root, distances)
def powers_keep_the_sign(vectors: Array, p: float) -> Array:
    powers = (np.sign(vectors) * np.abs(vectors) ** p).sum(axis=-1)
    return np.asarray(np.abs(powers) ** (1 / p))


@instead_of(LENGTH, "VQ-1.1", root, distances, falls)
def a_distance_is_the_mean_of_the_powers(vectors: Array, p: float) -> Array:
    return np.asarray(right_length(vectors, p) / vectors.shape[-1] ** (1 / p))


@instead_of(LENGTH, "VQ-1.1", falls)
def a_distance_is_the_largest_difference_for_any_large_order(vectors: Array, p: float) -> Array:
    return np.asarray(np.abs(vectors).max(axis=-1) * (1 - 2.0**-10)) if p > 3 else right_length(vectors, p)


@in_quantize("VQ-2.2", ties)
def a_distance_is_rounded_by_the_place_of_its_embedding(case: Case, right: Quantized) -> Fields:
    if case.lookup_ord in (1, 2, np.inf):
        return {}
    return looked_up(case, right.distance * (1 - 2.0**-24 * np.arange(right.distance.shape[-1])))


@instead_of(GRADIENT, "VQ-7.5", share, subdifferential)
def a_gradient_is_not_divided_by_the_distance(vectors: Array, p: float) -> Array:
    return np.asarray(np.sign(vectors) * np.abs(vectors) ** (p - 1))


@instead_of(GRADIENT, "VQ-7.5", share, subdifferential)
def a_gradient_has_no_sign(vectors: Array, p: float) -> Array:
    return np.abs(right_gradient(vectors, p))


@instead_of(GRADIENT, "VQ-7.5", share, subdifferential)
def a_gradient_has_the_power_of_the_norm(vectors: Array, p: float) -> Array:
    gradient = right_gradient(vectors, p)
    return np.asarray(np.sign(gradient) * np.abs(gradient) ** (p / (p - 1)))


@instead_of(GRADIENT, "VQ-7.6", gradients.test_gradients_are_finite_where_all_differences_are_zero)
def the_gradient_of_a_power_at_zero_is_nan(vectors: Array, p: float) -> Array:
    length = right_length(vectors, p)[..., np.newaxis]
    return np.asarray(np.sign(vectors) * (np.abs(vectors) / length) ** (p - 1))
