"""How far apart the embeddings lie (VQ-6)."""

import numpy as np
from numpy.typing import NDArray

from reference.distances import pairwise_distance


def emb_spacing(emb_space: NDArray[np.float64], lookup_ord: float) -> NDArray[np.float64]:
    """Return the distances between all pairs of embeddings: ``[n, d] -> [n (n - 1) / 2]``.

    The strict upper triangle of the distance matrix, row-major: (0, 1), (0, 2), ..., (1, 2), ...

    Examples
    --------
    >>> emb_spacing(np.array([[0.0], [1.0], [5.0]]), 1)
    array([1., 5., 4.])
    """
    distance = pairwise_distance(emb_space, emb_space, lookup_ord)
    return distance[np.triu_indices(len(emb_space), k=1)]


def emb_closest_spacing(emb_space: NDArray[np.float64], lookup_ord: float) -> NDArray[np.float64]:
    """Return the distance of each embedding to the nearest other one: ``[n, d] -> [n]``.

    An embedding with no finite other one is at spacing 0; an embedding that is not finite at spacing NaN (VQ-13).

    Examples
    --------
    >>> emb_closest_spacing(np.array([[0.0], [1.0], [5.0]]), 1)
    array([1., 1., 4.])
    """
    spacing = np.zeros(len(emb_space))
    for i, row in enumerate(pairwise_distance(emb_space, emb_space, lookup_ord)):
        others = np.delete(row, i)
        spacing[i] = np.nan if np.isnan(row[i]) else np.min(others[~np.isnan(others)], initial=np.inf)
    return np.where(np.isinf(spacing), 0.0, spacing)
