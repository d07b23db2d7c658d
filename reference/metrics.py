"""How much of the embedding space is in use (VQ-4)."""

import numpy as np
from numpy.typing import NDArray


def perplexity(access_count: NDArray[np.float64]) -> np.float64:
    """Return the exponential of the entropy of the usage: ``[n] -> []``; NaN when nothing was counted.

    ``exp(-sum p log p)`` with ``p = access_count / sum(access_count)``: n when all embeddings are used equally often,
    1 when only one is used.

    Examples
    --------
    >>> float(perplexity(np.array([2.0, 2.0, 0.0])))
    2.0
    """
    if access_count.sum() == 0:
        return np.float64(np.nan)
    share = access_count[access_count > 0] / access_count.sum()
    return np.float64(np.exp(-np.sum(share * np.log(share))))


def codebook_usage(access_count: NDArray[np.float64]) -> np.float64:
    """Return the share, in [0, 1], of embeddings that were used at all: ``[n] -> []``; NaN when nothing was counted.

    Examples
    --------
    >>> float(codebook_usage(np.array([2.0, 2.0, 0.0, 0.0])))
    0.5
    """
    return np.float64(np.mean(access_count > 0) if access_count.any() else np.nan)
