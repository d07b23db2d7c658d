"""Hypothesis profiles that hold for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

import hypothesis


@contextmanager
def under(profile: str) -> Iterator[None]:
    """Let a registered profile be the default, and afterwards the one that was."""
    hypothesis.settings.register_profile("previous", hypothesis.settings.default)
    hypothesis.settings.load_profile(profile)
    try:
        yield
    finally:
        hypothesis.settings.load_profile("previous")
