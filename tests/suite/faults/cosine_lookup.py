"""Faults of what comes of the most similar embedding, and of its gradients (VQ-9)."""

from functools import partial

import numpy as np

from reference.similarity import normalize
from tests.parity import test_cosine as parity
from tests.property import test_cosine as cosine
from tests.suite.faults.consequences import Array, Fields
from tests.suite.faults.machinery import in_cosine, in_cosine_gradients, instead_of
from vq_verify.adapters.oracle import Oracle
from vq_verify.comparison.cosine import split_rows
from vq_verify.protocol import CosineCase, CosineGradients, CosineQuantized

most_similar = parity.test_each_index_is_the_most_similar_within_rounding_and_so_is_its_similarity
signed_zeros = partial(cosine.test_a_zero_comes_out_with_its_sign, threshold=None)
empty_batch = partial(cosine.test_an_empty_batch_gives_an_empty_output, vote=None)
first_of_equals = partial(cosine.test_the_first_of_equal_embeddings_is_chosen, size=17)
bit_for_bit = parity.test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit


# The lookup, and what comes of it.


@instead_of(
    "reference.lookup.most_similar",
    "VQ-9.5",
    cosine.test_the_first_of_embeddings_in_one_direction_is_chosen,
    first_of_equals,
    bit_for_bit,
)
def the_last_of_equally_similar_embeddings_is_chosen(similarity: Array) -> Array:
    n = similarity.shape[-1]
    known = np.where(np.isnan(similarity), -np.inf, similarity)
    return np.where(np.isnan(similarity).all(axis=-1), -1, n - 1 - known[..., ::-1].argmax(axis=-1))


@in_cosine("VQ-2.5", cosine.test_each_piece_is_the_indexed_row_and_nothing_is_mapped_or_labelled)
def the_output_is_normalised(case: CosineCase, right: CosineQuantized) -> Fields:
    pieces = normalize(split_rows(right.layer_out, case.emb_space).astype(np.float64))
    return {"layer_out": pieces.reshape(case.x.shape).astype(case.x.dtype)} if case.vote is None else {}


@in_cosine("VQ-2.5", signed_zeros)
def a_negative_zero_loses_its_sign_in_the_output(_: CosineCase, right: CosineQuantized) -> Fields:
    return {"layer_out": right.layer_out + right.layer_out.dtype.type(0)}


@in_cosine("VQ-9.6", bit_for_bit)
def similarity_values_run_over_the_batch_first(_: CosineCase, right: CosineQuantized) -> Fields:
    return {"similarity_values": right.similarity_values.reshape(right.emb_index.shape).T.reshape(-1)}


@in_cosine("VQ-9.6", cosine.test_similarity_is_at_most_1_and_that_to_oneself_is_1, most_similar)
def similarity_values_are_distances(_: CosineCase, right: CosineQuantized) -> Fields:
    return {"similarity_values": 1 - right.similarity_values}


@in_cosine("VQ-9.6", empty_batch, bit_for_bit)
def similarity_values_are_not_flattened(_: CosineCase, right: CosineQuantized) -> Fields:
    return {"similarity_values": right.similarity_values.reshape(right.emb_index.shape)}


@instead_of("reference.splitting.split", "VQ-1.3", cosine.test_splits_and_batches_are_shapes_and_nothing_else)
def inputs_are_split_column_by_column(x: Array, num_splits: int) -> Array:
    batch, r, q = x.shape
    columns = x.astype(np.float64).reshape(batch, r, q // num_splits, num_splits).swapaxes(-1, -2)
    return columns.reshape(batch, r * num_splits, -1)


@in_cosine("VQ-10.13", cosine.test_each_piece_is_the_indexed_row_and_nothing_is_mapped_or_labelled)
def without_a_vote_there_is_a_mask(case: CosineCase, right: CosineQuantized) -> Fields:
    return {"identity_mapping_mask": np.zeros(right.emb_index.shape, bool)} if case.vote is None else {}


@in_cosine("VQ-9.7", cosine.test_each_piece_is_the_indexed_row_and_nothing_is_mapped_or_labelled)
def without_a_vote_all_are_identity_mapped(case: CosineCase, _: CosineQuantized) -> Fields:
    return {"percentage_identity_mapped": np.float64(1)} if case.vote is None else {}


# The gradients.

gradient = cosine.test_the_gradient_is_the_identity_where_x_is_mapped_to_itself_and_zero_elsewhere


@in_cosine_gradients("VQ-9.10", gradient)
def without_a_vote_the_gradient_is_the_identity(case: CosineCase, _: CosineGradients, upstream: Array) -> Fields:
    return {"output_to_x": upstream} if case.vote is None else {}


@in_cosine_gradients("VQ-9.10", gradient)
def the_gradient_of_the_output_reaches_the_embeddings(case: CosineCase, _: CosineGradients, upstream: Array) -> Fields:
    emb_index = Oracle().quantize_cosine(case).emb_index.reshape(-1)
    to_emb_space = np.zeros(case.emb_space.shape)
    np.add.at(to_emb_space, emb_index, split_rows(upstream, case.emb_space).astype(np.float64))
    return {"output_to_emb_space": to_emb_space}
