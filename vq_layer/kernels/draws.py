"""Keys by which vectors are drawn: each depends on its vector and on what is drawn for, not on where the vector stands.

So replicas that hold parts of a batch draw what one draws that holds all of it, and XLA draws what TensorFlow does.
"""

import numpy as np
import tensorflow as tf

from vq_layer.shapes import static_shape

# The finalizer of MurmurHash3 (Austin Appleby, public domain), which spreads each bit over all of them.
_SPREAD = ((33, -0x00AE502812AA7333), (33, -0x3B314601E57A13AD))


def keys(vectors: tf.Tensor, seed: int, draw: tf.Tensor) -> tf.Tensor:
    """Return a number above 0 and up to 1 for each vector, ``[..., d] -> [...]``, the dtype kept.

    As if it had been drawn uniformly for each that differs in a bit from the others, and anew for each seed and draw.

    Parameters
    ----------
    vectors : tf.Tensor, shape [..., d], float32 or float64
    seed : int
    draw : tf.Tensor, shape [], int64
    """
    words = _words(vectors)
    random = np.random.default_rng(seed)
    factors = random.integers(-(2**62), 2**62, static_shape(words)[-1]) * 2 + 1
    step, offset = random.integers(-(2**62), 2**62, 2) * 2 + 1
    mixed = tf.reduce_sum(words * factors, axis=-1) + (draw * step + offset)
    for shift, factor in _SPREAD:
        mixed = (mixed ^ _shifted(mixed, shift)) * factor
    return tf.cast(_shifted(mixed, 40) + 1, vectors.dtype) * 2.0**-24


def _words(vectors: tf.Tensor) -> tf.Tensor:
    """Return the bits of vectors, ``[..., d]``, as integers of 64 bits; zeros fill up the last."""
    if vectors.dtype.size == 8:
        return tf.bitcast(vectors, tf.int64)
    d = static_shape(vectors)[-1]
    even = tf.pad(vectors, [*[[0, 0]] * (vectors.shape.rank - 1), [0, d % 2]])
    return tf.bitcast(tf.reshape(even, tf.concat([tf.shape(vectors)[:-1], [(d + 1) // 2, 2]], axis=0)), tf.int64)


def _shifted(bits: tf.Tensor, by: int) -> tf.Tensor:
    """Return the bits shifted to the right, with zeros from the left."""
    return tf.bitwise.bitwise_and(tf.bitwise.right_shift(bits, tf.constant(by, tf.int64)), 2 ** (64 - by) - 1)
