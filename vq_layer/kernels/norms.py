"""All that tells one norm from another, in one table (VQ-1, VQ-7)."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from vq_layer.kernels.arithmetic import power, power_of_two_below, unfused
from vq_layer.kernels.derivatives import not_differentiable
from vq_layer.kernels.product import L2_PRODUCT, Product

Fold = Callable[[Callable[..., list[tf.Tensor]], int], Any]
_LARGEST_EXACT = 32  # order; the powers of larger ones are rounded even of small whole numbers


@dataclass(frozen=True)
class Norm:
    """What the paths of the kernels take of a norm.

    The compiled ones compute tiles, ``[vectors, lanes]``, the distances of a few vectors to many. They hand over a
    fold: ``fold(take_in, number)`` gives so many tiles, which start at zero, after ``tiles = take_in(tiles,
    differences)`` for each coordinate in turn.

    Attributes
    ----------
    along : callable, ``[..., d] -> [...]``
        The plain formula along the last axis; its gradient is the subgradient of VQ-7.
    compared : callable, ``fold -> tile``
        What increases with the distance, and is compared in its place.
    distance : callable, ``tile -> tile``
        What makes the distance of that.
    gradient : callable, ``fold, weights -> tile, ...``
        The distances, and what `term` takes of each pair. The weights broadcast to the shape of a tile.
    term : callable, ``lanes, vector, of_pairs... -> [lanes]``
        One coordinate of the gradient, by the lanes, of the weighted distances of one vector to all lanes.
    product : Product or None
        How a matrix product finds the nearest, if one does.
    """

    along: Callable[[tf.Tensor], tf.Tensor]
    compared: Callable[[Fold], tf.Tensor]
    distance: Callable[[tf.Tensor], tf.Tensor]
    gradient: Callable[[Fold, tf.Tensor], tuple[tf.Tensor, ...]]
    term: Callable[..., tf.Tensor]
    product: Product | None = None


def norm_of(lookup_ord: float) -> Norm:
    """Return the norm of the order p, a number from 1 on or infinity; a `ValueError` for any other."""
    if lookup_ord in _TABLE:
        return _TABLE[lookup_ord]
    if not 1 < lookup_ord < math.inf:
        raise ValueError(f"`lookup_ord` must be a number from 1 on, or infinity. Received: lookup_ord={lookup_ord!r}")
    return _of_order(float(lookup_ord))


def _identity(tile: tf.Tensor) -> tf.Tensor:
    return tile


def _sum_along(vectors: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.abs(vectors), axis=-1)


def _sum_of_magnitudes(fold: Fold) -> tf.Tensor:
    return fold(lambda tiles, difference: [tiles[0] + tf.abs(difference)], 1)[0]


def _signed(lanes: tf.Tensor, x: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Return ``weight * sign(lanes - x)``; XLA's `sign` takes twice as long."""
    return tf.where(lanes > x, weight, 0) - tf.where(lanes < x, weight, 0)


L1 = Norm(
    along=_sum_along,
    compared=_sum_of_magnitudes,
    distance=_identity,
    gradient=lambda fold, weights: (_sum_of_magnitudes(fold), weights),
    term=_signed,
)


def _root_along(vectors: tf.Tensor) -> tf.Tensor:
    squared = tf.reduce_sum(unfused(tf.square(vectors)), axis=-1)
    positive = squared > 0
    return tf.where(positive, tf.sqrt(tf.where(positive, squared, 1)), 0)


def _sum_of_squares(fold: Fold) -> tf.Tensor:
    return fold(lambda tiles, difference: [tiles[0] + tf.square(difference)], 1)[0]


def _l2_gradient(fold: Fold, weights: tf.Tensor) -> tuple[tf.Tensor, ...]:
    distance = tf.sqrt(_sum_of_squares(fold))
    return distance, tf.math.divide_no_nan(weights, distance)


L2 = Norm(
    along=_root_along,
    compared=_sum_of_squares,
    distance=tf.sqrt,
    gradient=_l2_gradient,
    term=lambda lanes, x, share: share * (lanes - x),
    product=L2_PRODUCT,
)


def _largest_along(vectors: tf.Tensor) -> tf.Tensor:
    return tf.reduce_max(tf.abs(vectors), axis=-1)


def _largest_magnitude(fold: Fold) -> tf.Tensor:
    return fold(lambda tiles, difference: [tf.maximum(tiles[0], tf.abs(difference))], 1)[0]


def _linf_gradient(fold: Fold, weights: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Share equally between the coordinates that tie for the maximum; their differences have no other rounding."""

    def count(tiles: list[tf.Tensor], difference: tf.Tensor) -> list[tf.Tensor]:
        (maximum, ties), size = tiles, tf.abs(difference)
        ties = tf.where(size > maximum, tf.ones([], ties.dtype), ties + tf.cast(tf.equal(size, maximum), ties.dtype))
        return [tf.maximum(size, maximum), ties]

    distance, ties = fold(count, 2)
    return distance, tf.where(distance > 0, weights / ties, 0), distance


def _linf_term(lanes: tf.Tensor, x: tf.Tensor, share: tf.Tensor, largest: tf.Tensor) -> tf.Tensor:
    difference = lanes - x
    below = tf.where(tf.equal(difference, -largest), -share, tf.zeros([], lanes.dtype))
    return tf.where(tf.equal(difference, largest), share, below)


LINF = Norm(
    along=_largest_along,
    compared=_largest_magnitude,
    distance=_identity,
    gradient=_linf_gradient,
    term=_linf_term,
)

_TABLE = {1: L1, 2: L2, math.inf: LINF}


@functools.cache
def _of_order(p: float) -> Norm:
    """Return the norm of any finite order above 1: ``u * (sum of (|v| / u) ** p) ** (1 / p)``.

    The unit u is about the largest magnitude, so that no power of a difference overflows, and what underflows would not
    change the sum. Up to order 32 it is a power of 2, by which nothing is rounded: sums that are exact without it tie.
    Beside the rounding of the differences, a distance has no more than ``gamma((d + 5) / p + 7)`` of error, for `power`
    in each term and the root, and the sum; two more beyond order 32, for the quotient and the product with the unit.
    """

    def compared(fold: Fold) -> tf.Tensor:
        unit = _unit(_largest_magnitude(fold), p)
        (total,) = fold(lambda tiles, difference: [tiles[0] + power(tf.abs(difference) / unit, p)], 1)
        return unit * power(total, 1 / p)

    def gradient(fold: Fold, weights: tf.Tensor) -> tuple[tf.Tensor, ...]:
        distance = compared(fold)
        return distance, weights, tf.where(distance > 0, distance, 1)

    def term(lanes: tf.Tensor, x: tf.Tensor, weight: tf.Tensor, distance: tf.Tensor) -> tf.Tensor:
        return _signed(lanes, x, weight * power(tf.abs(lanes - x) / distance, p - 1))

    return Norm(functools.partial(_norm_along, p=p), compared, _identity, gradient, term)


def _norm_along(vectors: tf.Tensor, p: float) -> tf.Tensor:
    """Return the norm of a finite order above 1, with the gradient ``sign(v) * (|v| / ||v||) ** (p - 1)``, 0 at 0."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def along(vectors: tf.Tensor) -> tuple[tf.Tensor, Any]:
        magnitude = tf.abs(vectors)
        unit = _unit(tf.reduce_max(magnitude, axis=-1, keepdims=True), p)
        total = tf.reduce_sum(unfused(power(magnitude / unit, p)), axis=-1, keepdims=True)
        length = unit * power(total, 1 / p)

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            share = power(magnitude / tf.where(length > 0, length, 1), p - 1)
            return not_differentiable(tf.expand_dims(upstream, -1) * tf.sign(vectors) * share, vectors)

        return tf.squeeze(length, -1), gradient

    return along(vectors)


def _unit(largest: tf.Tensor, p: float) -> tf.Tensor:
    """Return what magnitudes are divided by, finite and positive, the largest of them given."""
    finite = tf.minimum(largest, largest.dtype.max)
    unit = power_of_two_below(finite) if p <= _LARGEST_EXACT else finite
    return tf.maximum(unit, float(np.finfo(largest.dtype.as_numpy_dtype).smallest_normal))
