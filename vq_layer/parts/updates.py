"""How the embedding space moves in training (VQ-17)."""

from typing import Any, ClassVar

from vq_layer.parts.part import Part, State, part, resolved
from vq_layer.parts.passes import Pass
from vq_layer.parts.statistics import Statistics

__all__ = ["Gradient"]


class Rule(Part):
    """What training does beside the gradients, in two pure functions: what it gathers, and what it makes of that.

    It sees a batch only through its statistics, which can be merged; those of the same name are the same for all rules.
    """

    def gather(self, it: Pass) -> Statistics:
        """Return the statistics of a pass."""
        del it
        return {}

    def after(self, state: State, statistics: Statistics) -> State:
        """Return the state after a training pass of these statistics."""
        del statistics
        return state


class Update(Rule):
    """How the embedding space moves."""

    by_gradient: ClassVar[bool] = False  # whether an optimizer trains it


@part
class Gradient(Update):
    """By the gradients of the losses alone; where no loss reaches it, it is not trainable."""

    by_gradient: ClassVar[bool] = True


NAMES = {"gradient": Gradient}


def update_of(value: Any) -> Update:
    """Return the update that an argument stands for."""
    return resolved("update", value, Update, NAMES)
