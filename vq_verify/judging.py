"""What the end of a check counts for: failures that are expected, and failures of what only should be."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pytest

from vq_verify.specification import level_of


class Rules(NamedTuple):
    """By what a verification judges.

    Attributes
    ----------
    expected : mapping of str to str
        The checks that are expected to fail, by their names, and the reasons.
    updating : bool
        Whether every failure is taken as expected, to be written down.
    strict : bool
        Whether a should counts like a must.
    """

    expected: Mapping[str, str]
    updating: bool = False
    strict: bool = False


def id_of(name: str) -> str:
    """Return the name of an implementation as ids of tests have it, which are of ASCII."""
    return name.encode("ascii", "backslashreplace").decode("ascii")


def name_of(item: Any) -> str:
    """Return the name of a check, the same wherever it is installed and whatever it checks.

    It is that of the file, of the test, and of its arguments but the implementation:
    ``property/test_orders.py::test_a_gradient_is_a_power[l1]``.
    """
    others = ""
    if hasattr(item, "callspec"):
        implementation = id_of(getattr(item.callspec.params.get("implementation"), "name", ""))
        others = item.callspec.id.removeprefix(implementation).removeprefix("-")  # pytest puts our own argument first
    where = f"{item.path.parent.name}/{item.path.name}::{item.originalname}"
    return f"{where}[{others}]" if others else where


def judge(report: pytest.TestReport, check: str, sentences: Iterable[str], rules: Rules) -> str | None:
    """Change a report by the rules; return "expected" or "should" where a failure was accepted as such, else None."""
    reason = rules.expected.get(check)
    if report.failed and (reason is not None or rules.updating):
        return _accepted(report, "expected", reason or "to be explained")
    if report.failed and level_of(sentences) == "should" and not rules.strict:
        return _accepted(report, "should", "it should be so, but need not")
    if report.passed and reason is not None and not rules.updating:
        report.outcome = "failed"
        report.longrepr = f"{check} passed, but is expected to fail: {reason}"
    return None


def _accepted(report: pytest.TestReport, how: str, reason: str) -> str:
    report.outcome = "skipped"
    report.wasxfail = reason  # what pytest itself notes an expected failure by
    return how
