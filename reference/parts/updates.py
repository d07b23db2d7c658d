"""How a training pass itself moves the embedding space (VQ-17)."""

from dataclasses import dataclass
from typing import Any

from reference.passes import Pass
from reference.statistics import Statistics

__all__ = ["Gradient"]


class Update:
    """What the updates have in common: no state and no statistic, unless they say more."""

    by_gradient = False  # whether an optimizer moves the embedding space

    def initial_state(self, emb_space: Any) -> dict[str, Any]:
        """Return the state before any training pass."""
        del emb_space
        return {}

    def gather(self, it: Pass) -> Statistics:
        """Return the statistics of a pass."""
        del it
        return {}

    def after(self, state: dict[str, Any], statistics: Statistics) -> dict[str, Any]:
        """Return the state after a training pass that gathered the statistics."""
        del statistics
        return state


@dataclass(frozen=True)
class Gradient(Update):
    """Not at all: the embedding space moves by the gradients of its losses alone."""

    by_gradient = True
