"""Whether a rival finds what ours finds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1e-3  # of the largest magnitude: rounding is far below, a vector with another embedding above


def share(ours: Sequence[NDArray[Any]], rival: Sequence[NDArray[Any]]) -> float:
    """Return the share of rows that agree, in that pair of arrays where it is least.

    Integers agree when they are equal, numbers when no coordinate differs by more than `TOLERANCE` of the largest
    magnitude in the array.

    Examples
    --------
    >>> share([np.array([1, 2, 3, 4])], [np.array([1, 2, 3, 0])])
    0.75
    >>> share([np.array([1]), np.array([[1.0, 1.0], [9.0, 9.0]])], [np.array([1]), np.array([[1.0, 1.0], [9.0, 8.0]])])
    0.5
    """
    return min(float(np.mean(_rows_agree(*pair))) for pair in zip(ours, rival, strict=True))


def _rows_agree(ours: NDArray[Any], rival: NDArray[Any]) -> NDArray[np.bool_]:
    if ours.size != rival.size:
        raise ValueError(f"arrays of different sizes: {ours.shape} and {rival.shape}")
    rival = rival.reshape(ours.shape)
    if np.issubdtype(ours.dtype, np.integer):
        return ours == rival
    close = np.abs(ours - rival) <= TOLERANCE * np.max(np.abs(ours))
    return close.reshape(-1, ours.shape[-1] if ours.ndim else 1).all(axis=-1)
