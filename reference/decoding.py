"""The embeddings that stored codes stand for (VQ-13)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference import validation


def decoded(emb_space: NDArray[Any], emb_index: NDArray[Any]) -> NDArray[Any]:
    """Return the embeddings at the given indices, ``[...] -> [..., d]``, dtype kept; index -1 gives a row of NaN.

    Parameters
    ----------
    emb_space : array, shape [n, d]
    emb_index : array, shape [...], any integer dtype

    Raises
    ------
    ValueError
        For any other index outside [0, n).

    Examples
    --------
    >>> decoded(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, -1, 0], np.int8))
    array([[ 3.,  4.],
           [nan, nan],
           [ 1.,  2.]])
    """
    n, d = emb_space.shape
    validation.check_indices(emb_index, n)
    rows = np.full((*emb_index.shape, d), np.nan, emb_space.dtype)
    for place, index in np.ndenumerate(emb_index):
        if index != -1:
            rows[place] = emb_space[int(index)]
    return rows
