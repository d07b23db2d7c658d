"""The losses: terms of one sum, each a function of a pass (VQ-5, VQ-18)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from reference import distances, gradients, spacing, validation
from reference.distances import norm
from reference.non_finite import finite_rows
from reference.parts.comparisons import lookup_ord_of
from reference.passes import Pass

__all__ = ["Alpha", "Beta", "Codebook", "Commitment", "Coulomb"]

Array = NDArray[np.float64]


def alpha_loss(
    vectors: NDArray[np.float64], chosen: NDArray[np.float64], lookup_ord: float, alpha: float
) -> np.float64:
    """Pull each chosen embedding towards its inputs.

    ``mean over (batch, m) of alpha * ||chosen - vectors||_p``, both ``[batch, m, d]``. The mean is over the finite
    vectors; it is 0 when there are none (VQ-13). For L2 this is the VQ objective of van den Oord et al. (2017,
    "Neural Discrete Representation Learning", eq. 3, second term) without its square.

    Examples
    --------
    >>> float(alpha_loss(np.array([[[0.0, 0.0], [1.0, 1.0]]]), np.array([[[3.0, 4.0], [1.0, 1.0]]]), 2, 0.5))
    1.25
    """
    return _mean(alpha * norm(chosen - vectors, lookup_ord), finite_rows(chosen) & finite_rows(vectors))


def beta_loss(distance: NDArray[np.float64], beta: float) -> np.float64:
    """Pull every embedding towards every input.

    ``mean over (batch, m) of beta * sum over j of distance[..., j]``. Pairs at distance NaN add nothing; the mean is
    over the finite vectors, 0 when there are none (VQ-13).

    Examples
    --------
    >>> float(beta_loss(np.array([[[1.0, 2.0], [3.0, 4.0]]]), 0.5))
    2.5
    """
    return _mean(beta * np.nansum(distance, axis=-1), np.logical_not(np.isnan(distance).all(axis=-1)))


def coulomb_loss(closest_spacing: NDArray[np.float64], gamma: float) -> np.float64:
    """Push each embedding away from its nearest other one: ``-gamma * sum(closest_spacing)``, over ``[n]``.

    Examples
    --------
    >>> float(coulomb_loss(np.array([1.0, 1.0, 4.0]), 0.5))
    -3.0
    """
    return np.float64(-gamma * np.nansum(closest_spacing))


def codebook_loss(vectors: Array, chosen: Array, weight: float) -> np.float64:
    """Pull each chosen embedding towards its inputs, by the square.

    ``weight * mean of (chosen - vectors)^2``, both ``[batch, m, d]``, over the coordinates of the vectors that found
    an embedding; 0 when there are none. With weight 1 it is the VQ objective of van den Oord et al. (2017, eq. 3,
    second term), as a mean.

    Examples
    --------
    >>> float(codebook_loss(np.array([[[0.0, 0.0], [1.0, 1.0]]]), np.array([[[3.0, 4.0], [1.0, np.nan]]]), 2.0))
    25.0
    """
    squares = (chosen - vectors) ** 2
    return _mean(weight * squares.mean(axis=-1), finite_rows(chosen) & finite_rows(vectors))


def commitment_loss(vectors: Array, chosen: Array, weight: float) -> np.float64:
    """Pull each input towards its embedding: the value of `codebook_loss`, whose gradient goes to the inputs instead.

    The third term of the objective of van den Oord et al. (2017, eq. 3), as a mean; its weight is their beta.
    """
    return codebook_loss(vectors, chosen, weight)


def _mean(values: NDArray[np.float64], counted: NDArray[np.bool_]) -> np.float64:
    return np.float64(np.sum(values[counted]) / max(int(counted.sum()), 1))


class Loss:
    """What the losses have in common: a name, a weight, a value, and gradients, which are zero unless it says more."""

    name: ClassVar[str]
    needs_norm: ClassVar[bool] = False  # whether it takes distances
    trains_emb_space: ClassVar[bool] = True  # whether its gradient reaches the embedding space
    weight: float

    def value(self, it: Pass) -> np.float64:
        """Return the loss."""
        raise NotImplementedError

    def gradient_to_emb_space(self, it: Pass) -> Array:
        """Return the gradient by the embedding space, ``[n, d]``."""
        return np.zeros_like(it.codebook)

    def gradient_to_vectors(self, it: Pass) -> Array:
        """Return the gradient by the vectors, ``[batch, m, d]``."""
        return np.zeros_like(it.vectors)


@dataclass(frozen=True)
class Alpha(Loss):
    """The alpha-loss (VQ-5): each chosen embedding is pulled towards its inputs, under the norm of the lookup."""

    weight: float
    name = "alpha_loss"
    needs_norm = True

    def __post_init__(self) -> None:
        validation.check_weight("weight", self.weight, " of Alpha (alpha)")

    def value(self, it: Pass) -> np.float64:
        """Return the loss, in the full space."""
        return alpha_loss(it.vectors, it.chosen, lookup_ord_of(it.comparison), self.weight)

    def gradient_to_emb_space(self, it: Pass) -> Array:
        """Return its gradient, ``[n, d]``."""
        order = lookup_ord_of(it.comparison)
        return gradients.alpha_gradient(it.vectors, it.codebook, it.emb_index, order, self.weight)


@dataclass(frozen=True)
class Beta(Loss):
    """The beta-loss (VQ-5): every embedding is pulled towards every input, in the space of the lookup."""

    weight: float
    name = "beta_loss"
    needs_norm = True

    def __post_init__(self) -> None:
        validation.check_weight("weight", self.weight, " of Beta (beta)")

    def value(self, it: Pass) -> np.float64:
        """Return the loss."""
        return beta_loss(it.search.distance, self.weight)

    def gradient_to_emb_space(self, it: Pass) -> Array:
        """Return its gradient, ``[n, d]``."""
        projection, order = it.search.projection, lookup_ord_of(it.comparison)
        vectors, codebook = projection.apply(it.vectors), projection.apply(it.codebook)
        return projection.pull_back(gradients.beta_gradient(vectors, codebook, order, self.weight))


@dataclass(frozen=True)
class Coulomb(Loss):
    """The Coulomb-loss (VQ-5): each embedding is pushed away from its nearest other one, in the full space."""

    weight: float
    name = "coulomb_loss"
    needs_norm = True

    def __post_init__(self) -> None:
        validation.check_weight("weight", self.weight, " of Coulomb (gamma)")

    def value(self, it: Pass) -> np.float64:
        """Return the loss."""
        distance = distances.pairwise_distance(it.codebook, it.codebook, lookup_ord_of(it.comparison))
        return coulomb_loss(spacing.emb_closest_spacing(distance), self.weight)

    def gradient_to_emb_space(self, it: Pass) -> Array:
        """Return its gradient, ``[n, d]``."""
        return gradients.coulomb_gradient(it.codebook, lookup_ord_of(it.comparison), self.weight)


@dataclass(frozen=True)
class Codebook(Loss):
    """The codebook-loss (VQ-18): each chosen embedding is pulled towards its inputs, by the square."""

    weight: float = 1.0
    name = "codebook_loss"

    def __post_init__(self) -> None:
        validation.check_weight("weight", self.weight, " of Codebook")

    def value(self, it: Pass) -> np.float64:
        """Return the loss, in the full space."""
        return codebook_loss(it.vectors, it.chosen, self.weight)

    def gradient_to_emb_space(self, it: Pass) -> Array:
        """Return its gradient, ``[n, d]``."""
        return gradients.codebook_gradient(it.vectors, it.codebook, it.emb_index, self.weight)


@dataclass(frozen=True)
class Commitment(Loss):
    """The commitment-loss (VQ-18): each input is pulled towards its embedding, by the square."""

    weight: float = 0.25
    name = "commitment_loss"
    trains_emb_space = False

    def __post_init__(self) -> None:
        validation.check_weight("weight", self.weight, " of Commitment")

    def value(self, it: Pass) -> np.float64:
        """Return the loss, in the full space."""
        return commitment_loss(it.vectors, it.chosen, self.weight)

    def gradient_to_vectors(self, it: Pass) -> Array:
        """Return its gradient, ``[batch, m, d]``."""
        return gradients.commitment_gradient(it.vectors, it.codebook, it.emb_index, self.weight)
