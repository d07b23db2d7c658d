"""The lowest versions that pyproject.toml admits: ``python -m tests.lowest`` prints them as constraints for pip."""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

_PROJECT = Path(__file__).parents[1] / "pyproject.toml"
_EXTRAS = "test", "examples"  # what our tests import; extras may name others


def constraints(project: str) -> list[str]:
    """Return one constraint for each requirement of the packages and of their tests, its lower bound.

    Parameters
    ----------
    project : str
        What pyproject.toml holds.

    Raises
    ------
    ValueError
        If a requirement has no lower bound, or more than that.

    Examples
    --------
    >>> constraints('''
    ... [project]
    ... name = "mine"
    ... dependencies = ["numpy>=1.26"]
    ... [project.optional-dependencies]
    ... verify = ["pytest>=8"]
    ... test = ["mine[verify]"]
    ... examples = []
    ... lint = ["ruff>=0.6"]
    ... ''')
    ['numpy==1.26', 'pytest==8']
    """
    table = tomllib.loads(project)["project"]
    named = sum((_requirements(table, extra) for extra in _EXTRAS), table["dependencies"])
    return list(dict.fromkeys(map(_lowest, named)))


def _requirements(table: dict[str, Any], extra: str) -> list[str]:
    """Return the requirements of an extra, and of the extras that it names."""
    own = re.escape(table["name"])
    found: list[str] = []
    for requirement in table["optional-dependencies"][extra]:
        others = re.fullmatch(rf"{own}\[(.+)\]", requirement)
        for named in others[1].split(",") if others else ():
            found += _requirements(table, named)
        found += [] if others else [requirement]
    return found


def _lowest(requirement: str) -> str:
    name, at_least, version = requirement.partition(">=")
    if not at_least or any(sign in version for sign in ",<>=!;"):
        raise ValueError(f"a requirement must be a name and its lower bound. Received: {requirement!r}")
    return f"{name}=={version}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{constraint}\n" for constraint in constraints(_PROJECT.read_text()))
