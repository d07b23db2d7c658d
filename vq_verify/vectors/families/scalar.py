"""Finite scalar quantization (VQ-29)."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from vq_verify.cases import ScalarCase
from vq_verify.comparison.scalar import bound_of
from vq_verify.vectors.asking import decode_scalar, finite_scalar, scalar_gradients
from vq_verify.vectors.encoding import dtype_of
from vq_verify.vectors.families.arrays import INF, NAN, decimals
from vq_verify.vectors.questions import Of, Question

GRIDS = ((3,), (2,), (5, 4), (8, 5, 5))


def scalar_case(x: Any, levels: tuple[int, ...], dtype: str = "float32", **more: Any) -> ScalarCase:
    """Return a case of these numbers."""
    return ScalarCase(x=np.array(x, dtype_of(dtype)), levels=levels, **more)


def questions() -> Iterator[Question]:
    """Return the questions of the clause."""
    for levels in GRIDS:
        name, d = "-".join(map(str, levels)), len(levels)
        of = Of(
            f"levels-{name}",
            f"Decimals on the grid of {name} levels.",
            ("VQ-29.1", "VQ-29.2", "VQ-29.4", "VQ-29.6", "VQ-29.8"),
        )
        yield finite_scalar(of, scalar_case(decimals(3, 2, d, seed=61), levels))
        of = Of(f"gradient-{name}", "The gradient passes the rounding.", ("VQ-29.12",))
        yield scalar_gradients(of, scalar_case(decimals(3, 1, d, seed=62), levels))
    for dtype in ("float64", "float16", "bfloat16"):
        of = Of(f"levels-8-5-5-{dtype}", f"The same grid of {dtype}.", ("VQ-29.10", "VQ-29.6"))
        yield finite_scalar(of, scalar_case(decimals(2, 2, 3, seed=63, dtype=dtype), (8, 5, 5), dtype))
        of = Of(f"gradient-{dtype}", f"Its gradient, of {dtype}.", ("VQ-29.12",))
        yield scalar_gradients(of, scalar_case(decimals(2, 1, 3, seed=64, dtype=dtype), (8, 5, 5), dtype))
    for dtype in ("float16", "bfloat16"):
        of = Of(
            f"bound-of-{dtype}", "The bound is of the comparison dtype, which tells 200 levels apart.", ("VQ-29.10",)
        )
        yield finite_scalar(of, scalar_case(decimals(40, 1, 1, seed=68, dtype=dtype), (200,), dtype))
    for number in (4, 7):
        of = Of(f"all-levels-of-{number}", "Each level is reached.", ("VQ-29.7",))
        half, offset, shift = (float(it[0]) for it in bound_of((number,), "float32"))
        middles = [np.arctanh(np.clip((k - number // 2 + offset) / half, -0.999, 0.999)) - shift for k in range(number)]
        yield finite_scalar(of, scalar_case(np.reshape(middles, (number, 1, 1)), (number,)))
        of = Of(f"outermost-of-{number}", "However large, the outermost levels.", ("VQ-29.7", "VQ-29.6"))
        yield finite_scalar(of, scalar_case(np.reshape([-1e4, 1e4, -9.0, 9.0], (4, 1, 1)), (number,)))
    for number in (2, 4, 8):
        of = Of(
            f"tie-of-{number}",
            "At z = -s the bound is a tie; where s may round otherwise, both levels are right.",
            ("VQ-29.5", "VQ-29.11"),
        )
        yield finite_scalar(of, scalar_case(-bound_of((number,), "float32")[2].reshape(1, 1, 1), (number,)))
    of = Of("zeros", "A zero comes out without a sign.", ("VQ-29.6",))
    yield finite_scalar(of, scalar_case([[[-0.0, 0.0, -0.125]]], (3, 3, 3)))
    of = Of("splits", "The vectors are cut as in VQ-1.", ("VQ-29.9", "VQ-29.8"))
    yield finite_scalar(of, scalar_case(decimals(2, 2, 4, seed=65), (5, 3), num_splits=2))
    of = Of("not-finite", "A vector that is not finite comes out as NaN, and has index -1.", ("VQ-29.15",))
    broken = [[[0.5, NAN], [0.25, -1]], [[INF, 0], [1, 1]]]
    yield finite_scalar(of, scalar_case(broken, (5, 3)))
    of = Of("not-finite-gradient", "Its gradient is 0.", ("VQ-29.16",))
    yield scalar_gradients(of, scalar_case(broken, (5, 3)))
    mask = np.array([[True, False], [True, True]])
    of = Of("masked", "A masked vector comes out as it is, has index -1 and is not counted.", ("VQ-29.17",))
    yield finite_scalar(of, scalar_case(decimals(2, 2, 2, seed=66), (5, 3), mask=mask))
    of = Of("masked-gradient", "With the identity gradient.", ("VQ-29.18",))
    yield scalar_gradients(of, scalar_case(decimals(2, 2, 2, seed=66), (5, 3), mask=mask))
    of = Of("many-codes", "From 2^20 on there need be no counts; indices go on.", ("VQ-29.14", "VQ-29.8"))
    yield finite_scalar(of, scalar_case(decimals(2, 1, 3, seed=67), (2**12, 2**12, 2**12)))
    of = Of("empty-batch", "Of no vectors.", ("VQ-29.14",))
    yield finite_scalar(of, scalar_case(np.zeros((0, 1, 2)), (5, 3)))
    for dtype in ("float32", "float16", "bfloat16"):
        of = Of(f"decode-{dtype}", "Each index of a grid, and -1.", ("VQ-29.19", "VQ-29.20"))
        index = np.arange(-1, 15).reshape(-1, 1)
        yield decode_scalar(of, scalar_case(np.zeros((1, 1, 2)), (5, 3), dtype), index)
    of = Of("decode-splits", "Indices of two splits, side by side.", ("VQ-29.19",))
    yield decode_scalar(of, scalar_case(np.zeros((1, 1, 4)), (5, 3), num_splits=2), np.array([[[0, 14], [7, -1]]]))
