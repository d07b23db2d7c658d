"""Tiles of distances: a block of vectors against lanes, where a processor works on many vectors at once.

A tile holds the distances of `BLOCK` vectors to as many others as there are lanes, by direct differences. All
coordinates are laid out ``[groups, coordinates of a group, vectors]``: XLA unrolls the few coordinates of a group into
one loop over the lanes, and takes the groups one after the other. Coordinates that fill up the last group are zero on
both sides, which changes no norm.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from vq_layer.shapes import static_shape

Step = Callable[[Any, tf.Tensor], Any]
BLOCK = 16  # vectors of a block: with fewer, or with groups of 8 of many coordinates, XLA's loops are four times slower
_LARGEST_GROUP = 24


class Grouping(NamedTuple):
    """How many groups, and how many coordinates in each."""

    number: int
    size: int


def grouping(d: int) -> Grouping:
    """Return groups for d coordinates, about equal in size."""
    number = -(-d // _LARGEST_GROUP)
    return Grouping(number, -(-d // number))


def lanes(rows: tf.Tensor) -> tf.Tensor:
    """Lay out vectors as lanes: ``[number, d] -> [groups, size of a group, number]``."""
    number, d = static_shape(rows)
    groups = grouping(d)
    filled = tf.pad(tf.transpose(rows), [[0, groups.number * groups.size - d], [0, 0]])
    return tf.reshape(filled, [*groups, number])


def blocks(rows: tf.Tensor, fill: float) -> tf.Tensor:
    """Lay out vectors as blocks, filled up with others: ``[number, d] -> [blocks, groups, size of a group, BLOCK]``."""
    number, _ = static_shape(rows)
    filled = tf.pad(rows, [[0, -number % BLOCK], [0, 0]], constant_values=fill)
    across = lanes(filled)
    return tf.transpose(tf.reshape(across, [*static_shape(across)[:2], -1, BLOCK]), [2, 0, 1, 3])


def vectors(across: tf.Tensor, d: int) -> tf.Tensor:
    """Undo `lanes`: ``[groups, size of a group, number] -> [number, d]``."""
    return tf.transpose(tf.reshape(across, [-1, static_shape(across)[-1]])[:d])


def tile(block: tf.Tensor, across: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the distances of one block to all lanes, ``[BLOCK, lanes]``; for L2 their squares."""

    def add(so_far: tf.Tensor, difference: tf.Tensor) -> tf.Tensor:
        if math.isinf(lookup_ord):
            return tf.maximum(so_far, tf.abs(difference))
        return so_far + (tf.square(difference) if lookup_ord == 2 else tf.abs(difference))

    return _over_coordinates(block, across, lambda so_far, difference: [add(so_far[0], difference)], 1)[0]


def maxima(block: tf.Tensor, across: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the Linf distances of one block to all lanes, and how many coordinates tie for each.

    Both ``[BLOCK, lanes]``; at distance 0 all coordinates tie.
    """

    def count(so_far: list[tf.Tensor], difference: tf.Tensor) -> list[tf.Tensor]:
        (maximum, ties), size = so_far, tf.abs(difference)
        ties = tf.where(size > maximum, tf.ones([], ties.dtype), ties + tf.cast(tf.equal(size, maximum), ties.dtype))
        return [tf.maximum(size, maximum), ties]

    distance, ties = _over_coordinates(block, across, count, 2)
    return distance, ties


def _over_coordinates(block: tf.Tensor, across: tf.Tensor, take_in: Step, number: int) -> Any:
    """Fold the differences of one coordinate after the other into so many tiles, which start at zero."""
    groups, _, number_of_lanes = static_shape(across)

    def group(g: tf.Tensor, *so_far: Any) -> list[tf.Tensor]:
        # Unstacked, since slices one by one take long to trace.
        for x, coordinates in zip(tf.unstack(block[g]), tf.unstack(across[g]), strict=True):
            so_far = take_in(so_far, coordinates - tf.expand_dims(x, -1))
        return [g + 1, *so_far]

    start = [tf.zeros([BLOCK, number_of_lanes], across.dtype)] * number
    if groups == 1:
        return group(0, *start)[1:]
    return tf.while_loop(lambda g, *_: g < groups, group, [0, *start])[1:]
