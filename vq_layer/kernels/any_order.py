"""The norms of the finite orders above 1, by powers that rounding treats alike (VQ-1, VQ-2, VQ-7)."""

import functools
from typing import Any

import numpy as np
import tensorflow as tf

from vq_layer.kernels.arithmetic import power, power_of_two_below, unfused
from vq_layer.kernels.derivatives import not_differentiable
from vq_layer.kernels.norm import Fold, Norm, identity, largest_magnitude, signed

_LARGEST_EXACT = 32  # order; the powers of larger ones are rounded even of small whole numbers


@functools.cache
def of_order(p: float) -> Norm:
    """Return the norm of any finite order above 1: ``u * (sum of (|v| / u) ** p) ** (1 / p)``.

    The unit u is about the largest magnitude, so that no power of a difference overflows, and what underflows would not
    change the sum. Up to order 32 it is a power of 2, by which nothing is rounded: sums that are exact without it tie.
    Beside the rounding of the differences, a distance has no more than ``gamma((d + 5) / p + 7)`` of error, for `power`
    in each term and the root, and the sum; two more beyond order 32, for the quotient and the product with the unit.

    The root of each distance takes most of the time in few dimensions. Where p is no small number of halves or
    quarters, a root of each coordinate is added, which takes seconds more to compile, too.
    """

    def compared(fold: Fold) -> tf.Tensor:
        unit = _unit(largest_magnitude(fold), p)
        (total,) = fold(lambda tiles, difference: [tiles[0] + power(tf.abs(difference) / unit, p)], 1)
        return unit * power(total, 1 / p)

    def gradient(fold: Fold, weights: tf.Tensor) -> tuple[tf.Tensor, ...]:
        distance = compared(fold)
        return distance, weights, tf.where(distance > 0, distance, 1)

    def term(lanes: tf.Tensor, x: tf.Tensor, weight: tf.Tensor, distance: tf.Tensor) -> tf.Tensor:
        return signed(lanes, x, weight * power(tf.abs(lanes - x) / distance, p - 1))

    return Norm(functools.partial(_norm_along, p=p), compared, identity, gradient, term)


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
