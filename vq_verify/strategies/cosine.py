"""Cases of quantization by cosine similarity, with and without a vote: similarities and votes that tie on purpose."""

import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from vq_verify.comparison import comparison_dtype
from vq_verify.offers import DTYPES, REPRESENTATIVES, offered, to_draw
from vq_verify.protocol import CosineCase, Implementation, Vote
from vq_verify.strategies.choices import chooser, integers, sample
from vq_verify.strategies.vectors import Rows, normal

# Magnitudes whose norm is a power of 2, the largest of them, too: the unit vector is exact in every dtype, and so are
# the products of two of them, multiples of 1/16, and their sums. A common factor divides out without a rounding.
_EXACT_MAGNITUDES = ((1.0,), (1.0,) * 4, (2.0,) * 3 + (1.0,) * 4)

# The largest magnitude is divided out first, so that squares cannot overflow: any scale will do that leaves room for a
# factor of 2^6 between the smallest normal and the largest number of the dtype.
_EXPONENTS = {"float64": (-1000, 1000), "float32": (-120, 120), "bfloat16": (-120, 120), "float16": (-8, 8)}


class Combination(NamedTuple):
    """What a graph is built for; `vote` holds the arguments of a `Vote` but the labels, and their dtype."""

    dtype: str
    num_splits: int
    d: int
    n: int
    label_dtype: str
    vote: dict[str, Any] | None


def combination(choose: Callable[[Sequence[Any]], Any], implementation: Implementation, voting: bool) -> Combination:
    """Choose what is static, of what is offered, with the given way to choose one of some options."""
    n = choose(range(1, 9))
    k = choose(range(1, n + 1))
    share = choose(range(1, k + 1)) / k
    thresholds = (share, -1.0, float(np.nextafter(share, 2)), 0.0, 0.5, 1.0, 1.5)
    vote = {
        "num_classes": choose((2, 3, 6, 1)),
        "k": k,
        "majority_threshold": choose(thresholds),
        "representative": choose(to_draw(implementation, "votes", REPRESENTATIVES)),
    }
    dtype = choose(to_draw(implementation, "dtypes", DTYPES))
    sizes = (dtype, choose(range(1, 4)), choose(range(1, 8)), n, choose(("int32", "int64")))
    return Combination(*sizes, vote if voting else None)


@st.composite
def combinations(draw: st.DrawFn, implementation: Implementation, voting: bool | None, variants: int) -> Combination:
    """Draw what is static; of few combinations if the implementation is slow to set up.

    A law that changes what is static needs so many `variants` of each, and then gets fewer of them.
    """
    if voting is None and not offered(implementation, "votes", REPRESENTATIVES):
        voting = False
    if implementation.configurations is None:
        choose = chooser(draw, 11)
        return combination(choose, implementation, choose((False, True)) if voting is None else voting)
    # One and a third for each kind. This seed reaches every kind of threshold, and k = 1 to k = n.
    each, rng = max(1, implementation.configurations * 4 // 3), random.Random(531)
    kinds = {it: [combination(rng.choice, implementation, it) for _ in range(each)] for it in (False, True)}
    fixed = [pair[it] for pair in zip(*kinds.values(), strict=True) for it in (False, True) if voting in (None, it)]
    return draw(st.sampled_from(fixed[: max(1, len(fixed) // variants)]))


def exact_rows(draw: st.DrawFn, count: int, d: int) -> Rows:
    """Draw vectors whose unit vectors need no rounding: few nonzero coordinates, times any number, ``[count, d]``."""
    patterns = [(*pattern, *[0.0] * (d - len(pattern))) for pattern in _EXACT_MAGNITUDES if len(pattern) <= d]
    order = integers(draw, (count, d), 0, 2**15 - 1).argsort(axis=1, kind="stable")
    places = np.take_along_axis(sample(draw, patterns, count), order, axis=1)
    factor = sample(draw, [1.0, 0.25, 64.0, 3.0, 0.1], (count, 1))
    return factor * sample(draw, [1.0, -1.0], (count, d)) * places


def rounded_rows(draw: st.DrawFn, count: int, d: int, dtype: str) -> Rows:
    """Draw vectors of one scale or, coordinate by coordinate, of many; or far from the origin, near the others."""
    low, high = _EXPONENTS[dtype]
    unit = integers(draw, (count, d), -(2**24), 2**24) * 2.0**-24
    unit = np.where(sample(draw, [True, True, True, False], (count, d)), unit, np.sign(unit))
    of_row = 2.0 ** integers(draw, (count, 1), low, high)
    of_coordinate = 2.0 ** integers(draw, (count, d), low, high)
    kind = sample(draw, [0, 1, 2], (count, 1))
    return np.choose(kind, [unit * of_row, unit * of_coordinate, 100 + 0.01 * unit])


def rows(draw: st.DrawFn, count: int, d: int, dtype: str, exact: bool) -> Rows:
    """Draw vectors from a small pool, so that directions repeat and tie, and are opposite; some are zero.

    If not exact, some are turned a little, so that similarities nearly tie.
    """
    choose = chooser(draw, 2)
    of_pool = choose(range(1, 5))
    fresh = exact_rows(draw, of_pool, d) if exact else rounded_rows(draw, of_pool, d, dtype)
    chosen = sample(draw, np.concatenate([fresh, np.zeros((1, d))]), count)
    turn = 0.0 if exact else choose((0.0, 2.0**-20, 2.0**-24, 2.0**-50))
    turned = 1 + turn * np.sin(np.arange(count * d)).reshape(count, d)  # any numbers in [-1, 1]
    return chosen * sample(draw, [1.0, 2.0, 0.5, -1.0], (count, 1)) * turned


@st.composite
def cosine_cases(
    draw: st.DrawFn,
    implementation: Implementation,
    voting: bool | None = None,
    exact: bool = False,
    non_finite: bool | None = None,
    variants: int = 1,
) -> CosineCase:
    """Draw one quantization by cosine similarity, with a vote or without, with rows that are not finite or without."""
    dtype, num_splits, d, n, label_dtype, vote = draw(combinations(implementation, voting, variants))
    choose = chooser(draw, 5)
    batch, r = choose(range(1, 4)), choose(range(1, 3))
    count = batch * r * num_splits
    drawn = rows(draw, count + n, d, dtype, exact)
    x, emb_space = normal(drawn[n:], dtype), normal(drawn[:n], comparison_dtype(dtype))
    if exact or choose((False, True)):  # half types: embeddings among the values that x can take, or between them
        emb_space = normal(emb_space, dtype).astype(emb_space.dtype)
    if choose((False, True)) if non_finite is None else non_finite:
        _contaminate(draw, x, at_least=int(non_finite or 0))
        _contaminate(draw, emb_space, at_least=int(non_finite or 0))
    if vote is not None:
        several = choose((True, True, True, False))
        labels = integers(draw, n, 0 if several else vote["num_classes"] - 1, vote["num_classes"] - 1)
        vote = Vote(labels.astype(label_dtype), **vote)
    return CosineCase(x=x.reshape(batch, r, num_splits * d), emb_space=emb_space, num_splits=num_splits, vote=vote)


def _contaminate(draw: st.DrawFn, vectors: NDArray[Any], at_least: int) -> None:
    """Put NaN or infinity into one coordinate of up to half of the vectors, or all, ``[..., d]``, the same of several.

    They lie anywhere, or one after another: of some inputs, and of some elements of the batch, more than of others.
    """
    count, d = vectors.shape
    choose = chooser(draw, 2)
    number = choose((*range(at_least, (count + 1) // 2 + 1), count))
    broken = np.arange(number) if choose((False, True)) else integers(draw, number, 0, count - 1)
    values = sample(draw, [np.nan, np.inf, -np.inf], number).astype(vectors.dtype)
    vectors[broken, integers(draw, number, 0, d - 1)] = values


def plain_cosine_cases(implementation: Implementation) -> st.SearchStrategy[CosineCase]:
    """Draw a case without a vote."""
    return cosine_cases(implementation, voting=False)


def vote_cases(implementation: Implementation) -> st.SearchStrategy[CosineCase]:
    """Draw a case with a vote."""
    return cosine_cases(implementation, voting=True)


def exact_cosine_cases(implementation: Implementation) -> st.SearchStrategy[CosineCase]:
    """Draw a case on which no similarity is rounded."""
    return cosine_cases(implementation, exact=True)


def exact_vote_cases_to_vary(implementation: Implementation) -> st.SearchStrategy[CosineCase]:
    """Draw an exact case with a vote for a law that tries variants of it: other thresholds, another k, no vote."""
    return cosine_cases(implementation, voting=True, exact=True, variants=3)


def exact_non_finite_cosine_cases(implementation: Implementation) -> st.SearchStrategy[CosineCase]:
    """Draw an exact case some of whose vectors and embeddings have NaN or infinite coordinates."""
    return cosine_cases(implementation, exact=True, non_finite=True)


@st.composite
def cosine_cases_with_upstream(draw: st.DrawFn, implementation: Implementation) -> tuple[CosineCase, NDArray[Any]]:
    """Draw a case and a gradient that reaches its output."""
    case = draw(cosine_cases(implementation, voting=draw(st.sampled_from([True, True, False]))))
    return case, integers(draw, case.x.shape, 1, 5).astype(case.x.dtype)
