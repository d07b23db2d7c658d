"""The pytest plugin: runs each check on each implementation, measures it, explains its failure, and reports by clause.

Checks cite sentences, by `pytest.mark.clause`; the report sums them up by clause.
"""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from vq_verify.examples import register_profiles
from vq_verify.loading import SHIPPED, load
from vq_verify.protocol import NotOffered
from vq_verify.report import measurements
from vq_verify.report.reproduction import explain
from vq_verify.report.table import Outcome, as_json, as_markdown, as_text, rows
from vq_verify.specification import specified
from vq_verify.subject import Subject

register_profiles()

_KEY = "verification"  # of the user properties, which find their way from a worker of pytest-xdist


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a verification."""
    parser.addoption(
        "--implementation",
        action="append",
        metavar="PACKAGE.MODULE:FACTORY",
        help="an implementation to verify, in place of the shipped ones; may be given again",
    )
    parser.addoption("--report", metavar="FOLDER", help="write report.json and report.md there")


def pytest_configure(config: pytest.Config) -> None:
    """Report what was asked for."""
    if config.getoption("--report") or config.getoption("--implementation"):
        config.pluginmanager.register(_Reporter(config.getoption("--report")))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With an implementation to verify, leave out the checks that do not run on it; then name the groups."""
    if config.getoption("--implementation"):
        checks = [item for item in items if item.path.parent.name in ("property", "parity")]
        apart = [item for item in checks if "implementation" not in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=apart)
        items[:] = [item for item in items if item not in apart]
    if getattr(config.option, "loadgroup", False):
        for item in items:
            _name_group(item)


def _name_group(item: pytest.Item) -> None:
    """End the id of a test with its group, by which pytest-xdist keeps the group on one worker.

    It does so itself, but in an attribute that pytest does not read from 9.2 on (pytest-dev/pytest-xdist#1386). Then
    the tests of a group would be spread over all workers, each of which would compile and build all that they share.
    """
    mark = item.get_closest_marker("xdist_group")
    if mark is not None and not item.nodeid.endswith(f"@{mark.args[0]}"):
        item._id = type(item.id).parse(f"{item.nodeid}@{mark.args[0]}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each check on each implementation."""
    if "implementation" not in metafunc.fixturenames:
        return
    chosen = metafunc.config.getoption("--implementation") or SHIPPED
    metafunc.parametrize("implementation", [_parameter(load(path)) for path in chosen])


def _parameter(implementation: Subject) -> Any:
    """Name an implementation; one that is slow to set up has all its checks on one worker, which set it up once."""
    slow = implementation.configurations is not None
    marks = [pytest.mark.xdist_group(implementation.name)] if slow else []
    return pytest.param(implementation, id=implementation.name, marks=marks)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note what a check cites, for the report."""
    if "implementation" in getattr(item, "fixturenames", ()):
        name = item.callspec.params["implementation"].name
        item.user_properties.append((_KEY, {"sentences": _sentences(item), "implementation": name}))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Measure a check; skip it where what it asks is not offered."""
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
