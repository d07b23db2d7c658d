"""Initialization of the embedding space from a batch (VQ-12)."""

import numpy as np
from numpy.typing import NDArray

from reference.distances import finite_rows


def first_rows(vectors: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return the first n vectors, row-major, as an embedding space: ``[batch, m, d] -> [n, d]``.

    Raises
    ------
    ValueError
        Where there are fewer than n, or one of them has a NaN or infinite coordinate.

    Examples
    --------
    >>> first_rows(np.arange(8.0).reshape(2, 2, 2), 3)
    array([[0., 1.],
           [2., 3.],
           [4., 5.]])
    """
    rows = vectors.reshape(-1, vectors.shape[-1])[:n]
    if len(rows) < n:
        raise ValueError(f"`x` must hold at least n={n} vectors to initialize from. Received: {len(rows)}")
    if not finite_rows(rows).all():
        raise ValueError(f"the first n={n} vectors of `x` must be finite to initialize from. Received: {rows}")
    return rows
