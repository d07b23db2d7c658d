"""The index of the nearest embedding, in memory that does not grow with the number of pairs (VQ-2, VQ-13)."""

import functools

import tensorflow as tf

from vq_layer.kernels import chunks, product
from vq_layer.kernels.compilation import Function, by_size, compiled, specs, traced, uses_xla
from vq_layer.kernels.distances import pairwise_distance
from vq_layer.kernels.lookup import nearest
from vq_layer.kernels.scan import prepared, scan
from vq_layer.shapes import flat, static_shape, unflattened

_PRODUCT_PAYS = 24  # coordinates from which on a matrix product, with what it takes to trust it, is faster
_FEW = 512  # rows, of which a chunk of the usual size would be empty for the most part
_ROWS_OF_PRODUCT, _FEWEST = (1024,), (128,)  # of a chunk
_INDEX = tf.TensorSpec([], tf.int32)


def nearest_index(vectors: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the index of the nearest embedding: ``[..., d], [n, d] -> [...]``, int64.

    What ``nearest(pairwise_distance(vectors, emb_space, lookup_ord))`` is; where two distances are within the rounding
    of direct differences, the two may differ.
    """
    n, d = static_shape(emb_space)
    rows = flat(vectors)
    number = static_shape(rows)[0]
    few = number is not None and number <= _FEW
    index = by_size(
        rows,
        emb_space,
        small=lambda: _all_pairs(rows, emb_space, lookup_ord),
        large=lambda: _in_chunks(n, d, rows.dtype, lookup_ord, uses_xla(), few)(rows, emb_space),
    )
    return unflattened(index, vectors)


def _all_pairs(rows: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    return nearest(pairwise_distance(rows, emb_space, lookup_ord))


@functools.cache
def _in_chunks(n: int, d: int, dtype: tf.DType, lookup_ord: float, xla: bool, few: bool = False) -> Function:
    """Return the search for any number of rows, ``[number, d], [n, d] -> [number]``, traced once.

    For few rows the chunks are small, so that little fills up the last.
    """

    def plain_search(rows: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
        kernel = lambda chunk: [_all_pairs(chunk, emb_space, lookup_ord)]  # noqa: E731
        return chunks.concatenated(kernel, [rows], chunks.plain_sizes(n * d), tf.TensorSpec([], tf.int64))[0]

    def compiled_search(rows: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
        if lookup_ord == 2 and d >= _PRODUCT_PAYS and n >= product.FEWEST:
            index = _by_product(rows, emb_space, _FEWEST if few else _ROWS_OF_PRODUCT)
        else:
            index = _by_differences(rows, emb_space, lookup_ord, _FEWEST if few else chunks.compiled_sizes(n * d))
        return tf.cast(index, tf.int64)

    return traced(compiled_search if xla else plain_search, *specs(dtype, [None, d], [n, d]))


def _by_differences(rows: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float, sizes: chunks.Sizes) -> tf.Tensor:
    """Return the index of the nearest embedding: ``[number, d], [n, d] -> [number]``, int32."""
    blocks, embeddings = prepared(emb_space)
    kernel = compiled(functools.partial(scan, blocks=blocks, lookup_ord=lookup_ord))
    return chunks.concatenated(lambda chunk: [kernel(chunk, *embeddings)], [rows], sizes, _INDEX)[0]


def _by_product(rows: tf.Tensor, emb_space: tf.Tensor, sizes: chunks.Sizes) -> tf.Tensor:
    """Return the same under L2; what a matrix product leaves undecided is decided by differences."""
    centre, decide = compiled(product.centre)(emb_space), compiled(product.decided)
    index = chunks.concatenated(lambda chunk: [decide(chunk, emb_space, *centre)], [rows], sizes, _INDEX)[0]
    settle = lambda some: [_by_differences(some, emb_space, 2, _FEWEST)]  # noqa: E731
    return chunks.settled([index], index < 0, rows, settle, *_FEWEST)[0]
