"""The dtype in which vectors are compared (VQ-14)."""

import tensorflow as tf


def comparison_dtype(dtype: tf.DType) -> tf.DType:
    """Return the dtype in which inputs of `dtype` are compared: float32 for half types, else their own (VQ-14)."""
    return tf.float32 if dtype in (tf.float16, tf.bfloat16) else dtype
