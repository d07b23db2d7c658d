"""Cases of vector quantization: shapes, norms, weights, and inputs that tie on purpose."""

import itertools
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from vq_verify.cases import LOSSES, Case
from vq_verify.comparison import comparison_dtype
from vq_verify.offers import DTYPES, NORMS, offered, to_draw
from vq_verify.protocol import Implementation
from vq_verify.strategies.choices import chooser, integers, sample

Rows = NDArray[np.float64]

_DTYPES = {name: np.dtype(name) for name in ("float64", "float32", "float16")} | {
    "bfloat16": np.dtype(ml_dtypes.bfloat16)
}

# |v| <= 64 is exact in every dtype, bfloat16 with its 8 bits of significand included, and for d <= 8 the squares of
# differences sum to 8 * 128^2 = 2^17 < 2^22 units at most: exact in float32, and different sums have different roots.
_LARGEST_EXACT = 64

# Scales that keep squares of differences clear of overflow (VQ-15), and reach the smallest normals.
_EXPONENTS = {"float64": (-300, 300), "float32": (-120, 55), "bfloat16": (-120, 55), "float16": (-8, 8)}

# Scales and offsets: near 1, and so far from 0 that the square of the offset swallows those of the differences.
_OFFSETS = {name: [(1.0, 0.0), (0.01, 100.0), (1.0, -1000.0)] for name in ("float32", "bfloat16", "float16")}
_OFFSETS["float64"] = [(1.0, 0.0), (1e-6, 100.0), (1e-4, -1000.0)]


# Norms of other orders, each of which every dtype holds; powers of them round, so that no case is exact under them.
ORDERS = (3, 1.5, 4.5, 10)


class Statics(NamedTuple):
    """What a graph is built for."""

    dtype: str
    num_splits: int
    d: int
    n: int
    lookup_ord: float
    schedule: bool
    weights: dict[str, float]


# One below every threshold at which somebody may take a number for 0, and one that pushes where others pull.
_WEIGHTS = (0.0, 0.1, 1e-30, -2.0)
_SIZES = (range(1, 5), range(1, 7), range(1, 8))


def statics(implementation: Implementation, exact: bool = False) -> st.SearchStrategy[Statics]:
    """Draw dtype, splits, sizes, norm and weights of what is offered; of few combinations if it is slow to set up.

    A quarter of them are under norms of other orders, where these are offered, unless all is to be exact.
    """
    if implementation.configurations is not None:
        fixed = _few_statics(implementation)
        return st.sampled_from([it for it in fixed if not (exact and it.lookup_ord in ORDERS)])
    norms = to_draw(implementation, "norms", NORMS)
    orders = () if exact else offered(implementation, "norms", ORDERS)
    norms = norms * max(1, 3 * len(orders) // len(norms)) + orders
    dtypes, losses = to_draw(implementation, "dtypes", DTYPES), offered(implementation, "losses", LOSSES)
    return _any_statics((dtypes, *_SIZES, norms, (False, True)), losses)


def statics_of_other_orders(implementation: Implementation) -> st.SearchStrategy[Statics]:
    """Draw the same, all of them under norms of other orders."""
    orders = to_draw(implementation, "norms", ORDERS)
    if implementation.configurations is None:
        return statics(implementation).map(lambda it: it._replace(lookup_ord=orders[it.n % len(orders)]))
    fixed = _few_statics(implementation)
    there = [it for it in fixed if it.lookup_ord in ORDERS]
    return st.sampled_from(there or [fixed[0]._replace(lookup_ord=orders[0])])


def _few_statics(implementation: Implementation) -> list[Statics]:
    dtypes, norms = to_draw(implementation, "dtypes", DTYPES), to_draw(implementation, "norms", NORMS)
    losses, orders = offered(implementation, "losses", LOSSES), offered(implementation, "norms", ORDERS)
    ranges: tuple[Sequence[Any], ...] = (dtypes, *_SIZES, norms, (False, True))
    rng = random.Random(617)  # it reaches one embedding, single coordinates, and each weight in every form
    by_loss = {name: random.Random(name) for name in losses}  # no loss changes what is drawn for the others
    # Neither number divides the other, so that each dtype comes with each norm, if there are so many.
    pairs = zip(itertools.cycle(dtypes), itertools.cycle(norms), strict=False)
    fixed = [
        Statics(
            *map(rng.choice, ranges), weights={name: own.choice(_WEIGHTS) for name, own in by_loss.items()}
        )._replace(dtype=dtype, lookup_ord=lookup_ord)
        for dtype, lookup_ord in itertools.islice(pairs, implementation.configurations)
    ]
    fixed[-1] = fixed[-1]._replace(weights={})  # a training without a loss
    if orders and len(fixed) > len(norms):
        fixed[0] = fixed[0]._replace(lookup_ord=orders[0])
    return fixed


@st.composite
def _any_statics(draw: st.DrawFn, ranges: Sequence[Sequence[Any]], losses: Sequence[str]) -> Statics:
    choose = chooser(draw, len(ranges) + len(losses))
    return Statics(*map(choose, ranges), weights={name: choose(_WEIGHTS) for name in losses})


def exact_rows(draw: st.DrawFn, count: int, d: int) -> Rows:
    """Draw rows that float32 handles without rounding: small multiples of one power of 2, ``[count, d]``."""
    choose = chooser(draw, 2)
    unit, largest = 2.0 ** choose((0, *range(-6, 0), *range(1, 7))), choose((1, 2, 5, _LARGEST_EXACT))
    return integers(draw, (count, d), -largest, largest) * unit


def rounded_rows(draw: st.DrawFn, count: int, d: int, dtype: str, lookup_ord: float = 2) -> Rows:
    """Draw rows of one scale, from near the smallest normal number to 2^55, or far from 0, ``[count, d]``.

    The powers of other orders reach no further than the squares do.

    Whole significands, of several exponents: Hypothesis' floats are mostly simple ones, which do not round, and the
    differences of coordinates on one grid do not round either. Far from 0 no coordinate is near 0: that one difference
    would drown all others.
    """
    if draw(st.booleans()):
        low, high = _EXPONENTS[dtype]
        if lookup_ord not in NORMS:
            low, high = max(low, int(2 * low / lookup_ord)), min(high, int(2 * high / lookup_ord))
        scale, offset = 2.0 ** draw(st.integers(low, high)), 0.0
    else:
        scale, offset = draw(st.sampled_from(_OFFSETS[dtype]))
    bits = 52 if dtype == "float64" else 23
    significand = integers(draw, (count, d), -(2**bits), 2**bits)
    exponent = sample(draw, [-bits, -bits - 1, -bits - 5, -bits - 12], (count, d))
    simple = sample(draw, [np.nan, np.nan, 0.0, 1.0], (count, d))  # half of all are
    return offset + scale * np.where(np.isnan(simple), np.ldexp(significand.astype(np.float64), exponent), simple)


def nudged(draw: st.DrawFn, rows: Rows, dtype: str) -> Rows:
    """Change one coordinate of each row, or all, a little, by more or by less than rounding may: near-ties."""
    count, d = rows.shape
    bits = 52 if comparison_dtype(dtype) == np.float64 else 23
    exponent = sample(draw, [*range(-bits - 2, -bits + 3)] * 3 + [*range(-20, -5)], (count, 1))  # half of them by less
    which = integers(draw, (count, 1), 0, 2 * d - 1)
    return rows * np.where((which == np.arange(d)) | (which >= d), 1 + 2.0**exponent, 1.0)


@st.composite
def cases(
    draw: st.DrawFn,
    implementation: Implementation,
    exact: bool = False,
    of: st.SearchStrategy[Statics] | None = None,
) -> Case:
    """Draw one quantization: shapes, splits, norm, weights, and inputs with duplicates, ties and zero vectors.

    Rows come from a small pool, so that embeddings repeat and inputs equal embeddings; coordinates, if exact, from few
    values, so that different embeddings tie. Those that are not exact nearly tie instead.
    """
    dtype, num_splits, d, n, lookup_ord, schedule, weights = draw(statics(implementation, exact) if of is None else of)
    choose = chooser(draw, 5)
    batch, r, count = choose(range(1, 5)), choose(range(1, 4)), choose(range(2, 9))
    pool = exact_rows(draw, count, d) if exact else rounded_rows(draw, count, d, dtype, lookup_ord)
    pool = np.concatenate([pool, np.zeros((1, d))])
    x, emb_space = sample(draw, pool, batch * r * num_splits), sample(draw, pool, n)
    if choose((False, True)) and not exact:  # all of them near one of the vectors
        emb_space = nudged(draw, emb_space[:1].repeat(n, axis=0), dtype)
    emb_space = normal(emb_space, comparison_dtype(dtype))
    if choose((False, True)):  # half types: embeddings between the values that x can take, or among them
        emb_space = normal(emb_space, dtype).astype(emb_space.dtype)
    return Case(
        x=normal(x, dtype).reshape(batch, r, num_splits * d),
        emb_space=emb_space,
        lookup_ord=lookup_ord,
        num_splits=num_splits,
        weights=weights,
        schedule=schedule,
        exact=exact,
    )


def cases_of_other_orders(implementation: Implementation) -> st.SearchStrategy[Case]:
    """Draw a case under a norm of another order than 1, 2 and infinity."""
    return cases(implementation, of=statics_of_other_orders(implementation))


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
    return case, integers(draw, case.x.shape, -3, 3).astype(case.x.dtype)


def normal(values: Any, dtype: Any) -> NDArray[Any]:
    """Round to the dtype, subnormal numbers to 0: whether hardware keeps those is not specified."""
    dtype = _DTYPES[np.dtype(dtype).name]
    array = np.array(values).astype(dtype)
    return np.where(np.abs(array) < ml_dtypes.finfo(dtype).smallest_normal, dtype.type(0), array)
