"""Splitting of inputs into the vectors that are quantized one by one (VQ-1)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference import validation


def split(x: NDArray[Any], num_splits: int) -> NDArray[np.float64]:
    """Cut the last axis of `x` into `num_splits` equal vectors.

    ``[batch, r, q] -> [batch, m, d]`` with ``m = r * num_splits`` and ``d = q / num_splits``, row-major: with
    ``num_splits=4``, ``[16, 256, 64] -> [16, 1024, 16]``, and input ``[b, i, 16 * s : 16 * (s + 1)]`` becomes
    vector ``[b, 4 * i + s]``.

    Parameters
    ----------
    x : array, shape [batch, r, q]
        Inputs of any floating dtype.
    num_splits : int
        A divisor of q.

    Returns
    -------
    array, shape [batch, m, d], float64

    Examples
    --------
    >>> split(np.arange(8.0).reshape(1, 2, 4), 2)
    array([[[0., 1.],
            [2., 3.],
            [4., 5.],
            [6., 7.]]])
    """
    batch, r, q = x.shape
    return x.astype(np.float64).reshape(batch, r * num_splits, q // num_splits)


def merge(vectors: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Undo `split`: ``[batch, m, d]`` back to the shape of `x`, row-major, dtype kept."""
    return vectors.reshape(x.shape)


def split_mask(mask: NDArray[Any] | None, x: NDArray[Any], num_splits: int) -> NDArray[np.bool_]:
    """Return which vectors count: a mask of the first axes of x, or none, as ``[batch, m]`` (VQ-21).

    Examples
    --------
    >>> split_mask(np.array([[True, False]]), np.zeros((1, 2, 4)), 2)
    array([[ True,  True, False, False]])
    """
    rows = x.shape[:-1]
    mask = np.ones(rows, bool) if mask is None else np.asarray(mask)
    validation.check_mask(mask, rows)
    mask = mask.reshape(mask.shape + (1,) * (len(rows) - mask.ndim))
    return np.repeat(np.broadcast_to(mask, rows), num_splits, axis=-1)
