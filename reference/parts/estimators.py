"""How the gradient of the output passes to the inputs (VQ-3, VQ-19, VQ-27). The value is always the chosen row."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.dtypes import comparison_dtype
from reference.rotation import length, rotation
from reference.similarity import normalize

__all__ = ["DiVeQ", "NoGradient", "Rotation", "StraightThrough"]

Array = NDArray[Any]


class Estimator:
    """What the estimators have in common: a name, and a gradient."""

    name: str

    def gradient_to_vectors(self, vectors: Array, chosen: Array, upstream: Array) -> Array:
        """Return the gradient by the vectors of ``sum(output * upstream)``, ``[..., d]``.

        Parameters
        ----------
        vectors : array, shape [..., d], float64
            NaN where masked.
        chosen : array, shape [..., d], float64
            The chosen embeddings; NaN where there is none.
        upstream : array, shape [..., d], of the dtype of x
        """
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


@dataclass(frozen=True)
class Rotation(Estimator):
    """Turn the gradient back by the rotation that turns the vector onto its embedding, and scale it likewise.

    The rotation trick of Fifty et al. (2024, "Restructuring Vector Quantization with the Rotation Trick", section 4.2),
    in which the output is ``||e|| / ||x|| * R x`` with scale and R constant. As it is where that has no meaning.

    Examples
    --------
    A quarter turn, from the first axis to twice as far on the second; the gradient turns back.

    >>> x, e = np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]])
    >>> Rotation().gradient_to_vectors(x, e, np.array([[0.0, 1.0]])).round(12)
    array([[2., 0.]])
    """

    name = "rotation"

    def gradient_to_vectors(self, vectors: Array, chosen: Array, upstream: Array) -> Array:
        """Return ``||e|| / ||x|| * R^T upstream``, ``[..., d]``, float64."""
        lengths = length(vectors), length(chosen)
        turns = (lengths[0] > 0) & (lengths[1] > 0)  # neither 0 nor NaN
        with np.errstate(over="ignore"):
            scale = lengths[1] / np.where(turns, lengths[0], 1)
        turned = np.einsum("...ji,...j->...i", rotation(normalize(vectors), normalize(chosen)), upstream)
        return np.where(turns & (scale <= np.finfo(comparison_dtype(upstream.dtype)).max), scale * turned, upstream)


@dataclass(frozen=True)
class DiVeQ(Estimator):
    """Take the part out of the gradient that lies in the direction from the vector to its embedding.

    Vali, Bäckström, Solin (2025, "DiVeQ: Differentiable Vector Quantization Using the Reparameterization Trick"), in
    the limit of no noise: the output is ``x + ||e - x|| u`` with a constant u, the direction of e - x. What it sends to
    the embedding is left out (VQ-3).

    Examples
    --------
    >>> x, e = np.array([[1.0, 2.0]]), np.array([[1.0, 5.0]])
    >>> DiVeQ().gradient_to_vectors(x, e, np.array([[3.0, 4.0]]))
    array([[3., 0.]])
    """

    name = "diveq"

    def gradient_to_vectors(self, vectors: Array, chosen: Array, upstream: Array) -> Array:
        """Return ``upstream - u (u . upstream)``, ``[..., d]``, float64."""
        direction = normalize(chosen - vectors)
        along = (direction * upstream).sum(axis=-1, keepdims=True)
        return np.where(np.isnan(direction), upstream, upstream - along * direction)
