"""Faults of the votes that a majority threshold asks for (VQ-10)."""

import math
from functools import partial

import numpy as np

from tests.parity import test_cosine as parity
from tests.property import test_voting as votes
from tests.suite.faults.consequences import Fields
from tests.suite.faults.machinery import in_cosine, instead_of
from vq_verify.protocol import CosineCase, CosineQuantized

NEEDED = "reference.voting.votes_needed"

mapped = votes.test_a_mapped_vector_comes_out_as_it_is_and_any_other_as_the_indexed_row
elected = parity.test_each_label_is_elected_by_some_k_most_similar_within_rounding
shares = [partial(votes.test_votes_reach_the_share_that_they_are_and_not_the_next_number, votes=it) for it in (23, 39)]


@instead_of(NEEDED, "VQ-10.8", shares[1])
def the_share_of_votes_is_taken_in_float32(k: int, majority_threshold: float) -> int:
    return next((v for v in range(k + 1) if float(np.float32(v) / np.float32(k)) >= majority_threshold), k + 1)


@instead_of(NEEDED, "VQ-10.8", shares[1])
def share_and_threshold_are_compared_in_float32(k: int, majority_threshold: float) -> int:
    threshold = np.float32(majority_threshold)
    return next((v for v in range(k + 1) if np.float32(v) / np.float32(k) >= threshold), k + 1)


@instead_of(NEEDED, "VQ-10.8", shares[0])
def the_votes_needed_are_the_threshold_times_k_rounded_up(k: int, majority_threshold: float) -> int:
    return math.ceil(majority_threshold * k)


@instead_of(NEEDED, "VQ-10.8", elected)
def the_votes_needed_are_the_threshold_times_k_rounded_down(k: int, majority_threshold: float) -> int:
    return math.floor(majority_threshold * k)


@instead_of(NEEDED, "VQ-10.8", shares[0], elected)
def the_share_must_exceed_the_threshold(k: int, majority_threshold: float) -> int:
    return next((v for v in range(k + 1) if v / k > majority_threshold), k + 1)


@in_cosine("VQ-10.13", mapped)
def a_threshold_of_0_is_none(case: CosineCase, _: CosineQuantized) -> Fields:
    return {"identity_mapping_mask": None} if case.vote and case.vote.majority_threshold == 0 else {}
