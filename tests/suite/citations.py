"""Which sentences of the specification the tests cite, read from their source: to import all of them takes long."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]

# What checks an implementation, ours or any; tests/suite and tests/package check what is around it.
_FOLDERS = ("property", "parity", "faces", "kernels", "oracle", "replicas")


def modules(*folders: str) -> list[Path]:
    """Return the test modules in folders of tests."""
    return sorted(path for folder in folders or _FOLDERS for path in (ROOT / "tests" / folder).glob("test_*.py"))


def citations(source: str) -> dict[str, set[str]]:
    r"""Return the numbers that each test of a module cites, by `verify` or `pytest.mark.clause`.

    Examples
    --------
    >>> citations('@pytest.mark.clause("VQ-2.3")\ndef test_it(): pass')
    {'test_it': {'VQ-2.3'}}
    """
    tests = (it for it in ast.parse(source).body if isinstance(it, ast.FunctionDef) and it.name.startswith("test_"))
    return {test.name: {number for it in test.decorator_list for number in _cited(it)} for test in tests}


def _cited(decorator: ast.expr) -> list[str]:
    if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func) not in ("verify", "pytest.mark.clause"):
        return []
    return [ast.literal_eval(argument) for argument in decorator.args]


def cited(paths: list[Path]) -> set[str]:
    """Return all numbers that tests of modules cite."""
    return {number for path in paths for numbers in citations(path.read_text()).values() for number in numbers}
