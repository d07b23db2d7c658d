"""Finite scalar quantization: a fixed grid in the place of a codebook (VQ-29)."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference import lookup, splitting, validation
from reference.dtypes import comparison_dtype
from reference.non_finite import finite_rows

LARGEST_COUNTED = 2**20  # with more vectors than this in the grid, no access count is an array


class FiniteScalarResult(NamedTuple):
    """What `finite_scalar_quantization` computes.

    Attributes
    ----------
    layer_out : array, shape [batch, r, q], dtype of x
        Every vector replaced by one of the grid, NaN where it is not finite, or by itself where it is masked.
    emb_index : array, shape [batch, m], int64
        The index of that vector of the grid; -1 for a vector that does not count.
    access_count : array, shape [n], float64, or None
        How often each was chosen; None where n, the product of the levels, is above 2^20.
    """

    layer_out: NDArray[Any]
    emb_index: NDArray[np.int64]
    access_count: NDArray[np.float64] | None


def finite_scalar_quantization(
    x: NDArray[Any], levels: Sequence[int], num_splits: int = 1, mask: NDArray[Any] | None = None
) -> FiniteScalarResult:
    """Replace every coordinate of x by one of few values: bound it, and round it (Mentzer et al., 2023).

    Parameters
    ----------
    x : array, shape [batch, r, q], floating dtype
        The inputs; their last axis is cut into `num_splits` vectors of size d = q / num_splits.
    levels : sequence of d integers
        How many values each coordinate of a vector can take.
    num_splits : int
    mask : array, bool, or None
        Which vectors count, of the shape of x without its last axis, or of the first of these axes (VQ-21).

    Raises
    ------
    ValueError, TypeError
        Where an argument breaks its rule (VQ-16, VQ-29).

    Examples
    --------
    >>> result = finite_scalar_quantization(np.array([[[-9.0, 0.3], [0.6, 9.0]]]), [3, 4])
    >>> result.layer_out
    array([[[-1. ,  0. ],
            [ 1. ,  0.5]]])
    >>> result.emb_index  # the levels are (0, 2) and (2, 3)
    array([[ 6, 11]])
    """
    x, counted = _checked(x, levels, num_splits, mask)
    vectors = splitting.split(x, num_splits)
    found = counted & finite_rows(vectors)
    integers = rounded(bounded(np.where(found[..., np.newaxis], vectors, 0), levels, x.dtype))
    emb_index = np.where(found, index_of(integers + _half(levels), levels), -1)
    out = decoded(emb_index, levels, x.dtype)
    n = math.prod(levels)
    return FiniteScalarResult(
        layer_out=splitting.merge(np.where(counted[..., np.newaxis], out, x.reshape(out.shape)), x),
        emb_index=emb_index,
        access_count=lookup.access_count(emb_index, n) if n <= LARGEST_COUNTED else None,
    )


def finite_scalar_gradient(
    x: NDArray[Any],
    levels: Sequence[int],
    upstream: NDArray[Any],
    num_splits: int = 1,
    mask: NDArray[Any] | None = None,
) -> NDArray[np.float64]:
    """Return the gradient of ``sum(layer_out * upstream)`` by x, ``[batch, r, q]``.

    As if nothing were rounded, that of ``b(z) / floor(L/2)``; the identity for a masked vector, and 0 for one that is
    not finite.

    Examples
    --------
    >>> finite_scalar_gradient(np.array([[[0.0, 9.0]]]), [5, 5], np.ones((1, 1, 2))).round(4)
    array([[[1., 0.]]])
    """
    x, counted = _checked(x, levels, num_splits, mask)
    vectors, arriving = splitting.split(x, num_splits), splitting.split(upstream, num_splits)
    finite = finite_rows(vectors)[..., np.newaxis]
    half_width, _, shift = _bound(levels, x.dtype)
    derivative = half_width * (1 - np.tanh(np.where(finite, vectors, 0) + shift) ** 2)
    passed = np.where(finite, arriving * derivative / _half(levels), 0)
    return splitting.merge(np.where(counted[..., np.newaxis], passed, arriving), x)


def bounded(vectors: NDArray[np.float64], levels: Sequence[int], dtype: Any) -> NDArray[np.float64]:
    """Return ``h tanh(z + s) - o`` of each coordinate, ``[..., d] -> [..., d]``, for inputs of a dtype.

    From ``-floor(L/2)`` to ``floor((L - 1)/2)``, and near 0 at 0.

    Examples
    --------
    >>> bounded(np.array([[-99.0, -99.0], [0.0, 0.0], [99.0, 99.0]]), [3, 4], np.float64).round(2)
    array([[-1., -2.],
           [ 0., -0.],
           [ 1.,  1.]])
    """
    half_width, offset, shift = _bound(levels, dtype)
    return np.asarray(half_width * np.tanh(vectors + shift) - offset)


def rounded(bound: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the nearest integers, and of two the even one.

    Examples
    --------
    >>> rounded(np.array([-1.5, -0.5, 0.4, 0.5, 2.5]))
    array([-2,  0,  0,  0,  2])
    """
    return np.rint(bound).astype(np.int64)


def index_of(level: NDArray[np.int64], levels: Sequence[int]) -> NDArray[np.int64]:
    """Return the indices of levels, ``[..., d] -> [...]``: numbers of mixed radix, the first digit the lowest.

    Examples
    --------
    >>> index_of(np.array([[0, 0], [1, 0], [0, 1], [2, 3]]), [3, 4])
    array([ 0,  1,  3, 11])
    """
    return np.asarray((level * _basis(levels)).sum(axis=-1))


def level_of(emb_index: NDArray[np.int64], levels: Sequence[int]) -> NDArray[np.int64]:
    """Undo `index_of`, ``[...] -> [..., d]``.

    Examples
    --------
    >>> level_of(np.array([3, 11]), [3, 4])
    array([[0, 1],
           [2, 3]])
    """
    return np.asarray(emb_index[..., np.newaxis] // _basis(levels) % np.array(levels))


def decoded(emb_index: NDArray[Any], levels: Sequence[int], dtype: Any) -> NDArray[Any]:
    """Return the vectors of the grid at the given indices, ``[...] -> [..., d]``; index -1 gives a row of NaN.

    Parameters
    ----------
    emb_index : array, shape [...], any integer dtype
    levels : sequence of d integers
    dtype : dtype
        That of the inputs, and of what is returned.

    Raises
    ------
    ValueError
        For any other index outside [0, n).

    Examples
    --------
    >>> decoded(np.array([3, -1, 11], np.int8), [3, 4], np.float32)
    array([[-1. , -0.5],
           [ nan,  nan],
           [ 1. ,  0.5]], dtype=float32)
    """
    validation.check_levels(levels)
    validation.check_indices(emb_index, math.prod(levels))
    found = (emb_index != -1)[..., np.newaxis]
    integers = level_of(emb_index.astype(np.int64), levels) - _half(levels)  # of -1, the last
    rows = (integers / _half(levels)).astype(comparison_dtype(dtype))
    return np.where(found, rows, np.nan).astype(dtype)


def _half(levels: Sequence[int]) -> NDArray[np.int64]:
    return np.array(levels) // 2


def _basis(levels: Sequence[int]) -> NDArray[np.int64]:
    return np.cumprod([1, *levels[:-1]], dtype=np.int64)


def _bound(levels: Sequence[int], dtype: Any) -> tuple[NDArray[Any], ...]:
    """Return half-width, offset and shift of each coordinate, ``[d]``."""
    half_width = (np.array(levels) - 1) / 2
    offset = np.where(np.array(levels) % 2 == 0, 0.5, 0)
    return half_width, offset, np.tan(offset / half_width).astype(comparison_dtype(dtype))


def _checked(
    x: NDArray[Any], levels: Sequence[int], num_splits: int, mask: NDArray[Any] | None
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    x = np.asarray(x)
    validation.check_x(x)
    validation.check_num_splits(num_splits)
    validation.check_levels(levels, x.shape[-1], num_splits)
    return x, splitting.split_mask(mask, x, num_splits)
