"""Cases of vector quantization: shapes, norms, weights, and inputs that tie on purpose."""

import itertools
import math
import random
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.comparison import comparison_dtype
from tests.implementations.protocol import Case, Implementation

_DTYPES = {name: np.dtype(name) for name in ("float64", "float32", "float16")} | {
    "bfloat16": np.dtype(ml_dtypes.bfloat16)
}

# |v| <= 64 is exact in every dtype, bfloat16 with its 8 bits of significand included, and for d <= 8 the squares of
# differences sum to 8 * 128^2 = 2^17 < 2^22 units at most: exact in float32, and different sums have different roots.
_LARGEST_EXACT = 64

# Scales that keep squares of differences clear of overflow (VQ-15: below 1e18), and reach the smallest normals.
_EXPONENTS = {"float64": (-300, 300), "float32": (-120, 55), "bfloat16": (-120, 55), "float16": (-8, 8)}

# Scales and offsets: near 1, and so far from 0 that the square of the offset swallows those of the differences.
_OFFSETS = {name: [(1.0, 0.0), (0.01, 100.0), (1.0, -1000.0)] for name in ("float32", "bfloat16", "float16")}
_OFFSETS["float64"] = [(1.0, 0.0), (1e-6, 100.0), (1e-4, -1000.0)]


class Statics(NamedTuple):
    """What a graph is built for."""

    dtype: str
    num_splits: int
    d: int
    n: int
    lookup_ord: float
    alpha: float
    beta: float
    gamma: float
    schedule: bool


_WEIGHTS = (0.0, 0.1, 5e-3, 2.0)
_NORMS = (1, 2, np.inf)
_RANGES = (range(1, 5), range(1, 7), range(1, 8), _NORMS, _WEIGHTS, _WEIGHTS, _WEIGHTS, (False, True))


def statics(implementation: Implementation) -> st.SearchStrategy[Statics]:
    """Draw dtype, splits, sizes, norm and weights; of few combinations if the implementation is slow to set up."""
    ranges = (implementation.dtypes, *_RANGES)
    if implementation.configurations is None:
        return st.builds(Statics, *map(st.sampled_from, ranges))
    rng = random.Random(0)
    pairs = list(itertools.product(implementation.dtypes, _NORMS))  # each dtype with each norm, if there are so many
    rng.shuffle(pairs)
    fixed = [
        Statics(*map(rng.choice, ranges))._replace(dtype=dtype, lookup_ord=lookup_ord)
        for dtype, lookup_ord in itertools.islice(itertools.cycle(pairs), implementation.configurations)
    ]
    fixed[-1] = fixed[-1]._replace(alpha=0.0, beta=0.0, gamma=0.0)  # a training without a loss
    return st.sampled_from(fixed)


def exact_coordinate(draw: st.DrawFn) -> st.SearchStrategy[float]:
    """Draw how to draw coordinates that float32 handles without rounding: small multiples of one power of 2."""
    unit = 2.0 ** draw(st.integers(-6, 6))
    largest = draw(st.sampled_from([1, 2, 5, _LARGEST_EXACT]))
    return st.integers(-largest, largest).map(lambda i: i * unit)


def rounded_coordinate(draw: st.DrawFn, dtype: str) -> st.SearchStrategy[float]:
    """Draw how to draw coordinates of one scale, from near the smallest normal number to 2^55, or far from 0.

    Whole significands, of several exponents: Hypothesis' floats are mostly simple ones, which do not round, and the
    differences of coordinates on one grid do not round either. Far from 0 no coordinate is near 0: that one difference
    would drown all others.
    """
    if draw(st.booleans()):
        low, high = _EXPONENTS[dtype]
        scale, offset = 2.0 ** draw(st.integers(low, high)), 0.0
    else:
        scale, offset = draw(st.sampled_from(_OFFSETS[dtype]))
    bits = 52 if dtype == "float64" else 23
    exponents = st.sampled_from([-bits, -bits - 1, -bits - 5, -bits - 12])
    whole = st.builds(math.ldexp, st.integers(-(2**bits), 2**bits), exponents)
    return st.one_of(whole, st.sampled_from([0.0, 1.0])).map(lambda u: offset + scale * u)


@st.composite
def nudged(draw: st.DrawFn, rows: st.SearchStrategy[list[float]]) -> list[float]:
    """Draw a row and change one coordinate a little, by more or by less than rounding may: a near-tie."""
    row = draw(rows)
    i, exponent = draw(st.integers(0, len(row) - 1)), draw(st.integers(-26, -21) | st.integers(-20, -6))
    return [value * (1 + 2.0**exponent) if j == i else value for j, value in enumerate(row)]


@st.composite
def cases(draw: st.DrawFn, implementation: Implementation, exact: bool = False) -> Case:
    """Draw one quantization: shapes, splits, norm, weights, and inputs with duplicates, ties and zero vectors.

    Rows come from a small pool, so that embeddings repeat and inputs equal embeddings, and drawing takes less time;
    coordinates, if exact, from few values, so that different embeddings tie.
    """
    dtype, num_splits, d, n, *parameters = draw(statics(implementation))
    batch, r = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    coordinate = exact_coordinate(draw) if exact else rounded_coordinate(draw, dtype)
    fresh_row = st.lists(coordinate, min_size=d, max_size=d)
    pool = [*draw(st.lists(fresh_row, min_size=2, max_size=8)), [0.0] * d]
    if not exact:
        pool += draw(st.lists(nudged(st.sampled_from(pool)), min_size=2, max_size=4) | st.just([]))
    places = st.integers(0, len(pool) - 1)
    x = np.array(pool)[draw(st.lists(places, min_size=batch * r * num_splits, max_size=batch * r * num_splits))]
    emb_space = np.array(pool)[draw(st.lists(places, min_size=n, max_size=n))]
    emb_space = normal(emb_space, comparison_dtype(dtype))
    if draw(st.booleans()):  # half types: embeddings between the values that x can take, or among them
        emb_space = normal(emb_space, dtype).astype(emb_space.dtype)
    return Case(
        x=normal(x, dtype).reshape(batch, r, num_splits * d),
        emb_space=emb_space,
        **dict(zip(Statics._fields[4:], parameters, strict=True)),
        num_splits=num_splits,
        exact=exact,
    )


def exact_cases(implementation: Implementation) -> st.SearchStrategy[Case]:
    """Draw a case on which float32 does not round."""
    return cases(implementation, exact=True)


def all_cases(implementation: Implementation) -> st.SearchStrategy[Case]:
    """Draw a case of either kind."""
    return cases(implementation) | exact_cases(implementation)


@st.composite
def cases_with_upstream(draw: st.DrawFn, implementation: Implementation) -> tuple[Case, NDArray[Any]]:
    """Draw a case and a gradient that reaches its output."""
    case = draw(all_cases(implementation))
    upstream = draw(st.lists(st.integers(-3, 3), min_size=case.x.size, max_size=case.x.size))
    return case, np.array(upstream, case.x.dtype).reshape(case.x.shape)


def normal(values: Any, dtype: Any) -> NDArray[Any]:
    """Round to the dtype, subnormal numbers to 0: whether hardware keeps those is not specified."""
    dtype = _DTYPES[np.dtype(dtype).name]
    array = np.array(values).astype(dtype)
    return np.where(np.abs(array) < ml_dtypes.finfo(dtype).smallest_normal, dtype.type(0), array)
