"""What an embedding space starts from in many vectors: a sample, k-means++ seeds, Lloyd's steps (VQ-25).

Vectors that do not count are NaN, so that shapes stay as they are and XLA compiles all of it.
"""

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from vq_layer.kernels import draws, tuning
from vq_layer.kernels.compilation import shared
from vq_layer.kernels.route import route
from vq_layer.kernels.search import nearest_index
from vq_layer.non_finite import finite_rows
from vq_layer.shapes import static_shape


def sample(rows: tf.Tensor, n: int, seed: int) -> tf.Tensor:
    """Return n of the finite rows, drawn without replacement, ``[number, d] -> [n, d]``.

    Where there are fewer, they are repeated in the order in which they were drawn.
    """
    known = finite_rows(rows)
    keys = tf.where(known, 1 - _keys(rows, seed, 0, 1)[0], 1)  # those that are not known come last
    order = tf.argsort(keys, stable=True)
    number = tf.maximum(tf.math.count_nonzero(known, dtype=tf.int32), 1)
    return tf.gather(rows, tf.gather(order, tf.range(n) % number))


def seeds(rows: tf.Tensor, n: int, seed: int | tf.Tensor) -> tf.Tensor:
    """Return n of the finite rows, each drawn with a probability in proportion to its squared distance to the others.

    ``[number, d] -> [n, d]``. The first, and each where all rows have been drawn, is drawn uniformly. Where n is not
    large, each is the best of some that are drawn so: the one that leaves the least sum of these squares.

    References
    ----------
    Arthur, Vassilvitskii, "k-means++: The Advantages of Careful Seeding", 2007; the best of some in section 7.
    """
    known, trials = finite_rows(rows), 2 + int(math.log(n)) if n <= tuning.TUNING.tried_seeds else 1
    finite = tf.where(tf.expand_dims(known, -1), rows, 0)
    least, one = np.finfo(rows.dtype.as_numpy_dtype).smallest_normal, tf.cast(known, rows.dtype)
    squares_to, norms = _squares_to(finite), tf.reduce_sum(tf.square(finite), axis=-1)

    def draw(i: tf.Tensor, chosen: tf.Tensor, square: tf.Tensor) -> tuple[tf.Tensor, ...]:
        most = tf.reduce_max(square)
        weight = square / tf.maximum(most, least) + one * tf.cast(tf.equal(most, 0), one.dtype)
        # Of exponential times of these rates, each is the first with a probability in proportion to its rate.
        time = tf.maximum(-tf.math.log(_keys(rows, seed, i, trials)), least)
        drawn = tf.gather(finite, tf.argmax(weight / time, axis=1, output_type=tf.int32))
        new = tf.gather(drawn, _best(drawn, square) if trials > 1 else 0)
        return i + 1, tf.tensor_scatter_nd_update(chosen, [[i]], [new]), tf.minimum(square, squares_to(new))

    def _best(drawn: tf.Tensor, square: tf.Tensor) -> tf.Tensor:
        """Return which leaves the least sum of squares, by a product: whichever its rounding prefers was drawn, too."""
        products = tf.matmul(drawn, finite, transpose_b=True)
        squares = tf.reduce_sum(tf.square(drawn), axis=-1, keepdims=True) + norms - 2 * products
        left = tf.minimum(square, tf.nn.relu(squares))
        return tf.argmin(tf.reduce_sum(left, axis=1), output_type=tf.int32)

    start = tf.constant(0), tf.zeros([n, static_shape(rows)[-1]], rows.dtype), one * rows.dtype.max
    return tf.while_loop(lambda i, *_: i < n, draw, start, maximum_iterations=n)[1]


def _squares_to(rows: tf.Tensor) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return the function that gives the squared distances of rows to a vector, ``[d] -> [number]``."""
    if static_shape(rows)[-1] >= tuning.TUNING.subtracted_by_rows:
        return lambda vector: tf.reduce_sum(tf.math.squared_difference(rows, vector), axis=-1)
    across = tf.transpose(rows)  # TensorFlow takes few coordinates of many vectors faster one after the other
    return lambda vector: tf.reduce_sum(tf.math.squared_difference(across, vector[:, None]), axis=0)


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


def _keys(rows: tf.Tensor, seed: int | tf.Tensor, step: int | tf.Tensor, trials: int) -> tf.Tensor:
    """Return numbers above 0 and up to 1 for each row, ``[trials, number]``."""
    number = tf.shape(rows, tf.int64)[0]
    places = tf.reshape(tf.range(trials * number), [trials, number])
    return draws.keys(places, seed, tf.cast(step, tf.int64), rows.dtype)
