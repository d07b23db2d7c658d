"""Honest implementations of distances, losses and gradients, in the ways that rounding may differ.

Plain NumPy in the comparison dtype, by direct differences; no two ways agree to the last bit.
"""

from collections.abc import Callable
from functools import reduce
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vq_verify.comparison import comparison_dtype
from vq_verify.protocol import Case

Array = NDArray[Any]


def forward(terms: Array) -> Array:
    """Add the last axis up one by one."""
    return reduce(np.add, np.moveaxis(terms, -1, 0))


def backward(terms: Array) -> Array:
    """Add the last axis up one by one, from its end."""
    return forward(terms[..., ::-1])


def pairwise(terms: Array) -> Array:
    """Add the halves of the last axis up, each in the same way."""
    half = terms.shape[-1] // 2
    return pairwise(terms[..., :half]) + pairwise(terms[..., half:]) if half else terms[..., 0]


def kept(values: Array) -> Array:
    """Keep subnormal numbers: gradual underflow."""
    return values


def flushed(values: Array) -> Array:
    """Flush subnormal numbers to 0, as many a processor does."""
    return np.where(np.abs(values) < np.finfo(values.dtype).smallest_normal, values.dtype.type(0), values)


class Way(NamedTuple):
    """A way to compute: the order of a sum, and what becomes of subnormal numbers."""

    add: Callable[[Array], Array]
    underflow: Callable[[Array], Array]


WAYS = [Way(*parts) for parts in product((forward, backward, pairwise), (kept, flushed))]


def compared(case: Case) -> tuple[Array, Array]:
    """Return the vectors, ``[M, d]``, and the embedding space in the comparison dtype."""
    dtype = comparison_dtype(case.x.dtype)
    return case.vectors.astype(dtype), case.emb_space.astype(dtype)


def differences(vectors: Array, emb_space: Array, way: Way) -> Array:
    """Return all differences, ``[M, n, d]``."""
    return way.underflow(way.underflow(vectors)[:, np.newaxis] - way.underflow(emb_space))


def norm(difference: Array, lookup_ord: float, way: Way) -> Array:
    """Return the p-norm, ``[..., d] -> [...]``."""
    if lookup_ord == 1:
        return way.underflow(way.add(np.abs(difference)))
    if lookup_ord == 2:
        return np.sqrt(way.underflow(way.add(way.underflow(difference * difference))))
    if np.isinf(lookup_ord):
        return np.abs(difference).max(axis=-1)
    return way.underflow(sum_of_powers(difference, lookup_ord, way) ** (1 / lookup_ord))


def sum_of_powers(difference: Array, lookup_ord: float, way: Way) -> Array:
    """Return ``sum of |v|^p``, by the power of the dtype and without a unit, ``[..., d] -> [...]``."""
    return way.underflow(way.add(way.underflow(np.abs(difference) ** lookup_ord)))


def norm_gradient(difference: Array, lookup_ord: float, way: Way) -> Array:
    """Return the subgradient of the p-norm as computed, ``[..., d] -> [..., d]``."""
    if lookup_ord == 1:
        return np.sign(difference)
    if lookup_ord == 2:
        length = norm(difference, 2, way)[..., np.newaxis]
        return difference / np.where(length == 0, np.inf, length).astype(difference.dtype)
    if not np.isinf(lookup_ord):
        return _order_gradient(difference, lookup_ord, way)
    magnitude = np.abs(difference)
    tied = magnitude == magnitude.max(axis=-1, keepdims=True)
    return (np.sign(difference) * tied / tied.sum(axis=-1, keepdims=True)).astype(difference.dtype)


def _order_gradient(difference: Array, p: float, way: Way) -> Array:
    """Return ``S^(1/p - 1) |v|^(p - 1) sign(v)`` with the sum of powers S, as the chain rule gives it; 0 where S is."""
    total = sum_of_powers(difference, p, way)[..., np.newaxis]
    outer = np.where(total == 0, 1, total) ** (1 / p - 1)
    inner = way.underflow(np.abs(difference) ** (p - 1)) * np.sign(difference)
    return np.where(total == 0, 0, way.underflow(outer.astype(difference.dtype) * inner))


def codebook_gradient(case: Case, chosen: Array, way: Way) -> Array:
    """Return the gradient of the codebook-loss, as the chain rule gives it, chosen ``[M, n]``: ``[n, d]``."""
    vectors, emb_space = compared(case)
    dtype, (number, d) = emb_space.dtype.type, vectors.shape
    scale = dtype(case.weights["codebook_loss"]) / dtype(number) / dtype(d)
    terms = -differences(vectors, emb_space, way) * dtype(2) * scale * chosen[..., np.newaxis]
    return way.add(np.moveaxis(way.underflow(terms), 0, -1))


def mean_gradient(case: Case, counted: Array, weight: float, way: Way) -> Array:
    """Return ``weight / M * sum of g(E[j] - X[i]) over the i counted for j``, counted ``[M, n]``: ``[n, d]``."""
    vectors, emb_space = compared(case)
    pull = -norm_gradient(differences(vectors, emb_space, way), case.lookup_ord, way) * counted[..., np.newaxis]
    scale = emb_space.dtype.type(weight) / emb_space.dtype.type(len(vectors))
    return way.add(np.moveaxis(pull, 0, -1)) * scale


def coulomb_gradient(case: Case, way: Way) -> Array:
    """Return the gradient of the Coulomb-loss, shared equally between what ties as computed, ``[n, d]``."""
    _, emb_space = compared(case)
    difference = differences(emb_space, emb_space, way)
    distance = norm(difference, case.lookup_ord, way)
    np.fill_diagonal(distance, np.inf)
    tied = np.isfinite(distance) & (distance == distance.min(axis=-1, keepdims=True))
    share = (tied / np.maximum(tied.sum(axis=-1, keepdims=True), 1)).astype(emb_space.dtype)[..., np.newaxis]
    pull = norm_gradient(difference, case.lookup_ord, way) * share * emb_space.dtype.type(-case.gamma)
    return way.add(np.moveaxis(np.concatenate([pull, -pull.swapaxes(0, 1)], axis=1), 1, -1))
