"""Vectors that are not finite, and what stands in their place (VQ-13)."""

import math

import numpy as np
import tensorflow as tf


def finite_rows(vectors: tf.Tensor) -> tf.Tensor:
    """Tell which vectors have only finite coordinates: ``[..., d] -> [...]`` (VQ-13)."""
    return tf.reduce_all(tf.math.is_finite(vectors), axis=-1)


def where_known(known: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Return the values, and NaN in the place of those that are not known; no gradient passes there.

    Where all are known no NaN arises, not even as a constant, so that `tf.debugging.enable_check_numerics` finds none.
    """
    dtype = {4: tf.int32, 8: tf.int64}[values.dtype.size]
    bits = np.array(math.nan, values.dtype.as_numpy_dtype).view(dtype.as_numpy_dtype)
    return tf.where(known, values, tf.bitcast(tf.where(known, tf.constant(0, dtype), tf.constant(bits)), values.dtype))
