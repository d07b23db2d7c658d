"""Profiles and levels of the specification, and what they make of a verification."""

from dataclasses import replace

import numpy as np
import pytest

from tests.suite.citations import citations, modules
from vq_verify.adapters.oracle import Oracle
from vq_verify.loading import clauses_of
from vq_verify.offers import NotAsked, NotOffered
from vq_verify.profiles import _OF_A_KIND, _OF_A_METHOD, _OF_A_THING, _OF_AN_ENDPOINT
from vq_verify.protocol import Case, CosineCase
from vq_verify.report.table import Outcome, rows
from vq_verify.specification import LEVELS, clause_of, level_of, profiles, sentences, specified
from vq_verify.subject import Subject

X, EMB_SPACE = np.array([[[3.0, 0.0], [0.0, 1.0]]]), np.array([[0.0, 0.0], [2.0, 1.0], [0.0, 2.0]])
PLAIN = Case(x=X, emb_space=EMB_SPACE, weights={})


def test_every_sentence_has_a_level_and_most_are_a_must():
    levels = [it.level for it in sentences().values()]
    assert set(levels) == set(LEVELS)
    assert levels.count("must") > 0.9 * len(levels)


def test_a_check_has_the_strongest_level_of_what_it_cites():
    assert [level_of(numbers) for numbers in (["VQ-4.2"], ["VQ-8.1", "VQ-4.2"], ["VQ-2.1", "VQ-8.1"], [])] == [
        "should",
        "may",
        "must",
        "must",
    ]


def test_profiles_are_made_of_clauses_that_there_are_and_all_has_all_of_them():
    assert {"lookup", "layer", "training", "cosine", "2018", "all"} <= profiles().keys()
    assert profiles()["all"] == specified().keys()
    assert all(clauses <= specified().keys() for clauses in profiles().values())
    assert profiles()["lookup"] < profiles()["layer"] < profiles()["training"]


@pytest.mark.parametrize("table", [_OF_A_KIND, _OF_A_METHOD, _OF_A_THING, _OF_AN_ENDPOINT])
def test_what_belongs_to_a_clause_belongs_to_one_that_there_is(table):
    assert set(table.values()) <= specified().keys()


def test_every_clause_of_a_profile_has_a_check_of_that_clause_alone_or_within_it():
    checks = [numbers for path in modules("property", "parity") for numbers in citations(path.read_text()).values()]
    for name, clauses in profiles().items():
        within = [set(map(clause_of, numbers)) for numbers in checks if set(map(clause_of, numbers)) <= clauses]
        assert clauses == set().union(*within), name


def test_a_profile_that_there_is_not_is_an_error():
    with pytest.raises(ValueError, match=r"profile must be one of lookup, .* Received: 'looking up'"):
        clauses_of("looking up")


def subject(profile, implementation=Oracle):
    return Subject(implementation(), profile=clauses_of(profile))


@pytest.mark.parametrize(
    "case",
    [
        Case(x=X, emb_space=EMB_SPACE),
        Case(x=X, emb_space=EMB_SPACE, weights={"commitment_loss": 1}),
        Case(x=X, emb_space=EMB_SPACE, weights={}, dim_reduction="pca-batch", num_dim_reduction_components=1),
        Case(x=X, emb_space=EMB_SPACE, weights={}, mask=np.array([[True, False]])),
        Case(x=X, emb_space=EMB_SPACE, weights={}, estimator="rotation"),
        Case(x=X * np.nan, emb_space=EMB_SPACE, weights={}),
    ],
)
def test_what_belongs_to_no_clause_of_a_profile_is_not_asked_for(case):
    with pytest.raises(NotAsked, match="not asked for by the profile"):
        subject("lookup").quantize(case)
    subject("all").quantize(case)


def test_methods_and_endpoints_outside_of_a_profile_are_not_asked_for():
    lookup = subject("lookup")
    with pytest.raises(NotAsked):
        lookup.gradients(PLAIN, X)
    with pytest.raises(NotAsked):
        lookup.quantize_cosine(CosineCase(x=X, emb_space=EMB_SPACE))
    with pytest.raises(NotAsked):
        _ = lookup.quantize(PLAIN).losses
    assert lookup.quantize(PLAIN).emb_index.tolist() == [[1, 0]]
    assert not lookup.validates
    assert subject("training").validates


class Indices:
    """Offers indices of L2 alone."""

    offers = {"norms": (2,)}  # noqa: RUF012

    def quantize(self, case):
        """Leave all other endpoints out."""
        return {"emb_index": Oracle().quantize(case).emb_index}


def test_what_is_of_the_profile_and_left_out_is_not_offered():
    lookup = subject("lookup", Indices)
    other_norm = replace(PLAIN, lookup_ord=1)
    for ask in (lambda: lookup.quantize(PLAIN).distance, lambda: lookup.quantize(other_norm)):
        with pytest.raises(NotOffered) as refusal:
            ask()
        assert refusal.type is NotOffered


@pytest.mark.parametrize(
    ("came_to", "verdict"),
    [
        (["passed", "should"], "short of a should"),
        (["passed", "should", "expected"], "fails as expected"),
        (["expected", "failed"], "FAIL"),
    ],
)
def test_an_accepted_failure_has_a_verdict_of_its_own(came_to, verdict):
    outcomes = [Outcome("a check", ["VQ-1.1"], "mine", it, 1, {}, {}) for it in came_to]
    (row,) = rows({"VQ-1": "Distance"}, outcomes)
    assert row.verdict == verdict
