"""Faults of the lookup of vectors and embeddings that are not finite (VQ-13)."""

from functools import partial

import numpy as np

from reference import lookup
from reference.distances import pairwise_distance
from tests.property import test_non_finite as laws
from tests.suite.faults.consequences import Array, Fields
from tests.suite.faults.machinery import in_quantize, instead_of
from vq_verify.protocol import Case, Quantized

NEAREST = "reference.lookup.nearest"
SELECT = "reference.lookup.select"
COUNT = "reference.lookup.access_count"

vectors_alone = laws.test_a_vector_that_is_not_finite_comes_out_as_nan_and_all_others_as_if_it_were_not_there
vectors_pass = laws.test_it_is_not_counted_moves_no_embedding_and_passes_its_own_gradient_on
embeddings_alone = laws.test_an_embedding_that_is_not_finite_is_never_chosen_and_takes_no_part
none_finite = partial(laws.test_where_no_embedding_is_finite_no_vector_finds_one, lookup_ord=2)

overflown = partial(
    laws.test_an_embedding_too_far_for_its_distance_is_chosen_before_one_that_is_not_finite, lookup_ord=1
)

right_select = lookup.select


@instead_of(NEAREST, "VQ-13.2", vectors_alone, none_finite)
def a_vector_that_is_not_finite_gets_the_first_embedding(distance: Array) -> Array:
    return np.where(np.isnan(distance), np.inf, distance).argmin(axis=-1)


@instead_of(NEAREST, "VQ-13.16", overflown)
def an_embedding_that_is_not_finite_is_at_an_infinite_distance(distance: Array) -> Array:
    index = np.where(np.isnan(distance), np.inf, distance).argmin(axis=-1)
    return np.where(np.isnan(distance).all(axis=-1), -1, index)


@instead_of(NEAREST, "VQ-13.16", embeddings_alone)
def an_embedding_that_is_not_finite_is_nearest(distance: Array) -> Array:
    return np.where(np.isnan(distance).all(axis=-1), -1, distance.argmin(axis=-1))  # argmin finds NaN


@instead_of(SELECT, "VQ-13.3", vectors_alone, none_finite)
def a_vector_that_is_not_finite_comes_out_as_zeros(emb_space: Array, emb_index: Array) -> Array:
    return np.where((emb_index < 0)[..., np.newaxis], emb_space.dtype.type(0), right_select(emb_space, emb_index))


@instead_of(SELECT, "VQ-13.3", vectors_alone, none_finite)
def a_vector_that_is_not_finite_comes_out_as_the_last_embedding(emb_space: Array, emb_index: Array) -> Array:
    return emb_space[emb_index]


@instead_of(COUNT, "VQ-13.4", vectors_alone, vectors_pass)
def a_vector_that_is_not_finite_is_counted(emb_index: Array, n: int) -> Array:
    return np.bincount(emb_index.reshape(-1) % n, minlength=n).astype(np.float64)


@instead_of("reference.distances.finite_rows", "VQ-13.1", vectors_alone)
def an_infinity_counts_as_finite(vectors: Array) -> Array:
    return ~np.isnan(vectors).any(axis=-1)


@instead_of("reference.distances.pairwise_distance", "VQ-13.9", vectors_alone)
def a_vector_that_is_not_finite_spoils_its_element_of_the_batch(
    vectors: Array, emb_space: Array, lookup_ord: float
) -> Array:
    distance = pairwise_distance(vectors, emb_space, lookup_ord)
    return distance if vectors.ndim == 2 else distance + 0 * vectors.sum(axis=(1, 2))[:, np.newaxis, np.newaxis]


@in_quantize("VQ-13.1", vectors_alone)
def distances_that_are_not_finite_are_zero(_: Case, right: Quantized) -> Fields:
    return {"distance": np.nan_to_num(right.distance)}


@in_quantize("VQ-13.17", embeddings_alone)
def an_embedding_that_is_not_finite_has_infinite_distances(case: Case, right: Quantized) -> Fields:
    broken = ~np.isfinite(case.emb_space).all(axis=-1)
    return {"distance": np.where(broken, np.inf, right.distance)}


@in_quantize("VQ-13.18", embeddings_alone)
def the_spacings_of_an_embedding_that_is_not_finite_are_infinite(_: Case, right: Quantized) -> Fields:
    return {"emb_spacing": np.where(np.isnan(right.emb_spacing), np.inf, right.emb_spacing)}


@in_quantize("VQ-13.25", none_finite)
def where_no_embedding_is_finite_the_first_is_found(case: Case, right: Quantized) -> Fields:
    return {} if np.isfinite(case.emb_space).all(axis=-1).any() else {"emb_index": np.zeros_like(right.emb_index)}
