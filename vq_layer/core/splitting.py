"""Splitting of inputs into the vectors that are quantized one by one (VQ-1)."""

import tensorflow as tf

from vq_layer.shapes import static_shape, static_size


def split(x: tf.Tensor, num_splits: int) -> tf.Tensor:
    """Cut the last axis of `x` into `num_splits` equal vectors, row-major.

    ``[batch, ..., q] -> [batch, m, d]`` with ``d = q / num_splits``, and m the product of the middle axes times
    `num_splits`: ``[16, 256, 64] -> [16, 1024, 16]`` with ``num_splits=4``.

    Parameters
    ----------
    x : tf.Tensor, shape [batch, ..., q]
        Any rank from 2; q static, the other axes may be unknown.
    num_splits : int
        A divisor of q.

    Returns
    -------
    tf.Tensor, shape [batch, m, d], dtype of x
    """
    batch, *axes, q = static_shape(x)
    # Not -1: reshape cannot infer an axis of an empty tensor.
    middle = static_size(tuple(axes))
    m = (tf.reduce_prod(tf.shape(x)[1:-1]) if middle is None else middle) * num_splits
    return tf.reshape(x, [tf.shape(x)[0] if batch is None else batch, m, q // num_splits])


def merge(vectors: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Undo `split`: ``[batch, m, d]`` back to the shape of `x`, static shape included."""
    shape = static_shape(x)
    if None not in shape:
        return tf.reshape(vectors, shape)
    return tf.ensure_shape(tf.reshape(vectors, tf.shape(x)), shape)


def split_mask(mask: tf.Tensor, x: tf.Tensor, num_splits: int) -> tf.Tensor:
    """Return for each vector of ``split(x, num_splits)`` whether it counts, ``[batch, m]``, bool.

    Parameters
    ----------
    mask : tf.Tensor, bool
        Of the shape of x without its last axis, or of a leading part of that.
    x : tf.Tensor, shape [batch, ..., q]
    num_splits : int
    """
    axes = len(static_shape(x)) - len(static_shape(mask))
    shape = tf.concat([tf.shape(x)[:-1], [num_splits]], axis=0)
    everywhere = tf.broadcast_to(tf.reshape(mask, tf.concat([tf.shape(mask), [1] * axes], axis=0)), shape)
    return tf.squeeze(split(tf.ensure_shape(everywhere, [*static_shape(x)[:-1], num_splits]), num_splits), axis=-1)
