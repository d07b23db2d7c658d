"""How a training pass itself moves the embedding space (VQ-17)."""

from dataclasses import dataclass
from typing import Any

from reference.passes import Pass
from reference.statistics import Statistics

__all__ = ["Gradient"]


@dataclass(frozen=True)
class Gradient:
    """Not at all: the embedding space moves by the gradients of its losses alone. It has no state."""

    def initial_state(self, emb_space: Any) -> dict[str, Any]:
        """Return no state."""
        del emb_space
        return {}

    def gather(self, it: Pass) -> Statistics:
        """Return no statistic."""
        del it
        return {}

    def after(self, state: dict[str, Any], statistics: Statistics) -> dict[str, Any]:
        """Return the state as it is."""
        del statistics
        return state
