"""What there is of checks and faults, by module, name and sentence."""

import importlib
import pkgutil
from functools import partial
from types import ModuleType
from typing import Any

from tests.suite.faults.machinery import Check


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


def in_words(name: str) -> str:
    """Return the sentence that a name stands for.

    Examples
    --------
    >>> in_words("test_ties_go_to_the_lowest_index")
    'ties go to the lowest index'
    """
    return name.removeprefix("test_").replace("_", " ")


def laws_of(package: ModuleType) -> list[Any]:
    """Return the test functions of a package that cite a sentence, module by module, in the order of their source."""
    functions = [
        value
        for module in modules_of(package)
        for name, value in vars(module).items()
        if name.startswith("test_") and value.__module__ == module.__name__
    ]
    return [it for it in functions if sentences_of(it)]


def place_of(sentence: str) -> list[int]:
    """Return what a sentence is sorted by.

    Examples
    --------
    >>> sorted(["VQ-13.10", "VQ-2.7", "VQ-13.9"], key=place_of)
    ['VQ-2.7', 'VQ-13.9', 'VQ-13.10']
    """
    return [*map(int, sentence.removeprefix("VQ-").split("."))]
