"""Seeds of k-means: each is drawn in proportion to its squared distance to those drawn before (VQ-25)."""

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from vq_layer.kernels import draws, tuning
from vq_layer.kernels.surroundings import inside_xla
from vq_layer.non_finite import finite_rows
from vq_layer.shapes import static_shape


def seeds(rows: tf.Tensor, n: int, seed: int | tf.Tensor) -> tf.Tensor:
    """Return n of the finite rows, each drawn with a probability in proportion to its squared distance to those before.

    ``[number, d] -> [n, d]``. The first, and each where all rows have been drawn, is drawn uniformly. Where n is not
    large, each is the best of some that are drawn so: the one that leaves the least sum of these squares. Else several
    are proposed at once, in proportion to the same squares; each is accepted with the share of its square that those
    accepted before leave, up to the first that is not (rejection sampling). That is to draw one after the other.

    References
    ----------
    Arthur, Vassilvitskii, "k-means++: The Advantages of Careful Seeding", 2007; the best of some in section 7.
    Efraimidis, Spirakis, "Weighted random sampling with a reservoir", 2006.
    """
    known, best_of_some = finite_rows(rows), n <= tuning.TUNING.tried_seeds
    finite, one = tf.where(tf.expand_dims(known, -1), rows, 0), tf.cast(known, rows.dtype)
    at_once = 2 + int(math.log(n)) if best_of_some else tuning.TUNING.drawn_seeds
    number, take = tf.minimum(at_once, tf.shape(rows)[0]), (_one_of if best_of_some else _several_of)(finite, seed)

    def turn(turns: tf.Tensor, i: tf.Tensor, places: tf.Tensor, square: tf.Tensor) -> tuple[tf.Tensor, ...]:
        most = tf.reduce_max(square)
        weight = square / tf.maximum(most, least) + one * tf.cast(tf.equal(most, 0), one.dtype)
        new, count, square = take(_proposed(weight, seed, turns, number), turns, square, most)
        order = tf.expand_dims(i + tf.range(tf.shape(new)[0]), -1)  # the next are written over those that do not count
        return turns + 1, i + count, tf.tensor_scatter_nd_update(places, order, new), square

    least = np.finfo(rows.dtype.as_numpy_dtype).smallest_normal
    # The largest number would overflow where XLA divides by most and by a time, of up to 17, at once.
    start = tf.constant(0, tf.int64), tf.constant(0), tf.zeros([n + at_once], tf.int32), one * (rows.dtype.max / 32)
    places = tf.while_loop(lambda _, i, *__: i < n, turn, start, maximum_iterations=n)[2]
    return tf.gather(finite, places[:n])


# Of the places of rows that are proposed, those of seeds, how many of them count, and the squares to the nearest seed.
Take = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, ...]]


def _one_of(rows: tf.Tensor, seed: int | tf.Tensor) -> Take:
    """Return the function that takes the best of the rows that are proposed."""
    del seed
    squares_to, norms = _squares_to(rows), tf.reduce_sum(tf.square(rows), axis=-1)

    def take(places: tf.Tensor, turn: tf.Tensor, square: tf.Tensor, most: tf.Tensor) -> tuple[tf.Tensor, ...]:
        del turn, most
        place = tf.gather(places, _best(tf.gather(rows, places), rows, norms, square))
        return tf.expand_dims(place, 0), tf.constant(1), tf.minimum(square, squares_to(tf.gather(rows, place)))

    return take


def _several_of(rows: tf.Tensor, seed: int | tf.Tensor) -> Take:
    """Return the function that takes those of the rows that are proposed and accepted."""
    squares_to = _squares_to(rows)

    def take(places: tf.Tensor, turn: tf.Tensor, square: tf.Tensor, most: tf.Tensor) -> tuple[tf.Tensor, ...]:
        vectors, keys = tf.gather(rows, places), _keys(places, seed, -1 - turn, rows.dtype)
        exhausted = tf.equal(most, 0)  # so that none makes another less likely
        accepted = exhausted | _accepted(vectors, tf.gather(square, places), keys)
        size = tf.shape(places)[0]
        count = tf.maximum(tf.reduce_min(tf.where(accepted, size, tf.range(size))), 1)  # before the first that is not
        nearer = lambda j, square: (j + 1, tf.minimum(square, squares_to(tf.gather(vectors, j))))  # noqa: E731
        begin = tf.where(exhausted, count, 0)
        return places, count, tf.while_loop(lambda j, _: j < count, nearer, [begin, square])[1]

    return take


def _proposed(weight: tf.Tensor, seed: int | tf.Tensor, turn: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
    """Return the places of so many rows in the order in which they are drawn by these weights, none of which is large.

    None is twice among them, but for the first, in the places of those without a weight.
    """
    # Of exponential times of these rates, each is the first with a probability in proportion to its rate. A key of 1
    # stands for all that are rounded to it, whose middle this is.
    time = tf.maximum(-tf.math.log(_keys(tf.range(tf.shape(weight)[0]), seed, turn, weight.dtype)), 2.0**-25)
    rate, places = _largest(weight / time, number)
    return tf.where(rate > 0, places, places[:1])


def _largest(values: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the largest values, none of them negative, and their places: `tf.math.top_k`, for which XLA sorts all."""
    if not inside_xla():
        return tuple(tf.math.top_k(values, number))

    def find(i: tf.Tensor, left: tf.Tensor, places: tf.Tensor) -> tuple[tf.Tensor, ...]:
        place = tf.argmax(left, output_type=tf.int32)
        left = tf.tensor_scatter_nd_update(left, [[place]], tf.constant([-1], left.dtype))
        return i + 1, left, tf.tensor_scatter_nd_update(places, [[i]], [place])

    start = tf.constant(0), values, tf.zeros([number], tf.int32)
    places = tf.while_loop(lambda i, *_: i < number, find, start)[2]
    return tf.gather(values, places), places


def _best(drawn: tf.Tensor, rows: tf.Tensor, norms: tf.Tensor, square: tf.Tensor) -> tf.Tensor:
    """Return which leaves the least sum of squares, by a product: whichever its rounding prefers was drawn, too."""
    products = tf.matmul(drawn, rows, transpose_b=True)
    squares = tf.reduce_sum(tf.square(drawn), axis=-1, keepdims=True) + norms - 2 * products
    left = tf.minimum(square, tf.nn.relu(squares))
    return tf.argmin(tf.reduce_sum(left, axis=1), output_type=tf.int32)


def _accepted(vectors: tf.Tensor, square: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
    """Tell which of the vectors are accepted, each with the share of its square that those before leave."""
    order = tf.range(tf.shape(square)[0])
    between = tf.reduce_sum(tf.math.squared_difference(tf.expand_dims(vectors, 1), vectors), axis=-1)
    to_earlier = tf.where(tf.expand_dims(order, 1) < order, between, square.dtype.max)
    return keys * square < tf.minimum(square, tf.reduce_min(to_earlier, axis=0))


def _squares_to(rows: tf.Tensor) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return the function that gives the squared distances of rows to a vector, ``[d] -> [number]``."""
    if static_shape(rows)[-1] >= tuning.TUNING.subtracted_by_rows:
        return lambda vector: tf.reduce_sum(tf.math.squared_difference(rows, vector), axis=-1)
    across = tf.transpose(rows)  # TensorFlow takes few coordinates of many vectors faster one after the other
    return lambda vector: tf.reduce_sum(tf.math.squared_difference(across, vector[:, None]), axis=0)


def _keys(places: tf.Tensor, seed: int | tf.Tensor, draw: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    return draws.keys(tf.cast(places, tf.int64), seed, draw, dtype)
