"""The nearest of all embeddings by direct differences, one block of them after the other (VQ-2, VQ-6, VQ-13)."""

import functools
import math
from collections.abc import Callable

import tensorflow as tf

from vq_layer.kernels import tiles, tuning
from vq_layer.kernels.blocks import Blocks, cut
from vq_layer.kernels.norms import norm_of
from vq_layer.non_finite import finite_rows
from vq_layer.shapes import static_shape

LayOut = Callable[[tf.Tensor], tuple[tf.Tensor, ...]]
TakeIn = Callable[..., tuple[tf.Tensor, ...]]

_INTEGERS = {tf.float32: tf.int32, tf.float64: tf.int64}  # as long


def prepared(emb_space: tf.Tensor) -> tuple[Blocks, tuple[tf.Tensor, ...]]:
    """Return the blocks of embeddings, ``[n, d]``, and what `scan` takes of them: laid out if that is one block.

    Many are laid out block by block in the program, which takes more memory to compile, but holds no copy of them all.
    """
    n, d = static_shape(emb_space)
    blocks = cut(n, max(tuning.TUNING.laid_out // d, 1))
    return blocks, _lay_out(emb_space, blocks, tf.constant(0)) if blocks.number == 1 else (emb_space,)


def scan(rows: tf.Tensor, *embeddings: tf.Tensor, blocks: Blocks, lookup_ord: float) -> tf.Tensor:
    """Return the index of the nearest embedding, the lowest on ties; -1 where a row is not finite.

    ``[number, d]``, and what `prepared` returns, ``-> [number]``, int32.
    """
    known = finite_rows(rows)
    clean = tf.where(tf.expand_dims(known, -1), rows, 0)
    scan_lanes = functools.partial(_nearest_to_lanes, blocks=blocks, lookup_ord=lookup_ord)
    (index,) = _in_lanes(scan_lanes, [clean], embeddings, blocks, tf.int32)
    return tf.where(known, index, -1)


def scan_others(
    rows: tf.Tensor, own: tf.Tensor, *embeddings: tf.Tensor, blocks: Blocks, lookup_ord: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the index of the nearest embedding but the own one, -1 where there is none, and whether another ties.

    Parameters
    ----------
    rows : tf.Tensor, shape [number, d]
        Some of the embeddings.
    own : tf.Tensor, shape [number], int32
        Which they are.
    *embeddings : tf.Tensor
        What `prepared` returns.

    Returns
    -------
    tuple of tf.Tensor, shape [number], int32 and bool
    """
    known = finite_rows(rows)
    clean = tf.where(tf.expand_dims(known, -1), rows, 0)
    scan_lanes = functools.partial(_nearest_others, blocks=blocks, lookup_ord=lookup_ord)
    index, tied = _in_lanes(scan_lanes, [clean, own], embeddings, blocks, tf.int32, tf.bool)
    return tf.where(known, index, -1), known & tied


def _in_lanes(
    scan_lanes: Callable[..., tuple[tf.Tensor, ...]],
    of_rows: list[tf.Tensor],
    embeddings: tuple[tf.Tensor, ...],
    blocks: Blocks,
    *dtypes: tf.DType,
) -> list[tf.Tensor]:
    """Return what is found for each of the rows, ``[number, d]``, and what else belongs to each: ``[number]``."""
    number, d = static_shape(of_rows[0])
    lanes = tiles.number_of_lanes(d, of_rows[0].dtype)
    lay_out = (lambda _: embeddings) if blocks.number == 1 else lambda i: _lay_out(embeddings[0], blocks, i)
    if number <= lanes:
        return list(scan_lanes(*of_rows, lay_out=lay_out))
    parts = [tf.reshape(rows, [-1, lanes, *static_shape(rows)[1:]]) for rows in of_rows]
    found = tf.map_fn(
        lambda part: scan_lanes(*part, lay_out=lay_out),
        parts,
        fn_output_signature=tuple(tf.TensorSpec([lanes], dtype) for dtype in dtypes),
    )
    return [tf.reshape(of_part, [number]) for of_part in found]


def _lay_out(emb_space: tf.Tensor, blocks: Blocks, i: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Return block i as `tiles.strips`, and its first finite embedding, n if there is none."""
    block = blocks.rows(emb_space, i)
    usable = finite_rows(block)
    # An infinite embedding is infinitely far from every vector, and so never nearer than another.
    laid_out = tiles.strips(tf.where(tf.expand_dims(usable, -1), block, math.inf), fill=math.inf)
    return laid_out, tf.reduce_min(tf.where(usable, blocks.start(i) + tf.range(blocks.size), blocks.n))


def _nearest_to_lanes(rows: tf.Tensor, blocks: Blocks, lay_out: LayOut, lookup_ord: float) -> tuple[tf.Tensor]:
    """Return the index of the nearest embedding, -1 where none is finite: ``[lanes, d] -> [lanes]``.

    The nearer of two replaces the other by one comparison, so that index and distance cannot part, as they may where
    XLA computes the distances twice.
    """
    across = tiles.lanes(rows)

    def take_in(distance: tf.Tensor, j: tf.Tensor, least: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, ...]:
        nearer = distance < least
        return tf.where(nearer, distance, least), tf.where(nearer, j, index)

    def over_block(i: tf.Tensor, first: tf.Tensor, *nearest: tf.Tensor) -> tuple[tf.Tensor, ...]:
        laid_out, first_of_block = lay_out(i)
        return tf.minimum(first, first_of_block), *_over(
            laid_out, across, blocks.start(i), nearest, take_in, lookup_ord
        )

    first, _, index = blocks.fold(over_block, tf.constant(blocks.n), *_none(rows))
    # Where all distances overflow, none was below the infinite one at the start.
    return (tf.where((index < 0) & (first < blocks.n), first, index),)


def _nearest_others(
    rows: tf.Tensor, own: tf.Tensor, blocks: Blocks, lay_out: LayOut, lookup_ord: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return what `scan_others` does, for lanes: ``[lanes, d], [lanes] -> [lanes], [lanes]``."""
    across = tiles.lanes(rows)

    def take_in(distance: tf.Tensor, j: tf.Tensor, *so_far: tf.Tensor) -> tuple[tf.Tensor, ...]:
        least, index, tied = so_far
        # The last block may begin early, and then what it shares with the one before is not another.
        another = tf.not_equal(j, own) & tf.not_equal(j, index)
        nearer = another & (distance < least)
        tied = ~nearer & (tied | (another & tf.equal(distance, least)))
        return tf.where(nearer, distance, least), tf.where(nearer, j, index), tied

    def over_block(i: tf.Tensor, *so_far: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return _over(lay_out(i)[0], across, blocks.start(i), so_far, take_in, lookup_ord)

    least, index, tied = blocks.fold(over_block, *_none(rows), tf.zeros_like(own, tf.bool))
    return index, tied & tf.math.is_finite(least)


def _none(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the distance and the index of none yet, ``[lanes]``."""
    number = static_shape(rows)[:1]
    return tf.fill(number, tf.constant(math.inf, rows.dtype)), tf.fill(number, -1)


def _over(
    laid_out: tf.Tensor,
    across: tf.Tensor,
    start: tf.Tensor,
    so_far: tuple[tf.Tensor, ...],
    take_in: TakeIn,
    lookup_ord: float,
) -> tuple[tf.Tensor, ...]:
    """Return ``so_far = take_in(distance, index, *so_far)``, ``[lanes]`` each, for each of a block in turn."""
    norm, (number, *_, strip) = norm_of(lookup_ord), static_shape(laid_out)

    def step(i: tf.Tensor, nearest: tf.Tensor, *others: tf.Tensor) -> tuple[tf.Tensor, ...]:
        so_far = *_unpacked(nearest), *others
        for offset, distance in enumerate(tf.unstack(norm.compared(tiles.fold(laid_out[i], across)))):
            so_far = take_in(distance, start + i * strip + offset, *so_far)
        return i + 1, _packed(*so_far[:2]), *so_far[2:]

    _, nearest, *others = tf.while_loop(lambda i, *_: i < number, step, [0, _packed(*so_far[:2]), *so_far[2:]])
    return *_unpacked(nearest), *others


def _packed(least: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Return the distance and the bits of the index in one tensor, which XLA computes in one loop, not in two."""
    return tf.complex(least, tf.bitcast(tf.cast(index, _INTEGERS[least.dtype]), least.dtype))


def _unpacked(nearest: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    least, bits = tf.math.real(nearest), tf.math.imag(nearest)
    return least, tf.cast(tf.bitcast(bits, _INTEGERS[bits.dtype]), tf.int32)
