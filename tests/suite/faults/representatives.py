"""Faults of which embedding represents the label that won (VQ-10)."""

from collections.abc import Callable
from functools import wraps

import numpy as np

from reference import voting
from reference.voting import Vote
from tests.parity import test_cosine as parity
from tests.property import test_voting as votes
from tests.suite.faults.consequences import Array, Fields
from tests.suite.faults.machinery import in_cosine, instead_of
from tests.suite.faults.voting import VOTE, each, elected
from vq_verify.comparison.cosine import exact_similarity
from vq_verify.protocol import CosineCase, CosineQuantized

bit_for_bit = parity.test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit
represented = votes.test_the_representative_is_the_first_bearer_of_the_label_or_the_most_similar_of_its_voters

right_vote = voting.majority_vote


def representing(mode: str) -> Callable[[Callable[[Array, Array, int], int]], Callable[..., Vote]]:
    """Let a function of the voters, of their labels and of the winning one tell the index, in one of the modes."""

    def decorate(choose: Callable[[Array, Array, int], int]) -> Callable[..., Vote]:
        @wraps(choose)
        def vote(similarity: Array, emb_labels: Array, num_classes: int, k: int, representative: str) -> Vote:
            def outcome(voters: Array, _: Array) -> tuple[int, int, int]:
                counts = np.bincount(emb_labels[voters])
                return counts.argmax(), counts.max(), choose(voters, emb_labels[voters], counts.argmax())

            if representative == mode:
                return each(similarity, k, outcome)
            return right_vote(similarity, emb_labels, num_classes, k, representative)

        return vote

    return decorate


@instead_of(VOTE, "VQ-10.6", represented, elected)
@representing("first")
def the_winning_label_is_taken_for_an_index(voters: Array, _: Array, label: int) -> int:
    return min(label, voters.max())


@instead_of(VOTE, "VQ-10.6", represented, elected)
@representing("first")
def the_first_is_the_first_among_the_voters(voters: Array, labels: Array, label: int) -> int:
    return voters[labels == label].min()


@instead_of(VOTE, "VQ-10.6", represented, elected)
@representing("first")
def the_first_is_the_nearest(voters: Array, labels: Array, label: int) -> int:
    return voters[labels == label][0]


@instead_of(VOTE, "VQ-10.7", represented, elected)
@representing("nearest")
def the_nearest_may_bear_another_label(voters: Array, _: Array, __: int) -> int:
    return voters[0]


@in_cosine("VQ-9.6", bit_for_bit)
def similarity_values_are_those_of_the_representatives(case: CosineCase, right: CosineQuantized) -> Fields:
    if case.vote is None:
        return {}
    similarity = np.pad(exact_similarity(case), ((0, 0), (0, 1)), constant_values=np.nan)
    chosen = np.take_along_axis(similarity, right.emb_index.reshape(-1, 1), axis=-1)
    return {"similarity_values": chosen.reshape(-1)}
