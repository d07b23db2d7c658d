"""What an embedding space starts from in many vectors: a sample, k-means++ seeds, Lloyd's steps (VQ-25).

Vectors that do not count are NaN, so that shapes stay as they are and XLA compiles all of it.
"""

import tensorflow as tf

from vq_layer.kernels import draws
from vq_layer.kernels.compilation import shared
from vq_layer.kernels.route import route
from vq_layer.kernels.search import nearest_index
from vq_layer.kernels.seeding import seeds
from vq_layer.non_finite import finite_rows
from vq_layer.shapes import static_shape


def sample(rows: tf.Tensor, n: int, seed: int) -> tf.Tensor:
    """Return n of the finite rows, drawn without replacement, ``[number, d] -> [n, d]``.

    Where there are fewer, they are repeated in the order in which they were drawn.
    """
    known, places = finite_rows(rows), tf.range(tf.shape(rows, tf.int64)[0])
    keys = draws.keys(places, seed, tf.constant(0, tf.int64), rows.dtype)
    keys = tf.where(known, 1 - keys, 1)  # those that are not known come last
    order = tf.argsort(keys, stable=True)
    number = tf.maximum(tf.math.count_nonzero(known, dtype=tf.int32), 1)
    return tf.gather(rows, tf.gather(order, tf.range(n) % number))


@shared
def centres_of(rows: tf.Tensor, seed: tf.Tensor, *, n: int, iterations: int) -> tf.Tensor:
    """Return where n centres arrive that start from `seeds` and make so many steps, ``[number, d], [] -> [n, d]``."""
    return lloyd(rows, seeds(rows, n, seed), iterations)


def lloyd(rows: tf.Tensor, centres: tf.Tensor, iterations: int) -> tf.Tensor:
    """Move each centre to the mean of the rows that it is nearest to, so many times: ``[number, d], [n, d] -> [n, d]``.

    One that is nearest to none stays. It ends early once no centre moves.
    """

    def step(i: tf.Tensor, centres: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, ...]:
        total, count = sums(rows, centres)
        new = mean(total, count, centres)
        return i + 1, new, tf.reduce_any(tf.not_equal(new, centres))

    start = tf.constant(0), centres, tf.constant(True)
    return tf.while_loop(lambda i, _, moves: (i < iterations) & moves, step, start, maximum_iterations=iterations)[1]


def sums(rows: tf.Tensor, centres: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the sum and the number of the rows that each centre is nearest to, ``[n, d]`` and ``[n]``."""
    index, n = nearest_index(rows, centres, 2, route(rows, centres)), static_shape(centres)[0]
    return tf.math.unsorted_segment_sum(rows, index, n), tf.math.unsorted_segment_sum(tf.ones_like(index), index, n)


def mean(total: tf.Tensor, count: tf.Tensor, centres: tf.Tensor) -> tf.Tensor:
    """Return the mean of the rows of each centre; where there are none, the centre."""
    divisor = tf.expand_dims(tf.cast(tf.maximum(count, 1), total.dtype), -1)
    return tf.where(tf.expand_dims(count > 0, -1), total / divisor, centres)
