"""The sentences of the specification are numbered and checked, and cited by their numbers."""

import re
from itertools import groupby
from pathlib import Path

import pytest

from tests.suite.citations import ROOT, citations, cited, modules
from tests.suite.faults import FAULTS
from vq_verify.specification import SPECIFICATION, clause_of, numbered, sentences, specified

CHECKS = modules("property", "parity")
SOURCES = sorted(path for folder in ("reference", "vq_layer", "tests") for path in (ROOT / folder).rglob("*.py"))
CONCEPTS = sorted(path for path in (ROOT / "reference").glob("*.py") if path.stem != "__init__")

# A number in a text, of a clause or of a sentence; those of other texts, as "VQ-13.", are at the end of a sentence.
NUMBER = r"VQ-\d+(?:\.\d+)?"


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_specification_numbers_its_clauses_from_1_on() -> None:
    assert list(specified()) == [f"VQ-{number}" for number in range(1, len(specified()) + 1)]
    assert len(specified()) >= 16


def test_each_clause_numbers_its_sentences_from_1_on() -> None:
    found = numbered(SPECIFICATION.read_text())
    by_clause = {clause: [it[1] for it in of_clause] for clause, of_clause in groupby(found, key=lambda it: it[0])}
    assert by_clause.keys() == specified().keys()
    for clause, numbers in by_clause.items():
        assert numbers == [f"{clause}.{number}" for number in range(1, len(numbers) + 1)]


def test_every_sentence_has_a_check() -> None:
    assert sentences().keys() - cited(modules()) == set()


def test_every_clause_has_a_check_of_any_implementation() -> None:
    assert specified().keys() - set(map(clause_of, cited(CHECKS))) == set()


@pytest.mark.parametrize("path", CHECKS, ids=name_of)
def test_every_check_cites_its_sentences(path: Path) -> None:
    by_test = citations(path.read_text())
    assert by_test
    assert [name for name, numbers in by_test.items() if not numbers] == []


@pytest.mark.parametrize("path", modules(*(it.name for it in (ROOT / "tests").iterdir() if it.is_dir())), ids=name_of)
def test_every_sentence_that_a_test_cites_exists(path: Path) -> None:
    assert cited([path]) <= sentences().keys()


def test_every_fault_names_a_sentence() -> None:
    assert {fault.sentence for fault in FAULTS} <= sentences().keys()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_number_that_is_cited_exists(path: Path) -> None:
    assert set(re.findall(NUMBER, path.read_text())) <= specified().keys() | sentences().keys()


@pytest.mark.parametrize("path", CONCEPTS, ids=name_of)
def test_every_concept_of_the_oracle_cites_a_clause(path: Path) -> None:
    assert re.search(r"VQ-\d+", path.read_text())
