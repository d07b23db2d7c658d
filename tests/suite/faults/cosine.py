"""Faults of the cosine similarity (VQ-9)."""

import numpy as np

from reference.similarity import cosine_similarity, normalize
from tests.parity import test_cosine as parity
from tests.property import test_cosine as cosine
from tests.suite.faults.consequences import Array
from tests.suite.faults.machinery import instead_of

SIMILARITY = "reference.similarity.cosine_similarity"
NORMALIZE = "reference.similarity.normalize"

most_similar = parity.test_each_index_is_the_most_similar_within_rounding_and_so_is_its_similarity
bit_for_bit = parity.test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit


def products(vectors: Array, emb_space: Array) -> Array:
    """Return all dot products, ``[..., n]``."""
    return np.einsum("...d,nd->...n", vectors, emb_space)


@instead_of(SIMILARITY, "VQ-9.1", most_similar, cosine.test_the_length_of_a_vector_does_not_matter)
def similarities_are_not_normalised(vectors: Array, emb_space: Array) -> Array:
    return products(vectors, emb_space)


@instead_of(SIMILARITY, "VQ-9.1", most_similar, cosine.test_the_length_of_a_vector_does_not_matter)
def only_the_embeddings_are_normalised(vectors: Array, emb_space: Array) -> Array:
    return products(vectors, normalize(emb_space))


@instead_of(SIMILARITY, "VQ-9.1", most_similar, bit_for_bit)
def similarities_have_no_sign(vectors: Array, emb_space: Array) -> Array:
    return np.abs(cosine_similarity(vectors, emb_space))


@instead_of(SIMILARITY, "VQ-15.6", most_similar)
def similarities_are_rounded_to_half_precision(vectors: Array, emb_space: Array) -> Array:
    return cosine_similarity(vectors, emb_space).astype(np.float16).astype(np.float64)


@instead_of(
    NORMALIZE,
    "VQ-9.3",
    cosine.test_a_zero_vector_has_similarity_0_to_everything_and_so_gets_the_first_finite_embedding,
    bit_for_bit,
)
def the_similarity_of_a_zero_vector_is_nan(vectors: Array) -> Array:
    return normalize(vectors) + 0 / vectors.any(axis=-1, keepdims=True)


@instead_of(NORMALIZE, "VQ-9.1", most_similar, cosine.test_the_length_of_a_vector_does_not_matter)
def an_epsilon_is_added_to_the_norm(vectors: Array) -> Array:
    return vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-12)


@instead_of(NORMALIZE, "VQ-9.2", most_similar)
def the_square_of_the_norm_is_at_least_an_epsilon(vectors: Array) -> Array:
    return vectors / np.sqrt(np.maximum((vectors**2).sum(axis=-1, keepdims=True), 1e-12))  # as in tf.math.l2_normalize


@instead_of(NORMALIZE, "VQ-9.2", most_similar)
def the_squares_of_the_norm_overflow_and_underflow(vectors: Array) -> Array:
    length = np.sqrt((vectors**2).sum(axis=-1, keepdims=True))
    return vectors / np.where(length == 0, 1, length)
