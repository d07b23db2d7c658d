"""The lookup: which embedding is nearest, and how often each was (VQ-2, VQ-4, VQ-9)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def nearest(distance: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the index of the nearest embedding: ``[batch, m, n] -> [batch, m]``.

    Ties go to the lowest index. Embeddings at distance NaN are never chosen; a vector at distance NaN from all of
    them gets -1 (VQ-13).

    Examples
    --------
    >>> nearest(np.array([[[2.0, 1.0, 1.0], [np.nan, 5.0, 6.0], [np.nan, np.nan, np.nan]]]))
    array([[ 1,  1, -1]])
    """
    largest = np.finfo(np.float64).max  # an overflown distance is still nearer than none
    index = np.where(np.isnan(distance), np.inf, np.minimum(distance, largest)).argmin(axis=-1)
    return np.where(np.isnan(distance).all(axis=-1), -1, index)


def most_similar(similarity: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the index of the most similar embedding: ``[batch, m, n] -> [batch, m]``.

    Ties go to the lowest index. Embeddings at similarity NaN are never chosen; a vector at similarity NaN to all of
    them gets -1 (VQ-9, VQ-13).

    Examples
    --------
    >>> most_similar(np.array([[[0.5, 1.0, 1.0], [np.nan, np.nan, np.nan]]]))
    array([[ 1, -1]])
    """
    return nearest(-similarity)


def select(emb_space: NDArray[Any], emb_index: NDArray[np.int64]) -> NDArray[Any]:
    """Return the embeddings at the given indices, ``[...] -> [..., d]``, dtype kept; index -1 gives a row of NaN.

    Examples
    --------
    >>> select(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, -1]))
    array([[ 3.,  4.],
           [nan, nan]])
    """
    nan_row = np.full_like(emb_space[:1], np.nan)
    return np.concatenate([emb_space, nan_row])[emb_index]


def access_count(emb_index: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """Count how often each of the n embeddings was chosen: ``[batch, m] -> [n]``; index -1 is not counted.

    Examples
    --------
    >>> access_count(np.array([[0, 2], [2, -1]]), 3)
    array([1., 0., 2.])
    """
    return np.bincount(emb_index[emb_index >= 0], minlength=n).astype(np.float64)
