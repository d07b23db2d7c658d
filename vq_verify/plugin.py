"""The pytest plugin: runs each check on each implementation, measures it, explains its failure, judges and reports it.

Checks cite sentences, by `pytest.mark.clause`; the report sums them up by clause.
"""

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest

from vq_verify import expectations
from vq_verify.examples import register_profiles
from vq_verify.judging import Rules, id_of, judge, name_of
from vq_verify.loading import SHIPPED, load
from vq_verify.offers import NotOffered
from vq_verify.report import measurements
from vq_verify.report.reporter import KEY, Reporter
from vq_verify.report.reproduction import blamed, explain, told
from vq_verify.specification import clause_of, profiles
from vq_verify.subject import Subject

_RULES = pytest.StashKey[Rules]()
_NAMED = pytest.StashKey[list[Subject]]()


class Given:
    """A plugin that holds an implementation and rules, in the place of options that name them.

    Attributes
    ----------
    reporter : Reporter
        What collects the outcomes, once pytest is configured.
    """

    reporter: Reporter

    def __init__(self, subject: Subject, rules: Rules) -> None:
        self.subject, self.rules = subject, rules


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a verification, and the profiles that --hypothesis-profile names."""
    register_profiles()
    parser.addoption(
        "--implementation",
        action="append",
        metavar="PACKAGE.MODULE:FACTORY",
        help="an implementation to verify, in place of the shipped ones; may be given again",
    )
    parser.addoption("--profile", default="all", choices=list(profiles()), help="which clauses it answers for")
    parser.addoption("--report", metavar="FOLDER", help="write the report there, as JSON, Markdown, HTML and a badge")
    parser.addoption("--expect", metavar="FILE", help="the checks that are expected to fail, and why")
    parser.addoption("--update-expectations", action="store_true", help="write what fails into that file")
    parser.addoption("--strict-should", action="store_true", help="let a should count like a must")


def pytest_configure(config: pytest.Config) -> None:
    """Read what is expected, and report what was asked for."""
    given = _given(config)
    config.stash[_NAMED] = _named(config)
    config.stash[_RULES] = given.rules if given else _rules(config)
    if _is_verification(config) or config.getoption("--report"):
        reporter = Reporter(config, config.stash[_RULES])
        config.pluginmanager.register(reporter)
        if given:
            given.reporter = reporter


def _rules(config: pytest.Config) -> Rules:
    path, updating = config.getoption("--expect"), config.getoption("--update-expectations")
    if updating and not path:
        raise pytest.UsageError("--update-expectations needs the file to write: --expect FILE")
    if updating and not Path(path).parent.is_dir():
        raise pytest.UsageError(f"--expect must name a file in a folder that there is. Received: {path}")
    try:
        expected = expectations.read(Path(path)) if path and (Path(path).exists() or not updating) else {}
    except (OSError, ValueError) as error:  # of JSON, too
        raise pytest.UsageError(f"--expect must name a file of expectations. Received: {path}: {error}") from error
    # Without an implementation to verify, these are our own tests: all that should be, must.
    strict = config.getoption("--strict-should") or not _is_verification(config)
    return Rules(expected, updating, strict)


def _is_verification(config: pytest.Config) -> bool:
    return bool(config.getoption("--implementation")) or _given(config) is not None


def _given(config: pytest.Config) -> Given | None:
    return next((plugin for plugin in config.pluginmanager.get_plugins() if isinstance(plugin, Given)), None)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, None, None]:
    """With an implementation to verify, leave out the checks that are not for it; last of all, name the groups."""
    if _is_verification(config):
        checks = [item for item in items if item.path.parent.name in ("property", "parity")]
        _check_known(config.stash[_RULES].expected, {name_of(item) for item in checks})
        clauses = profiles()[config.getoption("--profile")]
        apart = [item for item in checks if not (_is_of_any(item) and clauses & set(map(clause_of, _sentences(item))))]
        config.hook.pytest_deselected(items=apart)
        items[:] = [item for item in items if item not in apart]
    yield
    if getattr(config.option, "loadgroup", False):
        for item in items:
            _name_group(item)


def _check_known(expected: Mapping[str, str], names: set[str]) -> None:
    if unknown := expected.keys() - names:
        raise pytest.UsageError(f"no check is named {', '.join(sorted(unknown))}, which the expectations name")


def _is_of_any(item: pytest.Item) -> bool:
    return "implementation" in getattr(item, "fixturenames", ())


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
    if "implementation" in metafunc.fixturenames:
        metafunc.parametrize("implementation", [_parameter(subject) for subject in _subjects(metafunc.config)])


def _subjects(config: pytest.Config) -> list[Subject]:
    if given := _given(config):
        return [given.subject]
    return config.stash[_NAMED] or [load(path, config.getoption("--profile")) for path in SHIPPED]


def _named(config: pytest.Config) -> list[Subject]:
    """Load what is named; what cannot be is an error of the command, not of each check."""
    paths, subjects = config.getoption("--implementation") or [], []
    for path in paths:
        try:
            subjects.append(load(path, config.getoption("--profile")))
        except Exception as error:
            raise pytest.UsageError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
    names = [it.name for it in subjects]
    if len(set(names)) < len(names):
        raise pytest.UsageError(f"implementations must have names of their own. Received: {', '.join(names)}")
    if len(paths) > 1 and config.getoption("--expect"):
        raise pytest.UsageError(f"--expect must be of one implementation. Received: {', '.join(paths)}")
    return subjects


def _parameter(implementation: Subject) -> Any:
    """Name an implementation; one that is slow to set up has all its checks on one worker, which set it up once."""
    slow = implementation.configurations is not None
    marks = [pytest.mark.xdist_group(implementation.name)] if slow else []
    return pytest.param(implementation, id=id_of(implementation.name), marks=marks)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note what a check cites, for the report."""
    if _is_of_any(item):
        name = item.callspec.params["implementation"].name  # type: ignore[attr-defined]
        told_of = {"check": name_of(item), "sentences": _sentences(item), "implementation": name}
        item.user_properties.append((KEY, told_of))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Measure a check; skip it where what it asks is not offered."""
    properties: Any = dict(pyfuncitem.user_properties).get(KEY)
    if properties is None:
        return (yield)
    subject: Any = pyfuncitem.funcargs["implementation"]
    subject.begin_example()
    measurements.begin()
    try:
        result = yield
    except NotOffered as refusal:
        measured = measurements.running()
        measured.examples = 0
        if not measured.missing:
            measured.refuse(refusal)
        pytest.skip(str(refusal.msg))
    except (Exception, pytest.fail.Exception) as error:  # the latter is no Exception
        if not hasattr(pyfuncitem.obj, "check"):  # `verify` has explained it, example by example
            explain(error, properties["sentences"], subject, measurements.running())
        properties["failure"] = told(error)
        properties["sentences"] = blamed(error, properties["sentences"])
        raise
    else:
        return result
    finally:
        properties.update(measurements.running().as_dict())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Judge the end of a check."""
    report = yield
    properties: Any = dict(item.user_properties).get(KEY)
    if properties is not None and call.when == "call":
        rules = item.config.stash[_RULES]
        properties["accepted"] = judge(report, properties["check"], properties["sentences"], rules)
    return report


def _sentences(item: pytest.Item) -> list[str]:
    return list(dict.fromkeys(number for mark in item.iter_markers("clause") for number in mark.args))
