"""Faults of what is mapped to itself for want of a majority (VQ-10)."""

from functools import partial

import numpy as np

from tests.parity import test_cosine as parity
from tests.property import test_cosine as cosine
from tests.property import test_voting as votes
from tests.suite.faults.consequences import Array, Fields
from tests.suite.faults.machinery import in_cosine, in_cosine_gradients
from vq_verify.adapters.oracle import Oracle
from vq_verify.protocol import CosineCase, CosineGradients, CosineQuantized, Vote

mapped = votes.test_a_mapped_vector_comes_out_as_it_is_and_any_other_as_the_indexed_row
uneven = votes.test_the_share_of_what_is_mapped_is_one_of_all_vectors_that_found_an_embedding
elected = parity.test_each_label_is_elected_by_some_k_most_similar_within_rounding
gradient = cosine.test_the_gradient_is_the_identity_where_x_is_mapped_to_itself_and_zero_elsewhere
empty_batch = partial(
    cosine.test_an_empty_batch_gives_an_empty_output, vote=Vote(np.zeros(2, np.int32), 1, 2, majority_threshold=0.5)
)


# What is mapped.


@in_cosine("VQ-10.8", mapped, elected, votes.test_raising_the_threshold_only_adds_mapped_vectors)
def the_mask_is_inverted(_: CosineCase, right: CosineQuantized) -> Fields:
    mask = right.identity_mapping_mask
    return {} if mask is None else {"identity_mapping_mask": ~mask}


@in_cosine("VQ-10.9", mapped)
def a_mapped_vector_comes_out_as_its_embedding(case: CosineCase, right: CosineQuantized) -> Fields:
    with_nan = np.append(case.emb_space, np.full_like(case.emb_space[:1], np.nan), axis=0)
    return {"layer_out": with_nan.astype(case.x.dtype)[right.emb_index].reshape(case.x.shape)}


@in_cosine("VQ-10.9", mapped)
def an_input_is_mapped_whole(case: CosineCase, right: CosineQuantized) -> Fields:
    if right.identity_mapping_mask is None:
        return {}
    any_split = right.identity_mapping_mask.reshape(*case.x.shape[:2], -1).any(axis=-1, keepdims=True)
    return {"layer_out": np.where(any_split, case.x, right.layer_out)}


@in_cosine("VQ-10.8", mapped)
def the_index_of_a_mapped_vector_is_lost(_: CosineCase, right: CosineQuantized) -> Fields:
    mask = right.identity_mapping_mask
    return {} if mask is None else {"emb_index": np.where(mask, -1, right.emb_index)}


# Their share.


@in_cosine("VQ-10.11", mapped)
def the_share_is_in_percent(_: CosineCase, right: CosineQuantized) -> Fields:
    return {"percentage_identity_mapped": 100 * right.percentage_identity_mapped}


@in_cosine("VQ-10.11", mapped)
def the_share_is_of_all_vectors_not_of_the_finite(_: CosineCase, right: CosineQuantized) -> Fields:
    mask = right.identity_mapping_mask
    return {} if mask is None else {"percentage_identity_mapped": mask.mean()}


@in_cosine("VQ-10.11", mapped)
def the_share_is_of_those_that_are_not_mapped(case: CosineCase, right: CosineQuantized) -> Fields:
    return {"percentage_identity_mapped": 1 - right.percentage_identity_mapped} if case.vote else {}


@in_cosine("VQ-10.11", mapped)
def the_share_has_an_axis(_: CosineCase, right: CosineQuantized) -> Fields:
    return {"percentage_identity_mapped": np.reshape(right.percentage_identity_mapped, 1)}


@in_cosine("VQ-10.11", empty_batch)
def the_share_of_an_empty_batch_is_nan(_: CosineCase, right: CosineQuantized) -> Fields:
    mask = right.identity_mapping_mask
    return {} if mask is None else {"percentage_identity_mapped": mask.sum() / np.float64(mask.size)}


def mean_of_shares(right: CosineQuantized, shape: tuple[int, ...]) -> Fields:
    """Return the mean of the shares of the rows of the mask in this shape, of those that have one."""
    if right.identity_mapping_mask is None:
        return {}
    mapped, found = (it.reshape(shape) for it in (right.identity_mapping_mask, right.emb_index >= 0))
    rows = found.any(axis=-1)
    shares = mapped.sum(axis=-1)[rows] / found.sum(axis=-1)[rows]
    return {"percentage_identity_mapped": shares.mean() if len(shares) else np.float64(0)}


@in_cosine("VQ-10.11", uneven)
def the_share_is_a_mean_of_those_of_the_elements_of_the_batch(_: CosineCase, right: CosineQuantized) -> Fields:
    return mean_of_shares(right, right.emb_index.shape)


@in_cosine("VQ-10.11", uneven)
def the_share_is_a_mean_of_those_of_the_inputs(case: CosineCase, right: CosineQuantized) -> Fields:
    return mean_of_shares(right, (-1, case.num_splits))


@in_cosine("VQ-10.11", uneven)
def the_share_is_a_mean_of_those_of_the_splits(case: CosineCase, right: CosineQuantized) -> Fields:
    masks = (right.identity_mapping_mask, right.emb_index)
    mask, emb_index = (None if it is None else it.reshape(-1, case.num_splits).T for it in masks)
    return mean_of_shares(right._replace(identity_mapping_mask=mask, emb_index=emb_index), emb_index.shape)


# Their gradients.


@in_cosine_gradients("VQ-10.12", gradient)
def a_mapped_vector_passes_no_gradient(_: CosineCase, right: CosineGradients, __: Array) -> Fields:
    return {"output_to_x": np.zeros_like(right.output_to_x)}


@in_cosine_gradients("VQ-10.12", gradient)
def with_a_vote_every_vector_passes_its_gradient(case: CosineCase, _: CosineGradients, upstream: Array) -> Fields:
    return {"output_to_x": upstream} if case.vote else {}


@in_cosine_gradients("VQ-10.12", gradient)
def an_input_passes_its_gradient_whole(case: CosineCase, right: CosineGradients, upstream: Array) -> Fields:
    mask = Oracle().quantize_cosine(case).identity_mapping_mask
    if mask is None:
        return {}
    any_split = mask.reshape(*case.x.shape[:2], -1).any(axis=-1, keepdims=True)
    return {"output_to_x": np.where(any_split, upstream, right.output_to_x)}
