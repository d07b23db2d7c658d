"""The nearest of all embeddings by direct differences, one block of them after the other (VQ-2, VQ-13)."""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from vq_layer.distances import finite_rows
from vq_layer.kernels import tiles
from vq_layer.kernels.blocks import cut

_LANES = 128  # rows at once in few dimensions: of more, XLA divides each step among threads, which takes longer than it
_LAID_OUT = 1 << 18  # coordinates of embeddings at once, 1 MiB as float32


class _Nearest(NamedTuple):
    """The nearest embedding so far of each row, ``[..., number]``: its distance, and its index, -1 if there is none."""

    distance: tf.Tensor
    index: tf.Tensor


def scan(rows: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the index of the nearest embedding, the lowest on ties; -1 where a row is not finite.

    ``[number, d], [n, d] -> [number]``, int32.
    """
    (number, d), n = rows.shape, emb_space.shape[0]
    lanes = _LANES if number > _LANES and tiles.grouping(d).number == 1 else number
    known, blocks = finite_rows(rows), cut(n, max(_LAID_OUT // d, 1))
    parts = tf.reshape(tf.where(tf.expand_dims(known, -1), rows, 0), [-1, lanes, d])

    def over_block(i: tf.Tensor, first: tf.Tensor, nearest: _Nearest) -> tuple[tf.Tensor, _Nearest]:
        block = blocks.rows(emb_space, i)
        usable = finite_rows(block)
        # An infinite embedding is infinitely far from every vector, and so never nearer than another.
        laid_out = tiles.blocks(tf.where(tf.expand_dims(usable, -1), block, math.inf), fill=math.inf)
        take_in = functools.partial(_scan_lanes, blocks=laid_out, start=blocks.start(i), lookup_ord=lookup_ord)
        numbers = tf.where(usable, blocks.start(i) + tf.range(blocks.size), n)
        return tf.minimum(first, tf.reduce_min(numbers)), _Nearest(*_mapped(take_in, parts, *nearest))

    start = _Nearest(tf.fill(parts.shape[:2], tf.constant(math.inf, rows.dtype)), tf.fill(parts.shape[:2], -1))
    first, nearest = blocks.fold(over_block, tf.constant(n), start)
    # Where all distances overflow, none was below the infinite one at the start.
    index = tf.where((nearest.index < 0) & (first < n), first, nearest.index)
    return tf.where(known, tf.reshape(index, [number]), -1)


def _mapped(take_in: Callable[[Any], tuple[tf.Tensor, ...]], *parts: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Take in one part after the other."""
    if parts[0].shape[0] == 1:
        return tuple(tf.expand_dims(result, 0) for result in take_in([part[0] for part in parts]))
    rows, *nearest = parts
    specs = tuple(tf.TensorSpec(rows.shape[1], part.dtype) for part in nearest)
    return tuple(tf.map_fn(take_in, parts, fn_output_signature=specs))


def _scan_lanes(
    part: tuple[tf.Tensor, ...], blocks: tf.Tensor, start: tf.Tensor, lookup_ord: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the distances and indices of the nearest embeddings, also among those of `blocks`, the first at `start`.

    The nearer of two replaces the other by one comparison, so that index and distance cannot part, as they may where
    XLA computes the distances twice.
    """
    rows, least, index = part
    across = tiles.lanes(rows)

    def step(i: tf.Tensor, least: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        for offset, distance in enumerate(tf.unstack(tiles.tile(blocks[i], across, lookup_ord))):
            nearer = distance < least
            least, index = tf.where(nearer, distance, least), tf.where(nearer, start + i * tiles.BLOCK + offset, index)
        return i + 1, least, index

    _, least, index = tf.while_loop(lambda i, *_: i < blocks.shape[0], step, [0, least, index])
    return least, index
