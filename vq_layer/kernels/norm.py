"""What the paths of the kernels take of a norm."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from vq_layer.kernels.product import Product

Fold = Callable[[Callable[..., list[tf.Tensor]], int], Any]


@dataclass(frozen=True)
class Norm:
    """The norm of one order, an entry of the table in `norms`.

    Compiled paths compute tiles, ``[vectors, lanes]``, the distances of a few vectors to many. They hand over a
    fold: ``fold(take_in, number)`` gives so many tiles, which start at zero, after ``tiles = take_in(tiles,
    differences)`` for each coordinate in turn.

    Attributes
    ----------
    along : callable, ``[..., d] -> [...]``
        The plain formula along the last axis; its gradient is the subgradient of VQ-7.
    compared : callable, ``fold -> tile``
        What increases with the distance, and is compared in its place.
    distance : callable, ``tile -> tile``
        What makes the distance of that.
    gradient : callable, ``fold, weights -> tile, ...``
        The distances, and what `term` takes of each pair. The weights broadcast to the shape of a tile.
    term : callable, ``lanes, vector, of_pairs... -> [lanes]``
        One coordinate of the gradient, by the lanes, of the weighted distances of one vector to all lanes.
    product : Product or None
        How a matrix product finds the nearest, if one does.
    """

    along: Callable[[tf.Tensor], tf.Tensor]
    compared: Callable[[Fold], tf.Tensor]
    distance: Callable[[tf.Tensor], tf.Tensor]
    gradient: Callable[[Fold, tf.Tensor], tuple[tf.Tensor, ...]]
    term: Callable[..., tf.Tensor]
    product: Product | None = None


def identity(tile: tf.Tensor) -> tf.Tensor:
    """Return the tile, where what is compared is the distance."""
    return tile


def largest_magnitude(fold: Fold) -> tf.Tensor:
    """Return the largest magnitude of each pair's differences."""
    return fold(lambda tiles, difference: [tf.maximum(tiles[0], tf.abs(difference))], 1)[0]


def signed(lanes: tf.Tensor, x: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Return ``weight * sign(lanes - x)``; XLA's `sign` takes twice as long."""
    return tf.where(lanes > x, weight, 0) - tf.where(lanes < x, weight, 0)
