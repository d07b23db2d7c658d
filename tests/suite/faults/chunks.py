"""Faults of a lookup that takes embeddings or vectors a chunk at a time (VQ-1, VQ-2, VQ-9, VQ-10)."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from reference.lookup import most_similar
from reference.voting import k_most_similar
from tests.parity import test_many_rows as many
from tests.suite.faults.consequences import Array, Fields, chosen
from tests.suite.faults.machinery import in_quantize, instead_of
from vq_verify.protocol import Case, Quantized

CHUNK = 64

many_quantized = partial(many.test_many_vectors_are_quantized_bit_for_bit, lookup_ord=1)
many_losses = partial(many.test_many_vectors_give_the_losses_and_gradients_of_all, lookup_ord=1)
many_similar, many_votes = (
    partial(many.test_many_vectors_find_their_most_similar_embeddings_bit_for_bit, voting=voting)
    for voting in (False, True)
)


@in_quantize("VQ-2.1", many_quantized)
def only_the_first_chunk_of_embeddings_is_considered(case: Case, right: Quantized) -> Fields:
    return chosen(case, right.distance[..., :CHUNK].argmin(axis=-1))


@in_quantize("VQ-2.1", many_quantized)
def the_last_chunk_of_embeddings_is_dropped_if_not_full(case: Case, right: Quantized) -> Fields:
    n = right.distance.shape[-1]
    return chosen(case, right.distance[..., : n // CHUNK * CHUNK or n].argmin(axis=-1))


@in_quantize("VQ-2.1", many_quantized)
def the_index_is_that_within_a_chunk(case: Case, right: Quantized) -> Fields:
    return chosen(case, right.emb_index % CHUNK)


@in_quantize("VQ-2.3", many_quantized)
def the_last_of_chunks_that_tie_is_chosen(case: Case, right: Quantized) -> Fields:
    n = right.distance.shape[-1]
    chunk = np.arange(n) // CHUNK
    nearest = right.distance == right.distance.min(axis=-1, keepdims=True)
    last = np.where(nearest, chunk, -1).max(axis=-1, keepdims=True)
    return chosen(case, (nearest & (chunk == last)).argmax(axis=-1))


@in_quantize("VQ-1.4", many_quantized)
def the_last_chunk_of_vectors_has_no_distances_if_not_full(_: Case, right: Quantized) -> Fields:
    distance = right.distance.copy()
    rows = distance.reshape(-1, distance.shape[-1])
    rows[len(rows) // CHUNK * CHUNK or len(rows) :] = 0
    return {"distance": distance}


@in_quantize("VQ-5.4", many_losses)
def the_beta_loss_is_of_the_first_chunk_of_embeddings(case: Case, right: Quantized) -> Fields:
    beta_loss = case.beta * right.distance[..., :CHUNK].sum(axis=-1).mean()
    return {"losses": right.losses | ({"beta_loss": beta_loss} if "beta_loss" in right.losses else {})}


@instead_of("reference.lookup.most_similar", "VQ-9.4", many_similar)
def only_the_first_chunk_of_embeddings_is_compared(similarity: Array) -> Array:
    return most_similar(similarity[..., :CHUNK])


@instead_of("reference.voting.k_most_similar", "VQ-10.1", many_votes)
def only_the_first_chunk_of_embeddings_votes(similarity: NDArray[np.float64], k: int) -> Array:
    return k_most_similar(similarity[:CHUNK], k)
