"""The three losses that train the embedding space (VQ-5)."""

import numpy as np
from numpy.typing import NDArray

from reference.distances import finite_rows, norm


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


def _mean(values: NDArray[np.float64], counted: NDArray[np.bool_]) -> np.float64:
    return np.float64(np.sum(values[counted]) / max(int(counted.sum()), 1))
