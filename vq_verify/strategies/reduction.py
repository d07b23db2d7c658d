"""Cases in a space of principal components: separated spectra, known axes, rows of deficient rank (VQ-8)."""

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from vq_verify.comparison import comparison_dtype
from vq_verify.offers import DIM_REDUCTIONS, DTYPES, to_draw
from vq_verify.protocol import Case, CosineCase, Implementation, Vote
from vq_verify.strategies.choices import chooser, integers, sample
from vq_verify.strategies.vectors import normal

Array = NDArray[np.float64]

# Orthogonal directions of small integers, in each dimension.
_HADAMARD = [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]
_DIRECTIONS = {
    1: [[1]],
    2: [[1, 1], [1, -1]],
    3: [[1, 2, 2], [2, 1, -2], [2, -2, 1]],
    4: _HADAMARD,
    5: [*([*row, 0] for row in _HADAMARD), [0, 0, 0, 0, 1]],
}

# Scales of rows of a length near 1 that leave squares clear of overflow, and of underflow.
_EXPONENTS = {"float64": (-290, 290), "float32": (-40, 50), "bfloat16": (-40, 50), "float16": (-4, 6)}

# Scales without squares, as L1, Linf and the cosine must take them. The axes must not square either.
_WIDE_EXPONENTS = {"float64": (-900, 900), "float32": (-90, 110), "bfloat16": (-90, 110), "float16": (-4, 6)}


_SHARED = ("num_splits", "dim_reduction", "num_dim_reduction_components")  # of both kinds of cases


class ReducedStatics(NamedTuple):
    """What a graph is built for."""

    dtype: str
    num_splits: int
    d: int
    n: int
    lookup_ord: float
    dim_reduction: str
    num_components: int

    @property
    def fits_inputs(self) -> bool:
        """Whether the inputs are among the fitted rows."""
        return self.dim_reduction == "pca-batch"


def _kinds(implementation: Implementation, lookup_ord: float | None) -> tuple[tuple[float, str], ...]:
    """Return the norms and the fits that are offered; where a norm is asked for that is not, that one."""
    norms = to_draw(implementation, "norms", (2, 1, np.inf))  # the simplest first
    if lookup_ord not in (None, *norms):
        norms = (lookup_ord,)
    return tuple(itertools.product(norms, to_draw(implementation, "dim_reductions", DIM_REDUCTIONS)))


def _choose_statics(choose: Callable[[Sequence[Any]], Any], dtypes: Sequence[str], kind: tuple[float, str]) -> Any:
    lookup_ord, dim_reduction = kind
    n = choose(range(1 if dim_reduction == "pca-batch" else 2, 8))
    d = choose(range(1, 6))
    most = d if dim_reduction == "pca-batch" else min(d, n - 1)
    return ReducedStatics(
        choose(dtypes), choose(range(1, 4)), d, n, lookup_ord, dim_reduction, choose(range(1, most + 1))
    )


@st.composite
def reduced_statics(draw: st.DrawFn, implementation: Implementation, lookup_ord: float | None = None) -> ReducedStatics:
    """Draw sizes, norm, mode and components; of few combinations if the implementation is slow to set up."""
    every, dtypes = _kinds(implementation, lookup_ord), to_draw(implementation, "dtypes", DTYPES)
    kinds = [kind for kind in every if lookup_ord in (None, kind[0])]
    if implementation.configurations is None:
        choose = chooser(draw, 6)
        return _choose_statics(choose, dtypes, choose(kinds))
    rng = random.Random(0)
    fixed = [
        _choose_statics(rng.choice, dtypes, kind)
        for kind in every * max(1, implementation.configurations // (2 * len(every)))
    ]
    return draw(st.sampled_from([it for it in fixed if (it.lookup_ord, it.dim_reduction) in kinds]))


def _batch_shape(draw: st.DrawFn, statics: ReducedStatics, least: int = 0) -> tuple[int, int]:
    """Draw batch and r, so that there are at least so many vectors, and no fewer rows than a fit needs."""
    choose = chooser(draw, 2)
    r = choose(range(1, 3))
    if statics.fits_inputs:
        least = max(least, statics.num_components + 1 - statics.n)
    return max(choose(range(1, 4)), -(-least // (r * statics.num_splits))), r


def _case(statics: ReducedStatics, vectors: Array, emb_space: Array, r: int, between: bool = False) -> Case:
    """Round to the dtypes; the embeddings of half types between the values that x can take, or among them."""
    wide = normal(emb_space, comparison_dtype(statics.dtype))
    return Case(
        x=normal(vectors, statics.dtype).reshape(-1, r, statics.num_splits * statics.d),
        emb_space=wide if between else normal(wide, statics.dtype).astype(wide.dtype),
        lookup_ord=statics.lookup_ord,
        num_splits=statics.num_splits,
        dim_reduction=statics.dim_reduction,
        num_dim_reduction_components=statics.num_components,
    )


def _rows(draw: st.DrawFn, count: int, d: int, pool: Any = (), largest: int = 3) -> NDArray[np.int64]:
    """Draw rows from a few of small integers and from a pool, so that many are equal, ``[count, d]``."""
    fresh = integers(draw, (chooser(draw, 1)(range(1, 7)), d), -largest, largest)
    return sample(draw, np.concatenate([fresh, np.reshape(pool, (-1, d)).astype(np.int64)]), count)


def _separated(fitted: Array, rows: Array, ratio: float) -> Array:
    """Stretch rows along the principal axes of the fitted ones, so that the singular values of these are far apart.

    They become 1, 1 / ratio, 1 / ratio^2, ... times the root of their number. Equal rows stay equal. Off the space that
    the fitted rows span, nothing is stretched.
    """
    mean = fitted.mean(axis=0)
    _, singular, axes = np.linalg.svd(fitted - mean)
    rank = int((singular > 1e-9 * max(singular[0], 1)).sum())
    factors = np.ones(len(axes))
    factors[:rank] = np.sqrt(len(fitted)) / float(ratio) ** np.arange(rank) / singular[:rank]
    return np.einsum("nd,dc->nc", rows - mean, axes.T * factors @ axes)


@st.composite
def reduced_cases(draw: st.DrawFn, implementation: Implementation, statics: ReducedStatics | None = None) -> Case:
    """Draw a case whose fitted rows have singular values far apart, or 0; inputs may equal embeddings.

    Values are comparable on these, in every norm.
    """
    statics = statics or draw(reduced_statics(implementation))
    batch, r = _batch_shape(draw, statics)
    emb_space = _rows(draw, statics.n, statics.d)
    vectors = _rows(draw, batch * r * statics.num_splits, statics.d, emb_space)
    rows = np.concatenate([emb_space, vectors]).astype(np.float64)
    fitted = rows if statics.fits_inputs else rows[: statics.n]
    offset = draw(st.sampled_from([0, 1, 10])) * np.arange(1, statics.d + 1)
    scale = 2.0 ** draw(st.integers(*_EXPONENTS[statics.dtype]))
    rows = scale * (offset + _separated(fitted, rows, draw(st.sampled_from([1.5, 2, 4]))))
    return _case(statics, rows[statics.n :], rows[: statics.n], r, between=draw(st.booleans()))


class OrthogonalCase(NamedTuple):
    """A case with its principal axes known.

    Attributes
    ----------
    case : Case
        The case at scale 1, with as many components as there are axes that are not null.
    scaled : Case
        The case to quantize: with all components, `scale` times the numbers, and some more elements of the batch, no
        vector of which is finite.
    scale : float
        A power of 2.
    finite : list of int
        Where in the batch to be quantized the elements of `case` are.
    axes : array, shape [d, components]
        The principal axes; 0 where they are null.
    vectors, emb_space : array, shape [batch * m, components], [n, components]
        The exact projections at scale 1.
    """

    case: Case
    scaled: Case
    scale: float
    finite: list[int]
    axes: Array
    vectors: Array
    emb_space: Array


@st.composite
def orthogonal_cases(draw: st.DrawFn, implementation: Implementation, wide: bool = False) -> OrthogonalCase:
    """Draw fitted rows that lie in pairs ``offset +- 3^i o_i`` on orthogonal integer directions ``o_i``, or on offset.

    Their mean is the offset, and their axes are the directions in use, by decreasing i: with c_i pairs, the squares of
    the singular values are ``2 c_i 9^i |o_i|^2``, and c_i is below 9. If only the embeddings are fitted, the inputs lie
    anywhere, so that they differ on null axes, too. With no direction in use, all fitted rows are equal.
    """
    statics = draw(reduced_statics(implementation))
    d, n = statics.d, statics.n
    signs = sample(draw, [1, -1], d)
    directions = np.array(_DIRECTIONS[d])[:, draw(st.permutations(range(d)))] * signs
    most = d if statics.fits_inputs else min(d, n // 2)
    used = draw(st.sampled_from([*range(1, most + 1), *range(most + 1)]))
    directions, others = directions[:used], directions[used:]
    sizes = 3 ** np.arange(used)[::-1, np.newaxis]
    offset = draw(st.sampled_from([0, 1, 100])) * np.arange(1, d + 1) // 5
    if statics.fits_inputs:
        emb_space = sample(draw, np.concatenate([sizes * directions, -sizes * directions, np.zeros((1, d), int)]), n)
        mirrored = np.concatenate([-emb_space, sizes * directions, -sizes * directions])
        batch, r = _batch_shape(draw, statics, len(mirrored))
        vectors = np.zeros((batch * r * statics.num_splits, d), int)
        vectors[: len(mirrored)] = mirrored
    else:
        emb_space = np.zeros((n, d), int)
        emb_space[: 2 * used] = np.concatenate([sizes * directions, -sizes * directions])
        batch, r = _batch_shape(draw, statics)
        vectors = _rows(draw, batch * r * statics.num_splits, d, np.concatenate([emb_space, others]), 20)
    emb_space, vectors = (rows[draw(st.permutations(range(len(rows))))] for rows in (emb_space, vectors))
    kept = directions[: statics.num_components]
    axes = np.zeros((d, statics.num_components))
    axes[:, : len(kept)] = (kept / np.linalg.norm(kept, axis=1, keepdims=True)).T
    case = _case(statics, vectors + offset, emb_space + offset, r)
    exponents = _WIDE_EXPONENTS if wide or statics.lookup_ord != 2 else _EXPONENTS
    low, high = exponents[statics.dtype]
    scale = 2.0 ** draw(st.sampled_from([0, low, high]) | st.integers(low, high))
    x, finite = _contaminated(draw, case.x * case.x.dtype.type(scale), d)
    scaled = replace(case, x=x, emb_space=case.emb_space * scale)
    at_rank = replace(case, num_dim_reduction_components=max(len(kept), 1))
    return OrthogonalCase(at_rank, scaled, scale, finite, axes, vectors @ axes, emb_space @ axes)


def _contaminated(draw: st.DrawFn, x: NDArray[Any], d: int) -> tuple[NDArray[Any], list[int]]:
    """Put elements that have no finite vector between those of the batch; return where its own ones are."""
    broken = x[:1].copy().reshape(-1, d)
    broken[:, draw(st.integers(0, d - 1))] = draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    places = draw(st.lists(st.integers(0, len(x)), max_size=2))
    finite = np.insert(np.ones(len(x), bool), places, False)
    return np.insert(x, places, broken.reshape(x[:1].shape), axis=0), np.flatnonzero(finite).tolist()


class HullCase(NamedTuple):
    """An L2 case with components for the whole affine hull of its fitted rows, and the distances within that hull."""

    case: Case
    rank: int
    distance: Array


@st.composite
def hull_cases(draw: st.DrawFn, implementation: Implementation) -> HullCase:
    """Draw an L2 case whose fitted rows have no greater rank than there are components, so that the others are null.

    The singular values may be equal. The rows may lie far from 0; the inputs, if not fitted, outside the hull.
    """
    statics = draw(reduced_statics(implementation, lookup_ord=2))
    d, n = statics.d, statics.n
    batch, r = _batch_shape(draw, statics)
    basis = _rows(draw, draw(st.integers(1, statics.num_components)), d, largest=2)
    count = batch * r * statics.num_splits
    offset = draw(st.sampled_from([0, 1, 10, 2**20 if statics.dtype in ("float64", "float32") else 30]))
    emb_space = _rows(draw, n, len(basis)) @ basis
    if statics.fits_inputs:
        vectors = _rows(draw, count, len(basis)) @ basis
    else:
        vectors = _rows(draw, count, d, emb_space, largest=20)
    case = _case(statics, vectors + offset, emb_space + offset, r)
    fitted = np.concatenate([emb_space, vectors]) if statics.fits_inputs else emb_space
    # Integers: singular values are either 0 or at least near 1, those that are 0 come out below 1e-12.
    _, singular, axes = np.linalg.svd((fitted - fitted[0]).astype(np.float64))
    rank = int((singular > 1e-9).sum())
    inside = (vectors[:, np.newaxis] - emb_space) @ axes[:rank].T
    return HullCase(case, rank, np.linalg.norm(inside, axis=-1).reshape(batch, -1, n))


@st.composite
def reduced_cosine_cases(draw: st.DrawFn, implementation: Implementation) -> CosineCase:
    """Draw a case with a separated spectrum, with a vote or without."""
    statics = draw(reduced_statics(implementation))
    return as_cosine(draw(reduced_cases(implementation, statics)), draw(_votes(statics)))


@st.composite
def orthogonal_cosine_cases(draw: st.DrawFn, implementation: Implementation) -> tuple[OrthogonalCase, CosineCase]:
    """Draw a case with its principal axes known, at any scale, and what is to be quantized."""
    drawn = draw(orthogonal_cases(implementation, wide=True))
    return drawn, as_cosine(drawn.scaled)


@st.composite
def _votes(draw: st.DrawFn, statics: ReducedStatics) -> Vote | None:
    """Draw labels for a vote whose other arguments follow from the sizes, so that they need no more graphs."""
    n, d = statics.n, statics.d
    if n % 2:
        return None
    representative = "first" if d % 2 else "nearest"
    k, threshold = (1, min(n, 3), n)[statics.num_splits % 3], (0.6, 0.5, 1.0, 1.5, 0.0)[d % 5]
    return Vote(integers(draw, n, 0, 2).astype(("int32", "int64")[d % 2]), 3, k, threshold, representative)


def as_cosine(case: Case, vote: Vote | None = None) -> CosineCase:
    """Return the same inputs for a lookup by cosine similarity."""
    return CosineCase(x=case.x, emb_space=case.emb_space, **{name: case.arguments[name] for name in _SHARED}, vote=vote)
