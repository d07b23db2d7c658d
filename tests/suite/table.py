"""The table of faults, sentences and checks; ``python -m tests.suite.table`` writes it."""

import importlib
import pkgutil
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.suite.faults import FAULTS
from tests.suite.faults.machinery import Check

TABLE = Path(__file__).parents[2] / "docs" / "wrong_implementations.md"

_HEAD = """\
# Wrong implementations

The suite is tested, too: each of these {number} faults, put into the oracle, makes each of the checks beside it fail,
most of them on the 300 examples that `--hypothesis-profile=ci` draws, all of them on 3,000. The numbers are those of the sentences of
[SPEC.md](../reference/SPEC.md).
`python -m tests.suite.table` writes this file.

| Sentence | Fault | Caught by |
|---|---|---|
"""


def modules_of(package: ModuleType) -> list[ModuleType]:
    """Return the test modules of a package."""
    names = (module.name for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."))
    return [importlib.import_module(name) for name in names]


def function_of(check: Check) -> Any:
    """Return the test function of a check, whose arguments may be given."""
    return check.func if isinstance(check, partial) else check


def name_of(check: Check) -> str:
    """Return the name of a check, with the module's: concepts share some of their sentences."""
    function = function_of(check)
    return f"{function.__module__.split('.', 1)[1]}.{function.__name__}"


def sentences_of(check: Check) -> set[str]:
    """Return the numbers of the sentences that a check cites."""
    marks = getattr(function_of(check), "pytestmark", [])
    return {number for mark in marks if mark.name == "clause" for number in mark.args}


def table() -> str:
    """Return the table, by sentences and then in the order of the faults."""
    faults = sorted(FAULTS, key=lambda fault: [*map(int, fault.sentence.removeprefix("VQ-").split("."))])
    rows = (f"| {it.sentence} | {_in_words(it.name)} | {_links(it.checks)} |\n" for it in faults)
    return _HEAD.format(number=len(FAULTS)) + "".join(rows)


def _in_words(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")


def _links(checks: tuple[Check, ...]) -> str:
    functions = dict.fromkeys(map(function_of, checks))
    return "<br>".join(f"[{_in_words(it.__name__)}](../{it.__module__.replace('.', '/')}.py)" for it in functions)


if __name__ == "__main__":
    TABLE.write_text(table())
