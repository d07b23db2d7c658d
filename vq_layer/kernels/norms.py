"""All that tells one norm from another, in one table (VQ-1, VQ-7)."""

import math
from typing import Any

import tensorflow as tf

from vq_layer.kernels.any_order import of_order
from vq_layer.kernels.arithmetic import unfused
from vq_layer.kernels.norm import Fold, Norm, identity, largest_magnitude, signed
from vq_layer.kernels.product import L2_PRODUCT


def norm_of(lookup_ord: float) -> Norm:
    """Return the norm of the order p, a number from 1 on or infinity; a `ValueError` for any other."""
    if lookup_ord in _TABLE:
        return _TABLE[lookup_ord]
    if not 1 < lookup_ord < math.inf:
        raise ValueError(f"`lookup_ord` must be a number from 1 on, or infinity. Received: lookup_ord={lookup_ord!r}")
    return of_order(float(lookup_ord))


def _sum_along(vectors: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.abs(vectors), axis=-1)


def _sum_of_magnitudes(fold: Fold) -> tf.Tensor:
    return fold(lambda tiles, difference: [tiles[0] + tf.abs(difference)], 1)[0]


L1 = Norm(
    along=_sum_along,
    compared=_sum_of_magnitudes,
    distance=identity,
    gradient=lambda fold, weights: (_sum_of_magnitudes(fold), weights),
    term=signed,
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


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _largest_along(vectors: tf.Tensor) -> tuple[tf.Tensor, Any]:
    magnitude = tf.abs(vectors)
    largest = tf.reduce_max(magnitude, axis=-1, keepdims=True)

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        ties = tf.reduce_sum(tf.cast(tf.equal(magnitude, largest), vectors.dtype), axis=-1, keepdims=True)
        share = tf.sign(vectors) * (tf.expand_dims(upstream, -1) / ties)
        # In other words than above, so that XLA compares again and keeps no results for all coordinates of all pairs.
        return tf.where(magnitude >= largest, share, 0)

    return tf.squeeze(largest, -1), gradient


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
    compared=largest_magnitude,
    distance=identity,
    gradient=_linf_gradient,
    term=_linf_term,
)

_TABLE = {1: L1, 2: L2, math.inf: LINF}
