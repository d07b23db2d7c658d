"""Arithmetic that rounds alike wherever a number stands, so that equal embeddings tie (VQ-2)."""

import math

import numpy as np
import tensorflow as tf

_BITS = 8  # of an exponent beyond those of a significand, so that a number up to 2^60 is not raised noticeably wrong


def unfused(products: tf.Tensor) -> tf.Tensor:
    """Return products that a compiler cannot fuse into their sum: at most the largest number of the dtype.

    Some of XLA's programs fuse them, into multiply-adds that round once, all along a loop but for its last steps. Equal
    embeddings would then round differently by their position, and ties not go to the lowest index (VQ-2). Eagerly
    nothing is fused.
    """
    if tf.executing_eagerly():
        return products
    return tf.minimum(products, products.dtype.max)


def power(base: tf.Tensor, exponent: float) -> tf.Tensor:
    """Return ``base ** exponent`` by products and square roots, which every program rounds alike.

    A `pow` may be computed by another formula in the last steps of a loop than in the others. A power that is a whole
    number of halves or quarters takes one root or two, any other about as many as the dtype has bits.

    Parameters
    ----------
    base : tf.Tensor
        From 0 on.
    exponent : float
        From 0 on; ``0 ** 0`` is 1.

    Returns
    -------
    tf.Tensor, shape and dtype of `base`
        With no more than ``gamma(exponent + 6)`` of error beside that of `base` (the notation of Higham, 2002): one
        rounding for each factor of the whole power, and at most 6 for the root, since each root halves those before.
    """
    whole = math.floor(exponent)
    places = np.finfo(base.dtype.as_numpy_dtype).nmant + _BITS
    fraction = round((exponent - whole) * (1 << places))
    factors = ([_whole_power(base, whole)] if whole else []) + ([_root(base, fraction, places)] if fraction else [])
    return math.prod(factors[1:], start=factors[0]) if factors else tf.ones_like(base)


def _whole_power(base: tf.Tensor, exponent: int) -> tf.Tensor:
    """Return a power from 1 on by repeated squares."""
    if exponent == 1:
        return base
    square = _whole_power(base * base, exponent // 2)
    return square * base if exponent % 2 else square


def _root(base: tf.Tensor, fraction: int, places: int) -> tf.Tensor:
    """Return ``base ** (fraction / 2 ** places)``, binary digit by digit, the last first.

    Each step is ``sqrt(so_far * base ** digit)``, as a product of roots, which neither overflows nor underflows.
    """
    if fraction >> places:
        return base
    root, so_far = tf.sqrt(base), None
    for place in range(places):
        so_far = None if so_far is None else tf.sqrt(so_far)
        if fraction >> place & 1:
            so_far = root if so_far is None else so_far * root
    return so_far


def power_of_two_below(numbers: tf.Tensor) -> tf.Tensor:
    """Return the largest power of 2 that is not above each, finite and positive; 0 for 0 and subnormal numbers.

    To divide by it rounds nothing.
    """
    info = np.finfo(numbers.dtype.as_numpy_dtype)
    bits = {32: tf.int32, 64: tf.int64}[info.bits]
    exponent = ((1 << info.nexp) - 1) << info.nmant
    return tf.bitcast(tf.bitwise.bitwise_and(tf.bitcast(numbers, bits), tf.constant(exponent, bits)), numbers.dtype)


def leading_bits(numbers: tf.Tensor) -> tf.Tensor:
    """Return float32 numbers cut off to 11 bits, as many as TensorFloat-32 has: less than 2^-10 of each is lost."""
    kept = tf.bitwise.bitwise_and(tf.bitcast(numbers, tf.int32), tf.constant(-1 << 13, tf.int32))
    return tf.bitcast(kept, tf.float32)
