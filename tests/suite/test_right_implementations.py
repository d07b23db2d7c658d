"""Right implementations that are near to wrong ones pass: no check asks for more than the specification does."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.property import test_finite_scalar, test_initialization, test_masks, test_residual, test_validation
from tests.suite.profiles import under
from vq_verify.adapters.oracle import Oracle


class OfItsOwnWords:
    """The oracle, whose errors say it backwards, and nothing at all where only a run can know."""

    name, effort, configurations, validates = "of its own words", 1.0, None, True
    offers, dtypes = Oracle.offers, Oracle.dtypes

    def __getattr__(self, name: str) -> Any:
        value = getattr(Oracle(), name)
        return _worded(value) if callable(value) else value


def _worded(method: Callable[..., Any]) -> Callable[..., Any]:
    def ask(*arguments: Any) -> Any:
        try:
            result = method(*arguments)
        except (ValueError, TypeError) as error:
            raise type(error)(_backwards(str(error))) from None
        if method.__name__ == "training":
            result.initialize_from_batch = _silent(result.initialize_from_batch)
        return result

    return ask


def _backwards(text: str) -> str:
    """Return the words of a text in the other order, without what is between them."""
    return " ".join(reversed(re.findall(r"[\w.+-]+", text)))


def _silent(method: Callable[..., None]) -> Callable[..., None]:
    def ask(*arguments: Any) -> None:
        try:
            method(*arguments)
        except ValueError:
            raise LookupError from None

    return ask


REFUSALS = [
    (module, name)
    for module in (test_validation, test_masks, test_finite_scalar, test_residual, test_initialization)
    for name in dir(module)
    if name.startswith("test_") and ("refused" in name or "error" in name)
]


@pytest.mark.clause("VQ-16.32", "VQ-16.33", "VQ-16.34")
@pytest.mark.parametrize(("module", "name"), REFUSALS, ids=[name for _, name in REFUSALS])
def test_errors_may_be_of_other_words(module: Any, name: str) -> None:
    check = getattr(module, name)
    with under("few"):
        for values in _parameters(check):
            check(OfItsOwnWords(), **values)


def _parameters(check: Callable[..., None]) -> list[dict[str, Any]]:
    """Return the arguments that a check is parametrized by, each combination of them."""
    combinations: list[dict[str, Any]] = [{}]
    for mark in getattr(check, "pytestmark", []):
        if mark.name == "parametrize":
            names, rows = mark.args
            names = [names] if isinstance(names, str) else names
            rows = [[row] if len(names) == 1 else row for row in rows]
            combinations = [{**one, **dict(zip(names, row, strict=True))} for one in combinations for row in rows]
    return combinations
