"""The oracle's vote against a count by hand."""

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.voting import k_most_similar, majority_vote, votes_needed

ROWS = st.lists(st.sampled_from([0.0, 0.5, 1.0, -0.5, np.nan]), min_size=1, max_size=9)


def voters_of(row: list[float], k: int) -> list[int]:
    """Sort by hand: the most similar first, then the lower index; NaN has no vote."""
    return sorted((j for j, value in enumerate(row) if not math.isnan(value)), key=lambda j: (-row[j], j))[:k]


@pytest.mark.clause("VQ-10.1", "VQ-10.2")
@given(row=ROWS, k=st.integers(1, 9))
def test_the_k_most_similar_come_first_and_of_those_that_tie_the_lower_index(row: list[float], k: int) -> None:
    assert k_most_similar(np.array(row), k).tolist() == voters_of(row, k)


@pytest.mark.clause("VQ-10.3", "VQ-10.4")
@given(row=ROWS, k=st.integers(1, 9), data=st.data())
def test_the_label_of_most_votes_wins_and_of_those_that_tie_the_lowest(
    row: list[float], k: int, data: st.DataObject
) -> None:
    labels = data.draw(st.lists(st.integers(0, 3), min_size=len(row), max_size=len(row)))
    voters = voters_of(row, k)
    votes = Counter(labels[j] for j in voters)
    label = min(votes, key=lambda it: (-votes[it], it), default=-1)
    known = [j for j, value in enumerate(row) if not math.isnan(value)]
    for representative, candidates in (("first", known), ("nearest", voters)):
        vote = majority_vote(np.array([[row]]), np.array(labels), 4, k, representative)
        emb_index = next((j for j in candidates if labels[j] == label), -1)
        assert (vote.label.item(), vote.votes.item(), vote.emb_index.item()) == (label, votes[label], emb_index)


@pytest.mark.clause("VQ-10.8")
@given(k=st.integers(1, 50), v=st.integers(0, 50))
def test_as_many_votes_are_needed_as_the_threshold_asks_for(k: int, v: int) -> None:
    v = min(v, k)
    assert votes_needed(k, v / k) == v
    assert votes_needed(k, float(np.nextafter(v / k, 2))) == v + 1
    share = Fraction(2 * v + 1, 2 * k)  # between two numbers of votes
    assert votes_needed(k, float(share)) == v + 1
    assert votes_needed(k, 1.5) == k + 1
