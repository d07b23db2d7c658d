"""Tiles of distances: a strip of vectors against lanes, where a processor works on many vectors at once.

A tile holds the distances of a strip of vectors to as many others as there are lanes, by direct differences. All
coordinates are laid out ``[bundles, coordinates of a bundle, vectors]``: XLA unrolls the few coordinates of a bundle
into one loop over the lanes, and takes the bundles one after the other. Coordinates that fill up the last bundle are
zero on both sides, which changes no norm.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from vq_layer.kernels import tuning
from vq_layer.kernels.norm import Fold
from vq_layer.shapes import static_shape

Step = Callable[[Any, tf.Tensor], Any]


class Bundles(NamedTuple):
    """How many bundles, and how many coordinates in each."""

    number: int
    size: int


def bundles(d: int) -> Bundles:
    """Return bundles for d coordinates, equal in size, none smaller than `Tuning.bundle` unless it is the only one."""
    number = max(d // tuning.TUNING.bundle, 1)
    return Bundles(number, -(-d // number))


def number_of_lanes(d: int, dtype: tf.DType) -> int:
    """Return how many vectors of d coordinates are the lanes of a tile that XLA leaves to one thread, a power of 2."""
    fitting = tuning.TUNING.lane_bytes // (bundles(d).size * int(dtype.size))
    return min(1 << fitting.bit_length() >> 1, tuning.TUNING.lanes)


def lanes(rows: tf.Tensor) -> tf.Tensor:
    """Lay out vectors as lanes: ``[number, d] -> [bundles, size of a bundle, number]``."""
    number, d = static_shape(rows)
    cut = bundles(d)
    filled = tf.pad(tf.transpose(rows), [[0, cut.number * cut.size - d], [0, 0]])
    return tf.reshape(filled, [*cut, number])


def strips(rows: tf.Tensor, fill: float) -> tf.Tensor:
    """Lay out vectors as strips, filled up with others: ``[number, d] -> [strips, bundles, size of a bundle, strip]``.

    The last axis is the vectors of a strip, as many as `Tuning.strip` says.
    """
    (number, _), strip = static_shape(rows), tuning.TUNING.strip
    filled = tf.pad(rows, [[0, -number % strip], [0, 0]], constant_values=fill)
    across = lanes(filled)
    return tf.transpose(tf.reshape(across, [*static_shape(across)[:2], -1, strip]), [2, 0, 1, 3])


def vectors(across: tf.Tensor, d: int) -> tf.Tensor:
    """Undo `lanes`: ``[bundles, size of a bundle, number] -> [number, d]``."""
    return tf.transpose(tf.reshape(across, [-1, static_shape(across)[-1]])[:d])


def fold(strip: tf.Tensor, across: tf.Tensor) -> Fold:
    """Return the fold of the differences of all lanes from one strip, as `Norm` describes it.

    ``[bundles, size of a bundle, strip], [bundles, size of a bundle, lanes]``, and tiles of ``[strip, lanes]``.
    """
    return functools.partial(_over_coordinates, strip, across)


def _over_coordinates(strip: tf.Tensor, across: tf.Tensor, take_in: Step, number: int) -> Any:
    """Fold the differences of one coordinate after the other into so many tiles, which start at zero."""
    number_of_bundles, _, number_of_lanes = static_shape(across)

    def bundle(b: tf.Tensor, *so_far: Any) -> list[tf.Tensor]:
        # Unstacked, since slices one by one take long to trace.
        for x, coordinates in zip(tf.unstack(strip[b]), tf.unstack(across[b]), strict=True):
            so_far = take_in(so_far, coordinates - tf.expand_dims(x, -1))
        return [b + 1, *so_far]

    start = [tf.zeros([static_shape(strip)[-1], number_of_lanes], across.dtype)] * number
    if number_of_bundles == 1:
        return bundle(0, *start)[1:]
    return tf.while_loop(lambda b, *_: b < number_of_bundles, bundle, [0, *start])[1:]
