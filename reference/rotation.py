"""The rotation of one vector onto another (VQ-27)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.similarity import normalize

Array = NDArray[Any]


def rotation(start: Array, end: Array) -> Array:
    """Return the matrix that turns one unit vector onto another, ``[..., d], [..., d] -> [..., d, d]`` (VQ-27).

    ``R = I - 2 r r^T + 2 end start^T`` with r = start + end scaled to norm 1. It is the product of two reflections,
    the first of which turns start to -start, and the second -start onto end: so written, it keeps lengths even where
    rounding leaves little of r, near the opposite. At the opposite r is 0.

    Examples
    --------
    >>> rotation(np.array([1.0, 0.0]), np.array([0.0, 1.0])).round(12) + 0
    array([[ 0., -1.],
           [ 1.,  0.]])
    >>> rotation(np.array([1.0, 0.0]), np.array([-1.0, 0.0]))
    array([[-1.,  0.],
           [ 0.,  1.]])
    """
    return np.asarray(_reflection(normalize(start + end)) @ _reflection(start))


def _reflection(unit: Array) -> Array:
    """Return ``I - 2 v v^T``, ``[..., d] -> [..., d, d]``."""
    return np.asarray(np.eye(unit.shape[-1]) - 2 * unit[..., :, np.newaxis] * unit[..., np.newaxis, :])


def length(vectors: Array) -> Array:
    """Return the L2 norm of each vector, ``[..., d] -> [..., 1]``; NaN of one that is not finite.

    The largest magnitude is divided out first, so that no square overflows or underflows.
    """
    vectors = np.where(np.isfinite(vectors), vectors, np.nan)
    largest = np.abs(vectors).max(axis=-1, keepdims=True)
    scaled = vectors / np.where(largest == 0, 1, largest)
    return np.asarray(largest * np.linalg.norm(scaled, axis=-1, keepdims=True))
