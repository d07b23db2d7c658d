"""How far apart the embeddings lie (VQ-6).

Both spacings are functions of the distances of the embeddings among each other,
``pairwise_distance(emb_space, emb_space, lookup_ord)``.
"""

import numpy as np
from numpy.typing import NDArray


def emb_spacing(emb_distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances between all pairs of embeddings: ``[n, n] -> [n (n - 1) / 2]``.

    The strict upper triangle of the distance matrix, row-major: (0, 1), (0, 2), ..., (1, 2), ...

    Examples
    --------
    >>> emb_spacing(np.array([[0.0, 1.0, 5.0], [1.0, 0.0, 4.0], [5.0, 4.0, 0.0]]))
    array([1., 5., 4.])
    """
    return emb_distance[np.triu_indices(len(emb_distance), k=1)]


def emb_closest_spacing(emb_distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of each embedding to the nearest other one: ``[n, n] -> [n]``.

    An embedding with no finite other one is at spacing 0; an embedding that is not finite at spacing NaN (VQ-13).

    Examples
    --------
    >>> emb_closest_spacing(np.array([[0.0, 1.0, 5.0], [1.0, 0.0, 4.0], [5.0, 4.0, 0.0]]))
    array([1., 1., 4.])
    """
    spacing = np.zeros(len(emb_distance))
    for i, row in enumerate(emb_distance):
        others = np.delete(row, i)
        spacing[i] = np.nan if np.isnan(row[i]) else np.min(others[~np.isnan(others)], initial=np.inf)
    return np.where(np.isinf(spacing), 0.0, spacing)
