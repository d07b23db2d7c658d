"""Fewer examples for what is known to be caught in so few."""

from collections.abc import Iterator

import hypothesis
import pytest

from tests.suite.profiles import under

MOST = 100  # as mutation testing gives them, which kills what it should (docs/use/mutants.md)


@pytest.fixture(autouse=True, scope="package")
def _fewer_examples() -> Iterator[None]:
    profile = hypothesis.settings.default
    hypothesis.settings.register_profile("oracle", profile, max_examples=min(profile.max_examples, MOST))
    with under("oracle"):
        yield
