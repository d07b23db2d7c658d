"""Faults of who votes and of which label wins (VQ-10)."""

from collections.abc import Callable
from functools import wraps

import numpy as np

from reference.voting import Vote, k_most_similar
from tests.parity import test_cosine as parity
from tests.property import test_voting as votes
from tests.suite.faults.consequences import Array, Fields
from tests.suite.faults.machinery import in_cosine, instead_of
from vq_verify.protocol import CosineCase, CosineQuantized

VOTE = "reference.voting.majority_vote"
VOTERS = "reference.voting.k_most_similar"

elected = parity.test_each_label_is_elected_by_some_k_most_similar_within_rounding
bit_for_bit = parity.test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit
all_vote = votes.test_when_all_vote_the_most_common_label_of_all_wins_the_lowest_on_ties
one_votes = votes.test_a_single_voter_represents_itself_as_without_a_vote


# Who votes.


@instead_of(VOTERS, "VQ-10.2", bit_for_bit)
def of_embeddings_that_tie_for_the_last_place_the_higher_votes(similarity: Array, k: int) -> Array:
    return len(similarity) - 1 - k_most_similar(similarity[::-1], k)


@instead_of(VOTERS, "VQ-10.1", one_votes, elected)
def one_too_many_votes(similarity: Array, k: int) -> Array:
    return k_most_similar(similarity, k + 1)


@instead_of(VOTERS, "VQ-10.1", one_votes, elected)
def the_least_similar_vote(similarity: Array, k: int) -> Array:
    return k_most_similar(-similarity, k)


# Which label wins.


def each(similarity: Array, k: int, outcome: Callable[[Array, Array], tuple[int, int, int]]) -> Vote:
    """Let a function of the voters and of all similarities tell label, votes and index; -1 where nobody votes."""
    vote = np.full((3, *similarity.shape[:-1]), -1)
    for place in np.ndindex(*similarity.shape[:-1]):
        voters = k_most_similar(similarity[place], k)
        vote[(slice(None), *place)] = outcome(voters, similarity[place]) if len(voters) else (-1, 0, -1)
    return Vote(*vote)


def electing(choose: Callable[[Array, Array], int]) -> Callable[..., Vote]:
    """Let a function of the labels and similarities of the voters, the most similar first, tell which label wins."""

    @wraps(choose)
    def vote(similarity: Array, emb_labels: Array, _: int, k: int, representative: str) -> Vote:
        def outcome(voters: Array, row: Array) -> tuple[int, int, int]:
            label = choose(emb_labels[voters], row[voters])
            candidates = voters if representative == "nearest" else np.flatnonzero(~np.isnan(row))
            return label, np.sum(emb_labels[voters] == label), candidates[emb_labels[candidates] == label][0]

        return each(similarity, k, outcome)

    return vote


@instead_of(VOTE, "VQ-10.4", all_vote, elected)
@electing
def of_labels_that_tie_the_highest_wins(labels: Array, _: Array) -> int:
    counts = np.bincount(labels)
    return int(np.flatnonzero(counts == counts.max())[-1])


@instead_of(VOTE, "VQ-10.4", all_vote, elected)
@electing
def of_labels_that_tie_that_of_the_most_similar_wins(labels: Array, _: Array) -> int:
    counts = np.bincount(labels)
    return next(label for label in labels if counts[label] == counts.max())


@instead_of(VOTE, "VQ-10.3", all_vote, elected)
@electing
def votes_are_weighted_by_similarity(labels: Array, similarities: Array) -> int:
    return max(sorted(set(labels)), key=lambda label: similarities[labels == label].sum())


@instead_of(VOTE, "VQ-10.3", all_vote, elected)
@electing
def the_most_similar_decides_alone(labels: Array, _: Array) -> int:
    return labels[0]


@in_cosine("VQ-10.5", votes.test_only_the_order_of_the_labels_matters, elected)
def a_label_is_its_place_among_those_in_use(case: CosineCase, right: CosineQuantized) -> Fields:
    if case.vote is None:
        return {}
    ranks = np.append(np.unique(case.vote.emb_labels, return_inverse=True)[1], -1)
    return {"most_common_label": ranks[right.emb_index].astype(case.vote.emb_labels.dtype)}


@in_cosine("VQ-10.5", all_vote, bit_for_bit)
def labels_are_of_one_dtype(case: CosineCase, right: CosineQuantized) -> Fields:
    return {"most_common_label": right.most_common_label.astype(np.int32)} if case.vote else {}
