"""The gradients that a rotation and DiVeQ pass on, by formulas of their own, and the error that they may have (VQ-27).

The notation is that of `rounding`. The rotation that turns a unit vector x onto another, e, in their
plane is ``R = I + K + 2 K^2 / ||x + e||^2`` with ``K = e x^T - x e^T``: the formula of Rodrigues, in which ``1 + cos``
of the angle is ``||x + e||^2 / 2``. Its transpose has -K for K.
"""

from typing import NamedTuple

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from vq_verify.comparison.rounding import Array, rounding
from vq_verify.protocol import Case


class Rotated(NamedTuple):
    """What is passed on to each vector, one a row.

    Attributes
    ----------
    exact : array, shape [M, d], float64
    error : array, shape [M, d]
        How far off it may be; 0 where the gradient passes on as it is.
    length, length_error : array, shape [M]
        The length that it must have, and how far off that may be.
    """

    exact: Array
    error: Array
    length: Array
    length_error: Array


def rotated(case: Case, emb_index: NDArray[np.int64], upstream: NDArray[np.float64]) -> Rotated:
    """Return what a rotation passes on, given the accepted indices, where nothing overflows.

    A coordinate of a unit vector has d / 2 + 4 roundings (`similarity_error`), a length as many.

    Direction, relative to ``scale ||g||``. The sum w of two unit vectors is off by d + 10 roundings, w scaled to norm 1
    by 2 ||that|| / ||w||, a reflection along it by twice that: 2 d + 20 over ||w||. To apply a reflection takes 4 d + 7
    roundings, to have the other one's direction off d + 8; as ||w|| is at most 2, each of these is twice that over
    ||w||: 20 d + 64 for the product of two reflections. For the generator, K g is off by 2 (2 d + 10), K^2 g by so much
    times 2 ||K||, and ``||K|| <= ||w||``; with the square of ||w|| all this comes to 28 d + 160 over ||w||, the most of
    the usual formulas. No two maps that keep lengths are further apart than 2, however small w is: where the bound
    comes to that, nothing but the length is known, and 0 stands for any direction.

    Length: two reflections, and their unit vectors if they are scaled to norm 1 beforehand, 8 d + 14 and 4 d + 32; the
    scale with its two lengths and the product, d + 12.

    All that is flushed on the way is beside numbers of the size of 1, so that it is less than one rounding, but for the
    scale. In the end x may be of a smaller dtype, which rounds once and flushes more.
    """
    arithmetic, narrow = rounding(case.x.dtype), ml_dtypes.finfo(case.x.dtype)
    d = case.emb_space.shape[-1]
    x, e = case.vectors, _chosen(case, emb_index)
    g = upstream.astype(np.float64).reshape(x.shape)
    turns = np.isfinite(x).all(-1) & np.isfinite(e).all(-1) & x.any(-1) & e.any(-1)
    unit, other, scale = _polar(np.where(turns[:, np.newaxis], x, 1), np.where(turns[:, np.newaxis], e, 1))

    w = np.linalg.norm(unit + other, axis=-1, keepdims=True)
    opposite = _are_opposite(x, e)[:, np.newaxis]
    inverse = np.divide(1, w, out=np.full_like(w, np.inf), where=w > 0)
    turned = np.where(opposite, g - 2 * unit * _dot(unit, g), _turned_back(unit, other, g, inverse))
    length = scale[:, 0] * np.linalg.norm(g, axis=-1)

    direction = np.minimum(arithmetic.gamma(28 * d + 160) * np.where(opposite, 1, inverse), 2)
    flushed = (np.sqrt(d) + 2) * arithmetic.smallest_normal * np.linalg.norm(g, axis=-1)
    error = ((direction[:, 0] + arithmetic.gamma(d + 12)) * length + flushed)[:, np.newaxis]
    exact = scale * np.where(direction < 2, turned, 0)
    narrowing = float(narrow.eps) / 2 * (np.abs(exact) + error) + float(narrow.smallest_normal)
    length_error = arithmetic.gamma(13 * d + 58) * length + flushed
    rounded = length_error + float(narrow.eps) / 2 * length + np.sqrt(d) * float(narrow.smallest_normal)
    return Rotated(
        exact=np.where(turns[:, np.newaxis], exact, g),
        error=np.where(turns[:, np.newaxis], error + narrowing, 0),
        length=np.where(turns, length, np.linalg.norm(g, axis=-1)),
        length_error=np.where(turns, rounded, arithmetic.gamma(d) * np.linalg.norm(g, axis=-1)),
    )


def projected(case: Case, emb_index: NDArray[np.int64], upstream: NDArray[np.float64]) -> tuple[Array, Array]:
    """Return what DiVeQ passes on to each vector, ``[M, d]``, given the accepted indices, and the error it may have.

    A coordinate of the direction has d / 2 + 5 roundings, one of them of the difference; it counts twice, and there are
    d + 2 for the dot product, the product and the difference: 2 d + 12, relative to ``||g||``. Each difference v may be
    off by 3 t, which turns the direction by as much over ``||v||``, and counts twice. Two projections are no further
    apart than 1. In the end x may be of a smaller dtype, which rounds once and flushes more.
    """
    arithmetic, narrow = rounding(case.x.dtype), ml_dtypes.finfo(case.x.dtype)
    x, e = case.vectors, _chosen(case, emb_index)
    g, d = upstream.astype(np.float64).reshape(x.shape), x.shape[-1]
    moves = (np.isfinite(x) & np.isfinite(e)).all(-1, keepdims=True) & (x != e).any(-1, keepdims=True)
    difference = np.where(moves, e, 1) - np.where(moves, x, 0)
    largest = np.abs(difference).max(axis=-1, keepdims=True)
    v = difference / largest
    exact = g - v * _dot(v, g) / _dot(v, v)
    flushed = 6 * np.sqrt(d) * (arithmetic.smallest_normal / largest) / np.sqrt(_dot(v, v))
    error = np.minimum(arithmetic.gamma(2 * d + 12) + flushed, 1) * np.linalg.norm(g, axis=-1, keepdims=True)
    narrowing = float(narrow.eps) / 2 * (np.abs(exact) + error) + float(narrow.smallest_normal)
    return np.where(moves, exact, g), np.where(moves, error + narrowing, 0)


def _chosen(case: Case, emb_index: NDArray[np.int64]) -> Array:
    """Return the chosen embeddings, ``[M, d]``; NaN at -1."""
    index = emb_index.reshape(-1, 1)
    return np.where(index < 0, np.nan, case.emb_space.astype(np.float64)[index[:, 0]])


def _polar(x: Array, e: Array) -> tuple[Array, Array, Array]:
    """Return both as unit vectors, ``[M, d]``, and the quotient of their lengths, ``[M, 1]``.

    A power of 2 brings each close to 1 first, which rounds nothing.
    """
    exponents = [np.frexp(np.abs(rows).max(axis=-1, keepdims=True))[1] for rows in (x, e)]
    leveled = [np.ldexp(rows, -exponent) for rows, exponent in zip((x, e), exponents, strict=True)]
    lengths = [np.linalg.norm(rows, axis=-1, keepdims=True) for rows in leveled]
    scale = np.ldexp(lengths[1] / lengths[0], exponents[1] - exponents[0])
    return leveled[0] / lengths[0], leveled[1] / lengths[1], scale


def _are_opposite(x: Array, e: Array) -> NDArray[np.bool_]:
    """Tell which are opposite by a power of 2, so that their unit vectors round alike; any others may not."""
    significands = [np.ldexp(rows, -np.frexp(np.abs(rows).max(axis=-1, keepdims=True))[1]) for rows in (x, e)]
    return np.asarray((significands[0] == -significands[1]).all(axis=-1))


def _turned_back(unit: Array, other: Array, g: Array, inverse: Array) -> Array:
    """Return ``R^T g`` by the formula of Rodrigues; anything where the inverse of ``||x + e||`` is not finite."""

    def generator(rows: Array) -> Array:
        return other * _dot(unit, rows) - unit * _dot(other, rows)

    finite = np.where(np.isfinite(inverse), inverse, 0)
    return np.asarray(g - generator(g) + 2 * finite * (finite * generator(generator(g))))


def _dot(rows: Array, others: Array) -> Array:
    return np.asarray((rows * others).sum(axis=-1, keepdims=True))
