"""The strategies of the cosine similarity and of votes reach the edges of what they draw."""

import numpy as np
import pytest

from tests.suite.coverage import threshold
from tests.suite.test_strategies import draws, reaches
from vq_verify.adapters.oracle import Oracle
from vq_verify.comparison.cosine import finite_vectors
from vq_verify.strategies import cosine, reduction

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("strategies of the cosine")]  # on one worker, which draws once

ORACLE = Oracle()
VOTES, REDUCED = cosine.vote_cases(ORACLE), reduction.reduced_cosine_cases(ORACLE)


def found(case):
    """Return how many vectors of each element of the batch are finite."""
    return finite_vectors(case).reshape(len(case.x), -1).sum(axis=-1)


def known(case):
    return np.isfinite(case.emb_space).all(axis=-1)


EDGES = {
    "one embedding": lambda case: len(case.emb_space) == 1,
    "one of several votes": lambda case: case.vote.k == 1 < len(case.emb_space),
    "all of several vote": lambda case: case.vote.k == len(case.emb_space) > 1,
    "one class": lambda case: case.vote.num_classes == 1,
    "one label of several classes": lambda case: len(set(case.vote.emb_labels)) == 1 < case.vote.num_classes,
    "more vectors of one element than of another": lambda case: len(set(found(case))) > 1 and found(case).all(),
    "no finite vector of several elements": lambda case: len(case.x) > 1 and not found(case).any(),
    "no finite embedding of several": lambda case: len(case.emb_space) > 1 and not known(case).any(),
    "fewer finite embeddings than votes": lambda case: 0 < known(case).sum() < case.vote.k,
}


@pytest.mark.parametrize("edge", EDGES)
def test_an_edge_of_a_vote_is_reached(edge):
    assert reaches(VOTES, EDGES[edge])


@pytest.mark.parametrize("word", ["without", "0", "a share", "just above", "over 1"])
def test_thresholds_lie_on_a_share_just_above_it_and_beyond_all(word):
    assert reaches(VOTES, lambda case: threshold(case) == word)


def test_votes_in_a_reduced_space_are_of_several_kinds():
    votes = [case.vote for case in draws(REDUCED) if case.vote is not None]
    assert {vote.majority_threshold for vote in votes} == {0.6, 0.5, 1.0, 1.5, 0.0}
    assert {vote.emb_labels.dtype.name for vote in votes} == {"int32", "int64"}
    assert {1, 2, 3, 6} <= {vote.k for vote in votes}
