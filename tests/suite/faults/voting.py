"""Faults of the vote (VQ-10)."""

from collections.abc import Callable
from typing import Any

import numpy as np

from reference import voting
from reference.voting import Vote, k_most_similar
from tests.comparison.cosine import exact_similarity
from tests.implementations.protocol import CosineCase, CosineQuantized
from tests.parity import test_cosine as parity
from tests.property import test_voting as votes
from tests.suite.faults.consequences import Array, Fields
from tests.suite.faults.machinery import in_cosine, instead_of

VOTE = "reference.voting.majority_vote"
VOTERS = "reference.voting.k_most_similar"

elected = parity.test_each_label_is_elected_by_some_k_most_similar_within_rounding
bit_for_bit = parity.test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit
represented = votes.test_the_representative_is_the_first_bearer_of_the_label_or_the_most_similar_of_its_voters

right_vote = voting.majority_vote


def each(similarity: Array, k: int, outcome: Callable[[Array, Array], tuple[int, int, int]]) -> Vote:
    """Let a function of the voters and of the similarities tell label, votes and index; -1 where nobody votes."""
    vote = np.full((3, *similarity.shape[:-1]), -1)
    for place in np.ndindex(*similarity.shape[:-1]):
        voters = k_most_similar(similarity[place], k)
        vote[(slice(None), *place)] = outcome(voters, similarity[place]) if len(voters) else (-1, 0, -1)
    return Vote(*vote)


# Who votes.


@instead_of(VOTERS, "VQ-10", bit_for_bit)
def of_embeddings_that_tie_for_the_last_place_the_higher_votes(similarity: Array, k: int) -> Array:
    return len(similarity) - 1 - k_most_similar(similarity[::-1], k)


@instead_of(VOTERS, "VQ-10", votes.test_a_single_voter_represents_itself_as_without_a_vote, elected)
def one_too_many_votes(similarity: Array, k: int) -> Array:
    return k_most_similar(similarity, k + 1)


@instead_of(VOTERS, "VQ-10", votes.test_a_single_voter_represents_itself_as_without_a_vote, elected)
def the_least_similar_vote(similarity: Array, k: int) -> Array:
    return k_most_similar(-similarity, k)


# Who wins.


@instead_of(VOTE, "VQ-10", votes.test_when_all_vote_the_most_common_label_of_all_wins_the_lowest_on_ties, elected)
def of_labels_that_tie_the_highest_wins(
    similarity: Array, emb_labels: Array, num_classes: int, k: int, representative: str
) -> Vote:
    vote = right_vote(similarity, num_classes - 1 - emb_labels, num_classes, k, representative)
    return vote._replace(label=np.where(vote.label < 0, -1, num_classes - 1 - vote.label))


@instead_of(VOTE, "VQ-10", votes.test_when_all_vote_the_most_common_label_of_all_wins_the_lowest_on_ties, elected)
def of_labels_that_tie_that_of_the_most_similar_wins(
    similarity: Array, emb_labels: Array, num_classes: int, k: int, representative: str
) -> Vote:
    def outcome(voters: Array, row: Array) -> tuple[int, int, int]:
        counts = np.bincount(emb_labels[voters], minlength=num_classes)
        label = next(it for it in emb_labels[voters] if counts[it] == counts.max())
        candidates = voters if representative == "nearest" else np.flatnonzero(~np.isnan(row))
        return label, counts.max(), candidates[emb_labels[candidates] == label][0]

    return each(similarity, k, outcome)


@instead_of(VOTE, "VQ-10", votes.test_when_all_vote_the_most_common_label_of_all_wins_the_lowest_on_ties, elected)
def votes_are_weighted_by_similarity(
    similarity: Array, emb_labels: Array, num_classes: int, k: int, representative: str
) -> Vote:
    def outcome(voters: Array, row: Array) -> tuple[int, int, int]:
        counts = np.bincount(emb_labels[voters], minlength=num_classes)
        present = np.where(counts > 0, np.bincount(emb_labels[voters], row[voters], num_classes), -np.inf)
        candidates = voters if representative == "nearest" else np.flatnonzero(~np.isnan(row))
        label = present.argmax()
        return label, counts[label], candidates[emb_labels[candidates] == label][0]

    return each(similarity, k, outcome)


@instead_of(VOTE, "VQ-10", represented, elected)
def the_label_is_that_of_the_most_similar(
    similarity: Array, emb_labels: Array, num_classes: int, k: int, representative: str
) -> Vote:
    vote = right_vote(similarity, emb_labels, num_classes, k, representative)
    return each(similarity, k, lambda voters, _: (emb_labels[voters[0]], 0, -1))._replace(
        votes=vote.votes, emb_index=vote.emb_index
    )


@in_cosine("VQ-10", votes.test_only_the_order_of_the_labels_matters, represented)
def a_label_is_its_place_among_those_in_use(case: CosineCase, right: CosineQuantized) -> Fields:
    if case.vote is None:
        return {}
    ranks = np.append(np.unique(case.vote.emb_labels, return_inverse=True)[1], -1)
    return {"most_common_label": ranks[right.emb_index].astype(case.vote.emb_labels.dtype)}


@in_cosine("VQ-10", votes.test_when_all_vote_the_most_common_label_of_all_wins_the_lowest_on_ties, bit_for_bit)
def labels_are_of_one_dtype(case: CosineCase, right: CosineQuantized) -> Fields:
    return {"most_common_label": right.most_common_label.astype(np.int32)} if case.vote else {}


# Who represents the winner.


@instead_of(VOTE, "VQ-10", represented, elected)
def the_winning_label_is_taken_for_an_index(similarity: Array, emb_labels: Array, *others: Any) -> Vote:
    vote = right_vote(similarity, emb_labels, *others)
    return vote._replace(emb_index=np.minimum(vote.label, len(emb_labels) - 1))


@instead_of(VOTE, "VQ-10", represented, elected)
def the_first_is_the_first_among_the_voters(
    similarity: Array, emb_labels: Array, num_classes: int, k: int, representative: str
) -> Vote:
    vote = right_vote(similarity, emb_labels, num_classes, k, representative)
    if representative == "nearest":
        return vote

    def outcome(voters: Array, _: Array) -> tuple[int, int, int]:
        counts = np.bincount(emb_labels[voters])
        return counts.argmax(), counts.max(), voters[emb_labels[voters] == counts.argmax()].min()

    return each(similarity, k, outcome)


@instead_of(VOTE, "VQ-10", represented, elected)
def the_first_is_the_nearest(
    similarity: Array, emb_labels: Array, num_classes: int, k: int, representative: str
) -> Vote:
    return right_vote(similarity, emb_labels, num_classes, k, representative and "nearest")


@instead_of(VOTE, "VQ-10", represented, elected)
def the_nearest_may_bear_another_label(
    similarity: Array, emb_labels: Array, num_classes: int, k: int, representative: str
) -> Vote:
    vote = right_vote(similarity, emb_labels, num_classes, k, representative)
    nearest = each(similarity, k, lambda voters, _: (0, 0, voters[0])).emb_index
    return vote._replace(emb_index=nearest) if representative == "nearest" else vote


@in_cosine("VQ-9", bit_for_bit)
def similarity_values_are_those_of_the_representatives(case: CosineCase, right: CosineQuantized) -> Fields:
    if case.vote is None:
        return {}
    similarity = np.pad(exact_similarity(case), ((0, 0), (0, 1)), constant_values=np.nan)
    chosen = np.take_along_axis(similarity, right.emb_index.reshape(-1, 1), axis=-1)
    return {"similarity_values": chosen.reshape(-1)}
