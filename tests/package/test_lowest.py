"""The lowest versions that are tested are the lower bounds of pyproject.toml."""

import re
from pathlib import Path

import pytest

from tests.lowest import constraints

PROJECT = (Path(__file__).parents[2] / "pyproject.toml").read_text()


def test_every_dependency_and_whatever_its_tests_import_is_held_to_its_lower_bound():
    lowest = dict(constraint.split("==") for constraint in constraints(PROJECT))
    assert lowest.keys() >= {"numpy", "scipy", "tensorflow", "keras", "pytest", "hypothesis", "ml_dtypes", "matplotlib"}
    bounds = dict(re.findall(r'"([\w-]+)>=([\d.]+)"', PROJECT))
    assert {name: bounds[name] for name in lowest} == lowest


@pytest.mark.parametrize("requirement", ["numpy", "numpy<3", "numpy>=1.26,<3", "numpy>=1.26; python_version<'3.12'"])
def test_a_requirement_without_a_lower_bound_alone_is_an_error(requirement):
    project = f'[project]\nname = "mine"\ndependencies = ["{requirement}"]\n'
    project += "optional-dependencies = {test = [], examples = []}"
    with pytest.raises(ValueError, match=re.escape(f"Received: {requirement!r}")):
        constraints(project)
