"""Cases of finite scalar quantization: coordinates at and beside the places where the level changes, and clear ones."""

import math
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from vq_verify.comparison.scalar import bound_of, levels_at
from vq_verify.offers import DTYPES, offered, to_draw
from vq_verify.protocol import Implementation, ScalarCase
from vq_verify.strategies.choices import chooser, integers, sample
from vq_verify.strategies.vectors import normal

_NUMBERS = (2, 3, 4, 5, 6, 7, 8, 9, 16, 255, 1024, 4097, 2**16)

# Of the paper's table 1, and with nearly as many codes as an index can tell apart.
_NAMED = ((8, 6, 5), (8, 5, 5, 5), (7, 5, 5, 5, 5), (2**16, 2**16, 2**16, 2**14), (2, 2, 2, 2, 2))

# So many levels, and the half types round no coordinate from the middle of one by a quarter of it: a relative error u
# of z changes the bound by h (0.45 + s) u at most, where 0.45 is the largest value of w (1 - tanh^2(w)).
_MOST_CLEAR = {"float64": 2**16, "float32": 2**16, "float16": 1024, "bfloat16": 64}

_LARGEST = {"float64": 2.0**1000, "float32": 2.0**120, "float16": 2.0**15, "bfloat16": 2.0**120}


class Clear(NamedTuple):
    """A case none of whose coordinates is near a place where the level changes, and what it comes to.

    Attributes
    ----------
    case : ScalarCase
    level : array, shape [batch, m, d], int64
        The levels, of no meaning for a vector that is not found.
    finite, counted : array, shape [batch, m], bool
        Which vectors are finite, and which are not masked.
    """

    case: ScalarCase
    level: NDArray[np.int64]
    finite: NDArray[np.bool_]
    counted: NDArray[np.bool_]

    @property
    def found(self) -> NDArray[np.bool_]:
        """Which vectors come out as one of the grid."""
        return self.finite & self.counted


def _statics(draw: st.DrawFn, implementation: Implementation) -> tuple[str, tuple[int, ...], int, tuple[int, int]]:
    """Draw the dtype, the levels, the splits, and batch and r."""
    choose = chooser(draw, 10)
    dtype = choose(to_draw(implementation, "dtypes", DTYPES))
    levels = tuple(choose(_NUMBERS) for _ in range(choose((1, 2, 3))))
    levels = choose((levels, levels, choose(_NAMED)))
    return dtype, levels, choose((1, 2, 3)), (choose(range(1, 4)), choose(range(1, 3)))


def middles(level: NDArray[np.int64], levels: tuple[int, ...], dtype: Any) -> NDArray[np.float64]:
    """Return coordinates whose bounds are the integers of levels; for the outermost, 20 is as good as infinite."""
    half_width, offset, shift = bound_of(levels, dtype)
    share = (level - np.array(levels) // 2 + offset) / half_width
    inside = np.abs(share) < 1
    return np.where(inside, np.arctanh(np.where(inside, share, 0)), 20 * np.sign(share)) - shift


@st.composite
def scalar_cases(draw: st.DrawFn, implementation: Implementation) -> ScalarCase:
    """Draw one quantization: coordinates of many scales, and where the level changes, or a little beside."""
    dtype, levels, num_splits, (batch, r) = _statics(draw, implementation)
    number = batch * r * num_splits
    shape = (number, len(levels))
    scale = sample(draw, [1.0, 0.25, 4.0, 2.0**-20, _LARGEST[dtype]], shape)
    anywhere = scale * integers(draw, shape, -(2**23), 2**23) * 2.0**-23
    half_width, offset, shift = bound_of(levels, dtype)
    share = integers(draw, shape, 0, 2**15 - 1) / 2**15
    below = np.floor(share * (np.array(levels) - 1)) - np.array(levels) // 2  # the integer below a change
    change = np.arctanh((below + 0.5 + offset) / half_width) - shift
    nudge = sample(draw, [0.0, 0.0, 2.0**-10, -(2.0**-10), 2.0**-22, -(2.0**-22), 2.0**-51, -(2.0**-51)], shape)
    special = np.where(sample(draw, [False, True], shape), -shift, 0.0)
    kind = sample(draw, [0, 1, 1, 2], shape)
    x = np.choose(kind, [anywhere, change * (1 + nudge), special])
    return ScalarCase(x=normal(x, dtype).reshape(batch, r, -1), levels=levels, num_splits=num_splits)


@st.composite
def scalar_cases_with_upstream(draw: st.DrawFn, implementation: Implementation) -> tuple[ScalarCase, NDArray[Any]]:
    """Draw a case and a gradient that reaches its output."""
    case = draw(scalar_cases(implementation))
    return case, integers(draw, case.x.shape, -3, 3).astype(case.x.dtype)


@st.composite
def clear_cases(draw: st.DrawFn, implementation: Implementation, interrupted: bool = False) -> Clear:
    """Draw levels, the outermost often, and the coordinates in their middles.

    If interrupted, some vectors have NaN or infinite coordinates and, where masks are offered, some are masked.
    """
    dtype, levels, num_splits, (batch, r) = _statics(draw, implementation)
    levels = tuple(min(number, _MOST_CLEAR[dtype]) for number in levels)
    shape = (batch, r * num_splits, len(levels))
    anyone = integers(draw, shape, 0, 2**15 - 1) * np.array(levels) // 2**15
    level = np.choose(sample(draw, [0, 0, 1, 2], shape), [anyone, np.zeros(shape, int), np.array(levels) - 1])
    vectors = middles(level, levels, dtype).astype(dtype)
    finite = counted = np.ones(shape[:-1], bool)
    mask = None
    if interrupted:
        finite = sample(draw, [True, True, False], shape[:-1])
        place = integers(draw, shape[:-1], 0, len(levels) - 1)[..., np.newaxis]
        broken = sample(draw, [np.nan, np.inf, -np.inf], shape).astype(dtype)
        vectors = np.where(finite[..., np.newaxis] | (place != np.arange(len(levels))), vectors, broken)
        if offered(implementation, "masks", ["x"]):
            mask = sample(draw, [True, True, False], (batch, r))
            counted = np.repeat(mask, num_splits, axis=1)
    case = ScalarCase(x=vectors.reshape(batch, r, -1), levels=levels, num_splits=num_splits, mask=mask)
    return Clear(case, level, finite, counted)


def interrupted_cases(implementation: Implementation) -> st.SearchStrategy[Clear]:
    """Draw a clear case with vectors that are masked or not finite."""
    return clear_cases(implementation, interrupted=True)


@st.composite
def whole_grids(draw: st.DrawFn, implementation: Implementation) -> Clear:
    """Draw levels, and take every vector of their grid once, in the order of the indices."""
    choose = chooser(draw, 2)
    dtype = choose(to_draw(implementation, "dtypes", DTYPES))
    levels = choose(((8, 5, 5, 5), (7, 6), (2, 3, 4), (9, 8, 8, 6), (2,), (64,)))
    level = levels_at(np.arange(math.prod(levels)), levels)[:, np.newaxis]
    case = ScalarCase(x=middles(level, levels, dtype).astype(dtype), levels=levels)
    return Clear(case, level, *(np.ones(level.shape[:-1], bool) for _ in range(2)))
