"""The pytest plugin: measures each check of an implementation, explains its failure, and reports by clause.

Checks cite sentences, by `pytest.mark.clause`; the report sums them up by clause.
"""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.implementations.protocol import NotOffered
from tests.report import measurements
from tests.report.clauses import specified
from tests.report.reproduction import explain
from tests.report.table import Outcome, as_json, as_markdown, as_text, rows

_KEY = "verification"  # of the user properties, which find their way from a worker of pytest-xdist


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--report", metavar="FOLDER", help="write report.json and report.md there")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--report") or config.getoption("--implementation"):
        config.pluginmanager.register(_Reporter(config.getoption("--report")))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if "implementation" in getattr(item, "fixturenames", ()):
        name = item.callspec.params["implementation"].name
        item.user_properties.append((_KEY, {"sentences": _sentences(item), "implementation": name}))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    properties = dict(pyfuncitem.user_properties).get(_KEY)
    if properties is None:
        return (yield)
    subject = pyfuncitem.funcargs["implementation"]
    subject.begin_example()
    measurements.begin()
    try:
        result = yield
    except NotOffered as missing:
        measured = measurements.running()
        measured.examples = 0
        if not measured.missing:
            measured.missing[missing.what] = 1
        pytest.skip(missing.msg)
    except Exception as error:
        if not hasattr(pyfuncitem.obj, "check"):  # `verify` has explained it, example by example
            explain(error, properties["sentences"], subject, measurements.running())
        raise
    else:
        return result
    finally:
        properties.update(measurements.running().as_dict())


class _Reporter:
    """Collects what the checks came to, here or in workers, and reports it at the end."""

    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        self._outcomes: list[Outcome] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties = dict(report.user_properties).get(_KEY)
        if properties is not None and (report.when == "call" or report.failed):
            self._outcomes.append(outcome(report.nodeid, report.outcome, **properties))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        table = rows(specified(), self._outcomes)
        terminalreporter.section("verification by clause")
        terminalreporter.write_line(as_text(table))
        if self._folder:
            folder = Path(self._folder)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "report.json").write_text(as_json(table))
            (folder / "report.md").write_text(as_markdown(table))
            terminalreporter.write_line(f"\nwritten to {folder}/report.json and {folder}/report.md")


def outcome(check: str, result: str, **properties: Any) -> Outcome:
    """Put an outcome together; a check that draws nothing is one example, unless it was skipped."""
    measured = measurements.Measurements().as_dict() | properties
    measured["examples"] = measured["examples"] or int(result != "skipped")
    return Outcome(check=check, outcome=result, **measured)


def _sentences(item: pytest.Item) -> list[str]:
    return list(dict.fromkeys(number for mark in item.iter_markers("clause") for number in mark.args))
