"""Laws of the vote, for every implementation (VQ-10)."""

from dataclasses import replace

import numpy as np
import pytest

from vq_verify.comparison import rounding
from vq_verify.comparison.cosine import (
    assert_identical,
    assert_same_endpoints,
    exact_similarity,
    finite_vectors,
    indexed_rows,
    similarity_error,
    split_rows,
)
from vq_verify.protocol import CosineCase, Implementation, Vote
from vq_verify.strategies import cosine as strategies
from vq_verify.verify import verify

# Of 41 votes: some whose share is less in float32 than in float64, those whose share times 41 is off, and all.
VOTES_OF_41 = (21, 23, 28, 39, 41)


def voting(case, **changes):
    return replace(case, vote=replace(case.vote, **changes))


def known_rows(case):
    """Tell which embeddings are finite, ``[n]``."""
    return np.isfinite(case.emb_space).all(axis=-1)


@verify(
    "VQ-2.5",
    "VQ-10.8",
    "VQ-10.9",
    "VQ-10.10",
    "VQ-10.11",
    "VQ-10.13",
    "VQ-13.12",
    "VQ-15.8",
    case=strategies.vote_cases,
)
def test_a_mapped_vector_comes_out_as_it_is_and_any_other_as_the_indexed_row(implementation, case):
    result, threshold = implementation.quantize_cosine(case), case.vote.majority_threshold
    assert (result.identity_mapping_mask is None) == (threshold < 0)
    found = result.emb_index.reshape(-1) >= 0
    mapped = np.zeros_like(found) if threshold < 0 else result.identity_mapping_mask.reshape(-1)
    expected = indexed_rows(case, result.emb_index)
    expected[mapped] = split_rows(case.x, case.emb_space)[mapped]
    assert_identical(split_rows(result.layer_out, case.emb_space), expected)
    if threshold == 0 or threshold > 1:
        assert_identical(mapped, found & (threshold > 1))
    share, exact = result.percentage_identity_mapped, mapped.sum() / max(found.sum(), 1)
    assert np.shape(share) == ()
    assert abs(share - exact) <= rounding(case.x.dtype).gamma(1) * exact  # one quotient of exact integers


@pytest.mark.clause("VQ-10.11")
def test_the_share_of_what_is_mapped_is_one_of_all_vectors_that_found_an_embedding(implementation: Implementation):
    # Two votes for what is like the first two embeddings, one for what is like the third, which is mapped to itself.
    emb_space, plain, mapped, none = np.eye(2, dtype=np.float32)[[0, 0, 1]], [1, 0], [0, 1], [0, np.nan]
    x = np.array([[[*mapped, *plain], [*mapped, *none]], [[*none, *none], [*plain, *plain]]], np.float32)
    vote = Vote(np.array([0, 0, 1], np.int32), num_classes=2, k=2, majority_threshold=0.75)
    result = implementation.quantize_cosine(CosineCase(x=x, emb_space=emb_space, num_splits=2, vote=vote))
    np.testing.assert_array_equal(result.identity_mapping_mask, [[True, False, True, False], [False] * 4])
    # By elements of the batch, inputs or splits the mean of the shares would be 1/3, 1/2 or 1/3.
    assert abs(result.percentage_identity_mapped - 0.4) <= rounding(x.dtype).gamma(1) * 0.4  # one quotient, of 2 by 5


@pytest.mark.clause("VQ-10.8")
@pytest.mark.parametrize("votes", VOTES_OF_41)
def test_votes_reach_the_share_that_they_are_and_not_the_next_number(implementation: Implementation, votes: int):
    k, share = 41, votes / 41
    emb_space, x = np.ones((k, 1), np.float32), np.ones((1, 1, 1), np.float32)
    labels = (np.arange(k) < votes).astype(np.int32)
    for threshold, is_mapped in ((share, False), (float(np.nextafter(share, 2)), True)):
        case = CosineCase(x=x, emb_space=emb_space, vote=Vote(labels, 2, k, threshold))
        assert implementation.quantize_cosine(case).identity_mapping_mask == is_mapped


@verify("VQ-10.8", case=strategies.exact_vote_cases_to_vary)
def test_raising_the_threshold_only_adds_mapped_vectors(implementation, case):
    masks = [
        implementation.quantize_cosine(voting(case, majority_threshold=threshold)).identity_mapping_mask
        for threshold in (0.4, 0.7)
    ]
    assert (masks[0] <= masks[1]).all()


@verify("VQ-10.1", "VQ-10.3", "VQ-10.4", "VQ-10.5", case=strategies.exact_vote_cases_to_vary)
def test_when_all_vote_the_most_common_label_of_all_wins_the_lowest_on_ties(implementation, case):
    result = implementation.quantize_cosine(voting(case, k=len(case.emb_space)))
    counts = np.bincount(case.vote.emb_labels[known_rows(case)], minlength=1)
    expected = np.where(finite_vectors(case) & known_rows(case).any(), counts.argmax(), -1)
    np.testing.assert_array_equal(result.most_common_label.reshape(-1), expected)
    assert result.most_common_label.dtype == case.vote.emb_labels.dtype


@verify("VQ-10.1", "VQ-10.7", case=strategies.exact_vote_cases_to_vary)
def test_a_single_voter_represents_itself_as_without_a_vote(implementation, case):
    alone = voting(case, k=1, representative="nearest", majority_threshold=-1)
    result = implementation.quantize_cosine(alone)
    expected = implementation.quantize_cosine(replace(case, vote=None))
    assert_same_endpoints(result._replace(most_common_label=None), expected)
    label = np.append(case.vote.emb_labels, case.vote.emb_labels.dtype.type(-1))[result.emb_index]
    assert_identical(result.most_common_label, label)


@verify("VQ-10.6", "VQ-10.7", "VQ-13.21", case=strategies.vote_cases)
def test_the_representative_is_the_first_bearer_of_the_label_or_the_most_similar_of_its_voters(implementation, case):
    result, vote = implementation.quantize_cosine(case), case.vote
    error = similarity_error(case.emb_space.shape[1], rounding(case.x.dtype))
    for similarity, label, emb_index in zip(
        exact_similarity(case), result.most_common_label.flat, result.emb_index.flat, strict=True
    ):
        bearers = np.flatnonzero(known_rows(case) & (vote.emb_labels == label))
        assert (emb_index in bearers) if label >= 0 else (emb_index == -1)
        if label >= 0 and vote.representative == "first":
            assert emb_index == bearers[0]
        elif label >= 0:
            clearly_more = similarity > similarity[emb_index] + 2 * error
            assert not clearly_more[bearers].any()
            assert clearly_more.sum() < vote.k


@verify("VQ-10.4", "VQ-10.5", case=strategies.vote_cases)
def test_only_the_order_of_the_labels_matters(implementation, case):
    _, ranks = np.unique(case.vote.emb_labels, return_inverse=True)
    result = implementation.quantize_cosine(case)
    ranked = implementation.quantize_cosine(voting(case, emb_labels=ranks.astype(case.vote.emb_labels.dtype)))
    label = result.most_common_label
    assert np.isin(label[label >= 0], case.vote.emb_labels).all()
    rank = np.where(label >= 0, np.searchsorted(np.unique(case.vote.emb_labels), label), -1).astype(label.dtype)
    assert_same_endpoints(ranked, result._replace(most_common_label=rank))
