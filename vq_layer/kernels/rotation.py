"""What of a gradient passes from one vector to another: turned back, or without their direction (VQ-27)."""

import tensorflow as tf

from vq_layer.kernels.similarity import normalize
from vq_layer.non_finite import finite_rows


def turned_back(gradient: tf.Tensor, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """Return ``||end|| / ||start|| * R^T gradient``, with the rotation R that turns the start onto the end.

    ``R^T = (I - 2 x x^T)(I - 2 r r^T)``, where x and e are start and end scaled to norm 1, and r is x + e likewise. A
    reflection keeps lengths along whichever direction: rounding of a small sum, near the opposite, changes none.

    Parameters
    ----------
    gradient, start, end : tf.Tensor, shape [..., d], one dtype

    Returns
    -------
    tf.Tensor, shape [..., d], same dtype
        The gradient as it is where start or end is 0 or not finite, or the quotient of their lengths overflows. Where
        they are opposite, r is 0.
    """
    known = tf.expand_dims(finite_rows(start) & finite_rows(end), -1)
    start, end = tf.where(known, start, 0), tf.where(known, end, 0)
    unit, other = normalize(start), normalize(end)
    # The length of a vector is its largest magnitude over that of its direction; the latter's quotient is near 1.
    scale = _quotient(_largest(end), _largest(start)) * _quotient(_largest(unit), _largest(other))
    turned = _reflected(_reflected(gradient, unit + other), unit)
    return tf.where((_largest(start) > 0) & (_largest(end) > 0) & tf.math.is_finite(scale), scale * turned, gradient)


def without_direction(gradient: tf.Tensor, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """Return ``gradient - u (u . gradient)``, with u = end - start scaled to norm 1, ``[..., d]``, all of one dtype.

    The gradient as it is where both are equal, or one is not finite.
    """
    known = tf.expand_dims(finite_rows(start) & finite_rows(end), -1)
    direction = normalize(tf.where(known, end, 0) - tf.where(known, start, 0))
    return gradient - direction * tf.reduce_sum(direction * gradient, axis=-1, keepdims=True)


def _reflected(vectors: tf.Tensor, normal: tf.Tensor) -> tf.Tensor:
    """Return what the reflection along a normal of any length makes of vectors, ``[..., d]``; along 0, themselves."""
    normal = _quotient(normal, _largest(normal))  # so that its square doesn't underflow
    product, square = (tf.reduce_sum(normal * it, axis=-1, keepdims=True) for it in (vectors, normal))
    return vectors - 2 * _quotient(product, square) * normal


def _largest(vectors: tf.Tensor) -> tf.Tensor:
    return tf.reduce_max(tf.abs(vectors), axis=-1, keepdims=True)


_quotient = tf.math.divide_no_nan
