"""How far apart the embeddings lie (VQ-6)."""

import math

import tensorflow as tf

from vq_layer.distances import pairwise_distance


def emb_spacing(emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the distances between all pairs of embeddings: ``[n, d] -> [n (n - 1) / 2]``.

    The strict upper triangle of the distance matrix, row-major: (0, 1), (0, 2), ..., (1, 2), ...
    """
    n = emb_space.shape[0]
    index = tf.range(n)
    upper = tf.boolean_mask(pairwise_distance(emb_space, emb_space, lookup_ord), index[:, tf.newaxis] < index)
    return tf.ensure_shape(upper, [n * (n - 1) // 2])


def emb_closest_spacing(emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the distance of each embedding to the nearest other one: ``[n, d] -> [n]``.

    An embedding with no finite other one is at spacing 0; an embedding that is not finite at spacing NaN (VQ-13).
    The gradient of the minimum is shared equally between the embeddings that tie for it (VQ-7).
    """
    distance = pairwise_distance(emb_space, emb_space, lookup_ord)
    finite = ~tf.math.is_nan(distance)
    other = finite & ~tf.eye(emb_space.shape[0], dtype=tf.bool)
    closest = tf.reduce_min(tf.where(other, distance, math.inf), axis=-1)
    closest = tf.where(tf.reduce_any(other, axis=-1), closest, 0)
    return tf.where(tf.linalg.diag_part(finite), closest, math.nan)
