"""The largest of the scores of a row, if no other is near it, in as few passes over the scores as can be.

To compare numbers takes TensorFlow three times as long as to compute with them, and an argmax as long as some sums. So
a score that is near becomes 1 and another 0, and a matrix product counts those that are near and adds their indices.
"""

import numpy as np
import tensorflow as tf

from vq_layer.shapes import static_shape


def in_a_row(scores: tf.Tensor, margin: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the largest score of each row, and its index, int32; -1 where another is within a margin of it.

    ``[number, size], [number] -> [number], [number]``. Margins are above 0, and not lost in the rounding of a score.
    """
    most = tf.reduce_max(scores, axis=1)
    count, index = _near(scores, most - margin)
    return most, tf.where(tf.equal(count, 1), tf.cast(index, tf.int32), -1)


def in_a_grid(scores: tf.Tensor, margin: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the same of as many scores as `filling` leaves, by two passes over them.

    They are laid out in a grid, and only the largest in each line and in each column are compared: two scores that are
    near are in two lines, or in two columns.
    """
    size = static_shape(scores)[1]
    columns = _columns(size)
    grid = tf.reshape(scores, [-1, size // columns, columns])
    of_lines, of_columns = tf.reduce_max(grid, axis=2), tf.reduce_max(grid, axis=1)
    most = tf.reduce_max(of_lines, axis=1)
    (lines, line), (count, column) = (_near(maxima, most - margin) for maxima in (of_lines, of_columns))
    only = tf.equal(lines, 1) & tf.equal(count, 1)
    return most, tf.where(only, tf.cast(line * columns + column, tf.int32), -1)


def filling(size: int) -> int:
    """Return how many scores to add to so many for `in_a_grid`."""
    return -size % _columns(size)


def _columns(size: int) -> int:
    """Return about the root of the size, a power of 2, which divides what the size is filled up to."""
    return 1 << (size.bit_length() - 1) // 2


def _near(scores: tf.Tensor, limit: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return how many scores of each row are above the limit, and the sum of their indices, both exact up to 2^24."""
    near = tf.sign(tf.nn.relu(scores - tf.expand_dims(limit, -1)))
    size = static_shape(scores)[1]
    of_each = np.stack([np.ones(size), np.arange(size)], axis=1)
    count, index = tf.unstack(tf.matmul(near, tf.constant(of_each, scores.dtype)), axis=1)
    return count, index
