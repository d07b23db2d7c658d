"""Hypothesis profiles, and the implementations that the suite runs on."""

import gc
import os
from importlib.util import find_spec
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported anywhere

import hypothesis
import pytest

from tests.implementations import SHIPPED, load
from tests.implementations.subject import Subject

pytest_plugins = ["tests.report.plugin"]
# `make beam` runs it, in an environment of its own.
collect_ignore = [] if find_spec("apache_beam") else ["package/test_bulk_encoding.py"]

_COMMON = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("dev", max_examples=30, **_COMMON)
_ONCE = (hypothesis.Phase.explicit, hypothesis.Phase.generate)  # what fails is not shrunk
hypothesis.settings.register_profile("few", max_examples=5, derandomize=True, phases=_ONCE, **_COMMON)
hypothesis.settings.register_profile("quick", max_examples=15, derandomize=True, phases=_ONCE, **_COMMON)
hypothesis.settings.register_profile("mutants", max_examples=100, derandomize=True, phases=_ONCE, **_COMMON)
hypothesis.settings.register_profile("ci", max_examples=300, derandomize=True, **_COMMON)
hypothesis.settings.register_profile("extended", max_examples=3000, **_COMMON)
hypothesis.settings.load_profile("dev")

gc.set_threshold(100_000, 20, 20)  # what was imported, and stays, takes a tenth of the time to search again and again


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--implementation",
        action="append",
        metavar="PACKAGE.MODULE:FACTORY",
        help="an implementation to verify, in place of the shipped ones; may be given again",
    )


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
    if "implementation" not in metafunc.fixturenames:
        return
    chosen = metafunc.config.getoption("--implementation") or SHIPPED
    metafunc.parametrize("implementation", [_parameter(load(path)) for path in chosen])


def _parameter(implementation: Subject) -> Any:
    """Name an implementation; one that is slow to set up has all its checks on one worker, which set it up once."""
    slow = implementation.configurations is not None
    marks = [pytest.mark.xdist_group(implementation.name)] if slow else []
    return pytest.param(implementation, id=implementation.name, marks=marks)
