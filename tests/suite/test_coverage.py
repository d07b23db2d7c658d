"""The table of what the laws draw counts what it says."""

import numpy as np

from tests.suite import coverage
from vq_verify.adapters.oracle import Oracle
from vq_verify.cases import Case, CosineCase, Vote
from vq_verify.strategies import learning, parts
from vq_verify.strategies.training import TrainingCase

CASE = Case(x=np.ones((2, 1, 2)), emb_space=np.array([[1.0, np.nan]]), weights={"alpha_loss": 1e-30, "beta_loss": -1.0})
VOTE = Vote(np.zeros(1, np.int32), num_classes=2, k=1, majority_threshold=float(np.nextafter(1, 2)))


def test_cases_are_found_in_whatever_a_strategy_draws():
    assert list(coverage.cases_in((TrainingCase(CASE, 1), [CASE], 3))) == [CASE, CASE]


def test_a_case_has_a_word_for_each_aspect():
    words = dict(coverage.values_of(CASE))
    assert {words[name] for name in ("alpha_loss", "n", "batch", "mask")} == {"tiny", "1", "more", "none"}
    assert (words["finite x"], words["finite E"], words["coulomb_loss"]) == ("all", "none", "0")
    words = dict(coverage.values_of(CosineCase(x=CASE.x, emb_space=CASE.x[0], vote=VOTE)))
    assert (words["threshold"], words["labels"], words["k"]) == ("just above", "1", "1")


def test_what_never_comes_together_is_told():
    other = Case(x=np.ones((1, 1, 2)), emb_space=np.ones((3, 2)), lookup_ord=1)
    drawn = coverage.counted(Case, [[CASE], [other, other]])
    assert (drawn.values["n", "more"], drawn.strategies["n", "more"]) == (2, 1)
    assert "n 1 with lookup_ord 1" in coverage.never_together(Case, drawn)
    assert "n 1 with lookup_ord 2" not in coverage.never_together(Case, drawn)
    assert "n more                                  2           1" in coverage.table(Case, drawn)


def test_strategies_are_those_of_the_laws_each_once():
    found = coverage.strategies()
    assert {parts.cases_per_split, learning.averaged_trainings} <= set(found)
    assert len(set(found)) == len(found)
    assert len(coverage.drawn_cases(parts.cases_per_split(Oracle()), 5)) == 5
