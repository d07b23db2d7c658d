"""What the oracle says of a setting of the playground, each number with a bound of its rounding."""

from typing import Any

from reference import Norm
from reference.passes import Pass
from tests.browser.oracle.averages import averages
from tests.browser.oracle.bounds import Numbers
from tests.browser.oracle.estimators import estimators
from tests.browser.oracle.lookup import found, spacings, usage
from tests.browser.oracle.losses import losses
from tests.browser.oracle.replacements import replacements
from tests.browser.oracle.starts import starts

__all__ = ["found", "numbers"]


def numbers(setting: dict[str, Any], it: Pass) -> Numbers:
    """Return all other numbers, those of losses and gradients by dotted names."""
    return {
        **usage(it),
        **(spacings(setting, it) if isinstance(it.comparison, Norm) else {}),
        **losses(setting, it),
        **estimators(setting, it),
        **averages(setting, it),
        **replacements(setting, it),
        **starts(setting, it),
    }
