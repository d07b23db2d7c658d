"""How the gradient of the output passes to the inputs (VQ-3, VQ-19). The value is always the chosen row."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NoGradient", "StraightThrough"]

Array = NDArray[Any]


class Estimator:
    """What the estimators have in common: a name, and a gradient."""

    name: str

    def gradient_to_vectors(self, vectors: Array, chosen: Array, upstream: Array) -> Array:
        """Return the gradient by the vectors of ``sum(output * upstream)``, ``[..., d]``."""
        raise NotImplementedError


@dataclass(frozen=True)
class StraightThrough(Estimator):
    """Pass the gradient on as it is, as if the output were the input.

    The straight-through estimator of Bengio et al. (2013), as in van den Oord et al. (2017, section 3.2).
    """

    name = "straight-through"

    def gradient_to_vectors(self, vectors: Array, chosen: Array, upstream: Array) -> Array:
        """Return `upstream`, ``[..., d]``."""
        del vectors, chosen
        return upstream


@dataclass(frozen=True)
class NoGradient(Estimator):
    """Pass nothing on."""

    name = "none"

    def gradient_to_vectors(self, vectors: Array, chosen: Array, upstream: Array) -> Array:
        """Return zeros, ``[..., d]``."""
        del vectors, chosen
        return np.zeros_like(upstream)
