"""Distances under the p-norms (VQ-1)."""

import numpy as np
from numpy.typing import NDArray

from reference.non_finite import finite_rows
from reference.norms import norm_of


def norm(vectors: NDArray[np.float64], lookup_ord: float) -> NDArray[np.float64]:
    """Return the p-norm along the last axis: ``[..., d] -> [...]``; L2 is not squared."""
    return np.asarray(norm_of(lookup_ord).length(vectors))


def pairwise_distance(
    vectors: NDArray[np.float64], emb_space: NDArray[np.float64], lookup_ord: float
) -> NDArray[np.float64]:
    """Return the distance of every vector to every embedding.

    ``D[..., j] = ||vectors[...] - emb_space[j]||_p``, by direct differences, so that a vector that equals an
    embedding is at distance exactly 0 from it.

    Parameters
    ----------
    vectors : array, shape [..., d], float64
    emb_space : array, shape [n, d], float64
    lookup_ord : float
        The order p of the norm, at least 1 or infinity.

    Returns
    -------
    array, shape [..., n], float64
        NaN where the vector or the embedding has a NaN or infinite coordinate (VQ-13).

    Examples
    --------
    >>> pairwise_distance(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]]), 2)
    array([[5., 1.]])
    """
    n, d = emb_space.shape
    distance = norm_of(lookup_ord).pairwise(vectors.reshape(-1, d), emb_space)
    distance[~finite_rows(vectors).reshape(-1)] = np.nan
    distance[:, ~finite_rows(emb_space)] = np.nan
    return np.asarray(distance).reshape(*vectors.shape[:-1], n)
