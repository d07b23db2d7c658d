"""The lowest versions that pyproject.toml admits: ``python -m tests.lowest`` prints them as constraints for pip."""

import sys
import tomllib
from pathlib import Path

_PROJECT = Path(__file__).parents[1] / "pyproject.toml"
_EXTRAS = "test", "examples"  # what the suite imports


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
    ... dependencies = ["numpy>=1.26"]
    ... [project.optional-dependencies]
    ... test = ["pytest>=8"]
    ... examples = []
    ... lint = ["ruff>=0.6"]
    ... ''')
    ['numpy==1.26', 'pytest==8']
    """
    table = tomllib.loads(project)["project"]
    of_extras = (table["optional-dependencies"][extra] for extra in _EXTRAS)
    return [_lowest(requirement) for requirement in sum(of_extras, table["dependencies"])]


def _lowest(requirement: str) -> str:
    name, at_least, version = requirement.partition(">=")
    if not at_least or any(sign in version for sign in ",<>=!;"):
        raise ValueError(f"a requirement must be a name and its lower bound. Received: {requirement!r}")
    return f"{name}=={version}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{constraint}\n" for constraint in constraints(_PROJECT.read_text()))
