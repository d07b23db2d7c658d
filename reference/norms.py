"""The p-norms, p >= 1: one table of what each order needs (VQ-1, VQ-7)."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from reference import validation

Array = NDArray[np.float64]


class PNorm(NamedTuple):
    """What an order of a norm needs.

    Attributes
    ----------
    length : function, [..., d] -> [...]
        The norm.
    gradient : function, [..., d] -> [..., d]
        Its chosen subgradient, 0 at 0.
    pairwise : function, [M, d], [n, d] -> [M, n]
        The norms of all differences.
    """

    length: Callable[[Array], Array]
    gradient: Callable[[Array], Array]
    pairwise: Callable[[Array, Array], Array]


def norm_of(lookup_ord: float) -> PNorm:
    """Return the norm of an order: a number of at least 1, or infinity.

    Raises
    ------
    ValueError, TypeError
        Where the order is no such number.

    Examples
    --------
    >>> norm_of(3).length(np.array([[3.0, -4.0, 5.0], [0.0, 0.0, 0.0]])).round(12)
    array([6., 0.])
    """
    validation.check_lookup_ord(lookup_ord)
    return _TABLE.get(lookup_ord) or _of_order(float(lookup_ord))


def _l1_gradient(vectors: Array) -> Array:
    return np.sign(vectors)


def _l2_gradient(vectors: Array) -> Array:
    scaled = vectors / _scale(np.abs(vectors).max(axis=-1, keepdims=True))  # so that no square underflows
    return np.asarray(scaled / _scale(np.linalg.norm(scaled, axis=-1, keepdims=True)))


def _linf_gradient(vectors: Array) -> Array:
    magnitude = np.abs(vectors)
    tied = magnitude == magnitude.max(axis=-1, keepdims=True)
    return np.asarray(np.sign(vectors) * tied / tied.sum(axis=-1, keepdims=True))


def _length(vectors: Array, p: float) -> Array:
    """Return ``largest (sum (|v| / largest)^p)^(1/p)``: no power overflows, and one that underflows does not count."""
    magnitude = np.abs(vectors)
    largest = _scale(magnitude.max(axis=-1))
    return np.asarray(largest * ((magnitude / largest[..., np.newaxis]) ** p).sum(axis=-1) ** (1 / p))


def _gradient(vectors: Array, p: float) -> Array:
    """Return ``sign(v) (|v| / ||v||_p)^(p - 1)``."""
    magnitude = np.abs(vectors)
    scaled = magnitude / _scale(magnitude.max(axis=-1, keepdims=True))
    return np.asarray(np.sign(vectors) * (scaled / _scale(_length(scaled, p))[..., np.newaxis]) ** (p - 1))


def _pairwise(vectors: Array, emb_space: Array, p: float) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows, or is not finite, is nobody's distance
        return _length(vectors[:, np.newaxis] - emb_space, p)


def _scale(largest: Array) -> Array:
    """Return what to divide by: 1 in the place of 0, which has no direction, and of infinity."""
    return np.where((largest == 0) | np.isinf(largest), 1.0, largest)


def _of_order(p: float) -> PNorm:
    return PNorm(partial(_length, p=p), partial(_gradient, p=p), partial(_pairwise, p=p))


def _of_metric(lookup_ord: float, gradient: Callable[[Array], Array], metric: str) -> PNorm:
    def length(vectors: Array) -> Array:
        return np.asarray(np.linalg.norm(vectors, ord=lookup_ord, axis=-1))

    return PNorm(length, gradient, partial(cdist, metric=metric))


_TABLE = {
    1: _of_metric(1, _l1_gradient, "cityblock"),
    2: _of_metric(2, _l2_gradient, "euclidean"),
    np.inf: _of_metric(np.inf, _linf_gradient, "chebyshev"),
}
