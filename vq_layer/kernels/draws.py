"""Keys by which vectors are drawn: they depend on a place in the order of all vectors alone.

So replicas that hold parts of a batch draw what one draws that holds all of it, and XLA draws what TensorFlow does.
"""

import tensorflow as tf

# Odd numbers without a pattern, those of SplitMix64 (Sebastiano Vigna, public domain).
_BY_PLACE, _BY_DRAW, _BY_SEED = (it - 2**64 for it in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
# The finalizer of MurmurHash3 (Austin Appleby, public domain), which spreads each bit over all of them.
_SPREAD = ((33, 0xFF51AFD7ED558CCD - 2**64), (33, 0xC4CEB9FE1A85EC53 - 2**64))


def places(vectors: tf.Tensor, before: int | tf.Tensor) -> tf.Tensor:
    """Return where each vector stands among those of all replicas: ``[batch, m, d] -> [batch, m]``, int64.

    So many that others have come before them.
    """
    shape = tf.shape(vectors, tf.int64)[:-1]
    return tf.cast(before, tf.int64) + tf.reshape(tf.range(tf.reduce_prod(shape)), shape)


def keys(places: tf.Tensor, seed: int | tf.Tensor, draw: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Return a number above 0 and up to 1 for each place, as if it had been drawn uniformly: ``[...] -> [...]``.

    Parameters
    ----------
    places : tf.Tensor, int64
    seed : int
    draw : tf.Tensor, shape [], int64
        Each has its own numbers.
    dtype : tf.DType
        Of the result, a multiple of 2^-24.
    """
    mixed = places * _BY_PLACE + (draw * _BY_DRAW + tf.cast(seed + 1, tf.int64) * _BY_SEED)
    for shift, factor in _SPREAD:
        mixed = tf.bitwise.bitwise_xor(mixed, _shifted(mixed, shift)) * factor
    return tf.cast(_shifted(mixed, 40) + 1, dtype) * 2.0**-24


def _shifted(bits: tf.Tensor, by: int) -> tf.Tensor:
    """Return the bits shifted to the right, with zeros from the left."""
    return tf.bitwise.bitwise_and(tf.bitwise.right_shift(bits, tf.constant(by, tf.int64)), 2 ** (64 - by) - 1)
