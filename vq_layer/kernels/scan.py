"""The nearest of all embeddings by direct differences, one block of them after the other (VQ-2, VQ-13)."""

import functools
import math
from collections.abc import Callable

import tensorflow as tf

from vq_layer.distances import finite_rows
from vq_layer.kernels import tiles
from vq_layer.kernels.blocks import Blocks, cut
from vq_layer.shapes import static_shape

LayOut = Callable[[tf.Tensor], tuple[tf.Tensor, ...]]
_LANES = 128  # rows at once in few dimensions: of more, XLA divides each step among threads, which takes longer than it
_LAID_OUT = 1 << 18  # coordinates of embeddings at once, 1 MiB as float32


def prepared(emb_space: tf.Tensor) -> tuple[Blocks, tuple[tf.Tensor, ...]]:
    """Return the blocks of embeddings, ``[n, d]``, and what `scan` takes of them: laid out if that is one block.

    Many are laid out block by block in the program, which takes more memory to compile, but holds no copy of them all.
    """
    n, d = static_shape(emb_space)
    blocks = cut(n, max(_LAID_OUT // d, 1))
    return blocks, _lay_out(emb_space, blocks, tf.constant(0)) if blocks.number == 1 else (emb_space,)


def scan(rows: tf.Tensor, *embeddings: tf.Tensor, blocks: Blocks, lookup_ord: float) -> tf.Tensor:
    """Return the index of the nearest embedding, the lowest on ties; -1 where a row is not finite.

    ``[number, d]``, and what `prepared` returns, ``-> [number]``, int32.
    """
    number, d = static_shape(rows)
    known = finite_rows(rows)
    clean = tf.where(tf.expand_dims(known, -1), rows, 0)
    lay_out = (lambda _: embeddings) if blocks.number == 1 else lambda i: _lay_out(embeddings[0], blocks, i)
    scan_lanes = functools.partial(_scan_lanes, blocks=blocks, lay_out=lay_out, lookup_ord=lookup_ord)
    if number <= _LANES or tiles.grouping(d).number > 1:
        index = scan_lanes(clean)
    else:
        parts = tf.reshape(clean, [-1, _LANES, d])
        index = tf.map_fn(scan_lanes, parts, fn_output_signature=tf.TensorSpec([_LANES], tf.int32))
    return tf.where(known, tf.reshape(index, [number]), -1)


def _lay_out(emb_space: tf.Tensor, blocks: Blocks, i: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Return block i as `tiles.blocks`, and its first finite embedding, n if there is none."""
    block = blocks.rows(emb_space, i)
    usable = finite_rows(block)
    # An infinite embedding is infinitely far from every vector, and so never nearer than another.
    laid_out = tiles.blocks(tf.where(tf.expand_dims(usable, -1), block, math.inf), fill=math.inf)
    return laid_out, tf.reduce_min(tf.where(usable, blocks.start(i) + tf.range(blocks.size), blocks.n))


def _scan_lanes(rows: tf.Tensor, blocks: Blocks, lay_out: LayOut, lookup_ord: float) -> tf.Tensor:
    """Return the index of the nearest embedding, -1 where none is finite: ``[lanes, d] -> [lanes]``."""
    across = tiles.lanes(rows)

    def over_block(i: tf.Tensor, first: tf.Tensor, *nearest: tf.Tensor) -> tuple[tf.Tensor, ...]:
        laid_out, first_of_block = lay_out(i)
        return tf.minimum(first, first_of_block), *_taken_in(laid_out, across, blocks.start(i), nearest, lookup_ord)

    number = static_shape(rows)[:1]
    none = tf.fill(number, tf.constant(math.inf, rows.dtype)), tf.fill(number, -1)
    first, _, index = blocks.fold(over_block, tf.constant(blocks.n), *none)
    # Where all distances overflow, none was below the infinite one at the start.
    return tf.where((index < 0) & (first < blocks.n), first, index)


def _taken_in(
    laid_out: tf.Tensor, across: tf.Tensor, start: tf.Tensor, nearest: tuple[tf.Tensor, ...], lookup_ord: float
) -> tuple[tf.Tensor, ...]:
    """Return the distance and the index of the nearest so far, ``[lanes]``, with a block of embeddings from `start`.

    The nearer of two replaces the other by one comparison, so that index and distance cannot part, as they may where
    XLA computes the distances twice.
    """

    def step(i: tf.Tensor, least: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, ...]:
        for offset, distance in enumerate(tf.unstack(tiles.tile(laid_out[i], across, lookup_ord))):
            nearer = distance < least
            least, index = tf.where(nearer, distance, least), tf.where(nearer, start + i * tiles.BLOCK + offset, index)
        return i + 1, least, index

    return tuple(tf.while_loop(lambda i, *_: i < static_shape(laid_out)[0], step, [0, *nearest])[1:])
