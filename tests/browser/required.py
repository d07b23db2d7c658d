"""What these tests cannot do without."""

import os
from typing import NoReturn

import pytest


def lacks(message: str) -> NoReturn:
    """Skip loudly, or fail where `make browser` lets nothing be skipped."""
    (pytest.fail if os.environ.get("BROWSER_REQUIRED") else pytest.skip)(message)
