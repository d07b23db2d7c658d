"""How far a finite scalar quantization may be off, and which levels are right then (VQ-29)."""

from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from vq_verify.comparison.rounding import Array, comparison_dtype, rounding
from vq_verify.protocol import ScalarCase

# What a tanh may lose: rational approximations were found to be off by 5 unit roundoffs in float32 and 9 in float64,
# and NumPy's by 2; 16 leaves room for one that is none of the best.
TANH = 16

# What a tan may lose before it is rounded; that of the oracle and that of an implementation may be of two libraries.
TAN = 2


def bound_of(levels: tuple[int, ...], dtype: Any) -> tuple[Array, Array, Array]:
    """Return half-width, offset and shift of each coordinate, ``[d]``."""
    number = np.array(levels)
    half_width, offset = (number - 1) / 2, np.where(number % 2 == 0, 0.5, 0.0)
    return half_width, offset, np.tan(offset / half_width).astype(comparison_dtype(dtype)).astype(np.float64)


def vectors_of(case: ScalarCase) -> Array:
    """Return x as its vectors, ``[batch, m, d]``, float64."""
    batch, r, _ = case.x.shape
    return case.x.astype(np.float64).reshape(batch, r * case.num_splits, len(case.levels))


def levels_at(emb_index: Any, levels: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the levels that indices, ``[...]``, stand for, ``[..., d]``: the first coordinate runs fastest."""
    return np.stack(np.unravel_index(np.asarray(emb_index), levels, order="F"), axis=-1)


def index_at(level: NDArray[np.int64], levels: tuple[int, ...]) -> NDArray[np.int64]:
    """Undo `levels_at`."""
    return np.asarray(np.ravel_multi_index(tuple(np.moveaxis(level, -1, 0)), levels, order="F"))


def grid_rows(level: NDArray[np.int64], case: ScalarCase) -> NDArray[Any]:
    """Return what comes out for levels, ``[..., d]``, rounded to the comparison dtype and then to that of x."""
    half = np.array(case.levels) // 2
    return ((level - half) / half).astype(comparison_dtype(case.x.dtype)).astype(case.x.dtype)


def bound(case: ScalarCase) -> tuple[Array, Array]:
    """Return the bound of each coordinate, ``[batch, m, d]``, and by how much it may be off.

    With ``w = z + s`` and ``t = tanh(w)``: the sum has one rounding, which changes t by no more, relatively, since t
    is concave from 0 on; t has `TANH` of its own, the product with h one, and the difference one of at most
    ``h|t| + o``. The shift may be off by what a tan may lose, which changes t by no more, since its slope is 1 at most.
    Of numbers below the smallest normal one nothing need be left.
    """
    half_width, offset, shift = bound_of(case.levels, case.x.dtype)
    arithmetic = rounding(case.x.dtype)
    magnitude = half_width * np.abs(np.tanh(vectors_of(case) + shift))
    of_shift = half_width * (arithmetic.gamma(TAN) * shift + arithmetic.smallest_normal)
    error = arithmetic.gamma(TANH + 3) * (magnitude + offset) + of_shift
    return half_width * np.tanh(vectors_of(case) + shift) - offset, error


def gradient(case: ScalarCase, upstream: NDArray[Any]) -> tuple[Array, Array]:
    """Return the gradient of ``sum(layer_out * upstream)`` by x, ``[batch, r, q]``, and by how much it may be off.

    Of ``1 - t^2``, ``t^2`` has the roundings of t twice, one for the square and one for the difference, of at most 1;
    the shift changes it by no more than t, twice. Upstream, half-width and half the levels have three more. The result
    is rounded to the dtype of x, in which what is below its smallest normal number may be 0.
    """
    half_width, _, shift = bound_of(case.levels, case.x.dtype)
    arithmetic, of_x = rounding(case.x.dtype), ml_dtypes.finfo(case.x.dtype)
    scale = (
        np.abs(upstream.astype(np.float64).reshape(vectors_of(case).shape)) * half_width / (np.array(case.levels) // 2)
    )
    sign = np.sign(upstream.astype(np.float64)).reshape(scale.shape)
    exact = sign * scale * (1 - np.tanh(vectors_of(case) + shift) ** 2)
    of_square = arithmetic.gamma(2 * (TANH + 1) + 5) + 2 * arithmetic.gamma(TAN) * shift
    of_result = float(of_x.eps) / 2 * (np.abs(exact) + scale * of_square) + float(of_x.smallest_normal)
    error = scale * of_square + of_result
    return exact.reshape(case.x.shape), error.reshape(case.x.shape)
