"""Collects what the checks came to, here or in workers, and reports it at the end."""

import importlib.metadata
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from vq_verify import expectations
from vq_verify.judging import Rules
from vq_verify.report import measurements
from vq_verify.report.badge import badge
from vq_verify.report.page import page
from vq_verify.report.table import Outcome, Report, as_json, as_markdown, as_text, rows
from vq_verify.specification import profiles, specified, version

KEY = "verification"  # of the user properties, which find their way from a worker of pytest-xdist


class Reporter:
    """A plugin of one verification.

    Attributes
    ----------
    outcomes : list of Outcome
        What the checks came to, so far.
    """

    def __init__(self, config: pytest.Config, rules: Rules) -> None:
        self._config, self._rules = config, rules
        self.outcomes: list[Outcome] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the outcome of a check down."""
        properties: Any = dict(report.user_properties).get(KEY)
        if properties is None or not (report.when == "call" or report.failed):
            return
        found = outcome(report.outcome, **properties)
        if found.outcome != "skipped" or found.missing:  # else the profile does not ask for it
            self.outcomes.append(found)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write what fails where it is to be expected, but in a worker."""
        if session.exitstatus == pytest.ExitCode.OK and not any(it.examples for it in self.outcomes):
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
        if self._rules.updating and not hasattr(session.config, "workerinput"):
            expectations.write(Path(self._config.getoption("--expect")), updated(self._rules.expected, self.outcomes))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the table, and write the report."""
        report = self.report()
        terminalreporter.section(f"verification by clause, specification {report.specification}, {report.profile}")
        terminalreporter.write_line(as_text(report.rows))
        if not any(it.examples for it in self.outcomes):
            terminalreporter.write_line("nothing was checked: nothing that was asked for is offered")
        if self._config.getoption("--report"):
            folder = Path(self._config.getoption("--report"))
            written = ", ".join(write(report, folder))
            terminalreporter.write_line(f"\nwritten to {folder}: {written}")

    def report(self) -> Report:
        """Return the report of all outcomes."""
        profile = self._config.getoption("--profile")
        titles = {clause: title for clause, title in specified().items() if clause in profiles()[profile]}
        return Report(version(), profile, environment(), rows(titles, self.outcomes), tuple(self.outcomes))


def write(report: Report, folder: Path) -> list[str]:
    """Write a report into a folder, in all its forms; return the names of the files."""
    folder.mkdir(parents=True, exist_ok=True)
    forms = {"report.json": as_json, "report.md": as_markdown, "report.html": page, "badge.svg": badge}
    for name, form in forms.items():
        (folder / name).write_text(form(report), encoding="utf-8")
    return list(forms)


def outcome(result: str, accepted: str | None = None, **properties: Any) -> Outcome:
    """Put an outcome together; a check that draws nothing is one example, unless it was skipped."""
    measured = measurements.Measurements().as_dict() | properties
    ran = result != "skipped" or accepted is not None
    measured["examples"] = measured["examples"] or int(ran)
    return Outcome(outcome=accepted or result, **measured)


def updated(expected: Mapping[str, str], outcomes: list[Outcome]) -> dict[str, str]:
    """Return what is to be expected by outcomes: reasons stay, and so does what did not run.

    Examples
    --------
    >>> failed = Outcome("a", ("VQ-1.1",), "mine", "expected", 3, {}, {}, {"error": "off by 3", "notes": []})
    >>> updated({"b": "why"}, [failed, failed._replace(check="c", outcome="passed")])
    {'b': 'why', 'a': 'to be explained: off by 3'}
    """
    kept = {check: reason for check, reason in expected.items() if check not in {it.check for it in outcomes}}
    for it in outcomes:
        if it.outcome == "expected":
            error = (it.failure or {}).get("error", "")
            kept[it.check] = expected.get(it.check, f"to be explained: {error}")
    return kept


def environment() -> dict[str, str]:
    """Return the versions of what runs, and of those frameworks that are installed."""
    names = ("vq-layer", "numpy", "scipy", "hypothesis", "tensorflow", "keras", "torch", "jax")
    found = {name: _version_of(name) for name in names}
    return {"python": platform.python_version(), **{name: it for name, it in found.items() if it}}


def _version_of(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
