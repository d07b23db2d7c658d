"""The clauses of the specification are checked, and cited by their numbers."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.report.clauses import specified

ROOT = Path(__file__).parents[2]
CHECKS = sorted(path for folder in ("property", "parity") for path in (ROOT / "tests" / folder).glob("test_*.py"))
SOURCES = sorted(path for folder in ("reference", "vq_layer", "tests") for path in (ROOT / folder).rglob("*.py"))
CONCEPTS = sorted(path for path in (ROOT / "reference").glob("*.py") if path.stem != "__init__")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def clauses_by_test(path: Path) -> dict[str, set[str]]:
    """Return the clauses that each test of a module is marked with."""
    module = import_module(name_of(path).removesuffix(".py").replace("/", "."))
    tests = {name: value for name, value in vars(module).items() if name.startswith("test_") and callable(value)}
    return {
        name: {clause for mark in getattr(test, "pytestmark", []) if mark.name == "clause" for clause in mark.args}
        for name, test in tests.items()
    }


def test_the_specification_numbers_its_clauses_from_1_on() -> None:
    assert list(specified()) == [f"VQ-{number}" for number in range(1, len(specified()) + 1)]
    assert len(specified()) >= 16


def test_every_clause_has_a_check_of_any_implementation() -> None:
    checked = {clause for path in CHECKS for clauses in clauses_by_test(path).values() for clause in clauses}
    assert set(specified()) - checked == set()


@pytest.mark.parametrize("path", CHECKS, ids=name_of)
def test_every_check_names_its_clauses_and_these_exist(path: Path) -> None:
    named = clauses_by_test(path)
    assert named
    assert {name for name, clauses in named.items() if not clauses or not clauses <= specified().keys()} == set()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_clause_that_is_cited_exists(path: Path) -> None:
    assert set(re.findall(r"VQ-\d+", path.read_text())) <= specified().keys()


@pytest.mark.parametrize("path", CONCEPTS, ids=name_of)
def test_every_concept_of_the_oracle_cites_a_clause(path: Path) -> None:
    assert re.search(r"VQ-\d+", path.read_text())
