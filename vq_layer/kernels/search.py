"""The index of the nearest embedding, in memory that does not grow with the number of pairs (VQ-2, VQ-13)."""

import functools
import math

import tensorflow as tf

from vq_layer.distances import finite_rows, pairwise_distance
from vq_layer.kernels import chunks, product, tiles
from vq_layer.kernels.compilation import Function, by_size, compiled, uses_xla
from vq_layer.lookup import nearest

_PRODUCT_PAYS = 24  # coordinates from which on a matrix product, with what it takes to trust it, is faster
_ROWS_OF_PRODUCT, _ROWS_LEFT = 1024, 128  # of a chunk
_LANES = 128  # rows at once in few dimensions: of more, XLA divides each step among threads, which takes longer than it
_INDEX = tf.TensorSpec([], tf.int32)


def nearest_index(vectors: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the index of the nearest embedding: ``[..., d], [n, d] -> [...]``, int64.

    What ``nearest(pairwise_distance(vectors, emb_space, lookup_ord))`` is; where two distances are within the rounding
    of direct differences, the two may differ.
    """
    n, d = emb_space.shape
    rows = chunks.flat(vectors)
    index = by_size(
        rows,
        emb_space,
        small=lambda: _all_pairs(rows, emb_space, lookup_ord),
        large=lambda: _in_chunks(n, d, rows.dtype, lookup_ord, uses_xla())(rows, emb_space),
    )
    return tf.reshape(index, tf.shape(vectors)[:-1])


def _all_pairs(rows: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    return nearest(pairwise_distance(rows, emb_space, lookup_ord))


@functools.cache
def _in_chunks(n: int, d: int, dtype: tf.DType, lookup_ord: float, xla: bool) -> Function:
    """Return the search for any number of rows, ``[number, d], [n, d] -> [number]``, traced once."""

    def plain_search(rows: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
        kernel = lambda chunk: [_all_pairs(chunk, emb_space, lookup_ord)]  # noqa: E731
        return chunks.concatenated(kernel, rows, chunks.plain_sizes(n * d), tf.TensorSpec([], tf.int64))[0]

    def compiled_search(rows: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
        by_product = lookup_ord == 2 and d >= _PRODUCT_PAYS and n >= product.FEWEST
        index = (_by_product if by_product else _by_differences)(rows, emb_space, lookup_ord)
        return tf.cast(index, tf.int64)

    function: Function = tf.function(
        compiled_search if xla else plain_search,
        [tf.TensorSpec([None, d], dtype), tf.TensorSpec([n, d], dtype)],
        autograph=False,
    )
    return function


def _by_differences(
    rows: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float, sizes: chunks.Sizes | None = None
) -> tf.Tensor:
    """Return the index of the nearest embedding: ``[number, d], [n, d] -> [number]``, int32."""
    usable = finite_rows(emb_space)
    # An infinite embedding is infinitely far from every vector, and so never nearer than another.
    blocks = tiles.blocks(tf.where(tf.expand_dims(usable, -1), emb_space, math.inf), fill=math.inf)
    farthest = tf.where(tf.reduce_any(usable), tf.argmax(usable, output_type=tf.int32), -1)
    scan = compiled(functools.partial(_scan, lookup_ord=lookup_ord))
    sizes = sizes or chunks.compiled_sizes(emb_space.shape.num_elements())
    return chunks.concatenated(lambda chunk: [scan(chunk, blocks, farthest)], rows, sizes, _INDEX)[0]


def _by_product(rows: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the same; what a matrix product leaves undecided is decided by differences."""
    centre, decide = compiled(product.centre)(emb_space), compiled(product.decided)
    index = chunks.concatenated(lambda chunk: [decide(chunk, emb_space, *centre)], rows, (_ROWS_OF_PRODUCT,), _INDEX)[0]
    settle = lambda some: [_by_differences(some, emb_space, lookup_ord, (_ROWS_LEFT,))]  # noqa: E731
    return chunks.settled([index], index < 0, rows, settle, _ROWS_LEFT)[0]


def _scan(rows: tf.Tensor, blocks: tf.Tensor, farthest: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the index of the nearest embedding, the lowest on ties; -1 where a row is not finite.

    ``[number, d]``, the embeddings as `tiles.blocks` and the index where all distances overflow -> ``[number]``, int32.
    """
    scan = functools.partial(_scan_lanes, blocks=blocks, farthest=farthest, lookup_ord=lookup_ord)
    number, d = rows.shape
    if number <= _LANES or tiles.grouping(d).number > 1:
        return scan(rows)
    parts = tf.reshape(rows, [number // _LANES, _LANES, d])
    return tf.reshape(tf.map_fn(scan, parts, fn_output_signature=tf.TensorSpec([_LANES], tf.int32)), [number])


def _scan_lanes(rows: tf.Tensor, blocks: tf.Tensor, farthest: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the same, with all rows as lanes.

    The nearer of two replaces the other by one comparison, so that index and distance cannot part, as they may where
    XLA computes the distances twice.
    """
    known, number = finite_rows(rows), rows.shape[0]
    across = tiles.lanes(tf.where(tf.expand_dims(known, -1), rows, 0))

    def step(i: tf.Tensor, least: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        for offset, distance in enumerate(tf.unstack(tiles.tile(blocks[i], across, lookup_ord))):
            nearer = distance < least
            least, index = tf.where(nearer, distance, least), tf.where(nearer, i * tiles.BLOCK + offset, index)
        return i + 1, least, index

    start = [0, tf.fill([number], tf.constant(math.inf, rows.dtype)), tf.fill([number], farthest)]
    index = tf.while_loop(lambda i, *_: i < blocks.shape[0], step, start)[2]
    return tf.where(known, index, -1)
