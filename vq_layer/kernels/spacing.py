"""How far apart the embeddings lie (VQ-6).

Both spacings are functions of the distances of the embeddings among each other,
``pairwise_distance(emb_space, emb_space, lookup_ord)``.
"""

import tensorflow as tf

from vq_layer.non_finite import where_known
from vq_layer.shapes import static_shape


def emb_spacing(emb_distance: tf.Tensor) -> tf.Tensor:
    """Return the distances between all pairs of embeddings: ``[n, n] -> [n (n - 1) / 2]``.

    The strict upper triangle of the distance matrix, row-major: (0, 1), (0, 2), ..., (1, 2), ...
    """
    n, _ = static_shape(emb_distance)
    number = n * (n - 1) // 2
    # Not boolean_mask, which XLA cannot compile: row i holds n - 1 - i pairs, from position i (2n - i - 1) / 2 on.
    position, i = tf.range(number, dtype=tf.int64), tf.range(n, dtype=tf.int64)
    start = i * (2 * n - i - 1) // 2
    row = tf.searchsorted(start[:-1], position, side="right", out_type=tf.int64) - 1
    column = position - tf.gather(start, row) + row + 1
    return tf.gather_nd(emb_distance, tf.stack([row, column], axis=-1))


def emb_closest_spacing(emb_distance: tf.Tensor) -> tf.Tensor:
    """Return the distance of each embedding to the nearest other one: ``[n, n] -> [n]``.

    An embedding with no finite other one is at spacing 0; an embedding that is not finite at spacing NaN (VQ-13).
    The gradient of the minimum is shared equally between the embeddings that tie for it (VQ-7).
    """
    finite = ~tf.math.is_nan(emb_distance)
    other = finite & ~tf.eye(static_shape(emb_distance)[0], dtype=tf.bool)
    closest = tf.reduce_min(tf.where(other, emb_distance, emb_distance.dtype.max), axis=-1)
    closest = tf.where(tf.reduce_any(other, axis=-1), closest, 0)
    return where_known(tf.linalg.diag_part(finite), closest)
