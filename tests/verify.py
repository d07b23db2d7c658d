"""The decorator that turns a check of one example into a test of every implementation."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from tests.implementations.protocol import Implementation


def verify(*clauses: str, **strategies: Callable[[Implementation], st.SearchStrategy[Any]]) -> Callable[..., Any]:
    """Mark a test with the clauses it checks, and run it on examples drawn for the implementation.

    Each keyword is a function from the implementation to the strategy that draws this argument. The number of examples
    is that of the profile, times the effort of the implementation.

    The decorated function takes the implementation and the drawn arguments; it stays at hand as ``check``.
    """

    def decorate(check: Callable[..., None]) -> Callable[..., None]:
        @pytest.mark.clause(*clauses)
        def test(implementation: Implementation) -> None:
            drawn = {name: strategy(implementation) for name, strategy in strategies.items()}
            bound = wraps(check)(lambda **arguments: check(implementation, **arguments))
            del bound.__wrapped__  # its signature has the implementation, too
            examples = round(hypothesis.settings.default.max_examples * implementation.effort)
            hypothesis.settings(max_examples=max(1, examples))(hypothesis.given(**drawn)(bound))()

        test.check = check
        test.__name__, test.__doc__, test.__module__ = check.__name__, check.__doc__, check.__module__
        return test

    return decorate
