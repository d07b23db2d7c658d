"""Distances under the L1, L2 and Linf norms (VQ-1)."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

_METRICS = {1: "cityblock", 2: "euclidean", np.inf: "chebyshev"}


def norm(vectors: NDArray[np.float64], lookup_ord: float) -> NDArray[np.float64]:
    """Return the p-norm along the last axis: ``[..., d] -> [...]``; L2 is not squared."""
    return np.asarray(np.linalg.norm(vectors, ord=lookup_ord, axis=-1))


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
    lookup_ord : {1, 2, numpy.inf}
        The order p of the norm.

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
    distance = cdist(vectors.reshape(-1, d), emb_space, _METRICS[lookup_ord])
    distance[~finite_rows(vectors).reshape(-1)] = np.nan
    distance[:, ~finite_rows(emb_space)] = np.nan
    return np.asarray(distance).reshape(*vectors.shape[:-1], n)


def finite_rows(vectors: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which vectors have only finite coordinates: ``[..., d] -> [...]`` (VQ-13)."""
    return np.asarray(np.isfinite(vectors).all(axis=-1))
