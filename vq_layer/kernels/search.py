"""The index of the nearest embedding, in memory that does not grow with the number of pairs (VQ-2, VQ-13)."""

import functools
import math

import tensorflow as tf

from vq_layer.kernels import chunks, tuning
from vq_layer.kernels.compilation import Function, compiled, specs, traced
from vq_layer.kernels.distances import pairwise_distance
from vq_layer.kernels.lookup import nearest
from vq_layer.kernels.norms import norm_of
from vq_layer.kernels.product import Product
from vq_layer.kernels.route import Route
from vq_layer.kernels.scan import prepared, scan
from vq_layer.shapes import flat, static_shape, static_size, unflattened

_INDEX = tf.TensorSpec([], tf.int32)


def nearest_index(vectors: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float, route: Route) -> tf.Tensor:
    """Return the index of the nearest embedding: ``[..., d], [n, d] -> [...]``, int64.

    What ``nearest(pairwise_distance(vectors, emb_space, lookup_ord))`` is; where two distances are within the rounding
    of direct differences, the two may differ.
    """
    n, d = static_shape(emb_space)
    rows = flat(vectors)
    facts = n, d, rows.dtype, lookup_ord, route.xla, route.few is not None
    index = route.choose(
        small=lambda: nearest_of_few(rows, emb_space, lookup_ord),
        large=lambda: _in_chunks(*facts)(rows, emb_space),
    )
    return unflattened(index, vectors)


def nearest_of_few(rows: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the same of few pairs, which are all held at once: ``[number, d], [n, d] -> [number]``, int64."""
    if not by_product(rows, emb_space, lookup_ord):
        return nearest(pairwise_distance(rows, emb_space, lookup_ord))
    rows, emb_space = tf.stop_gradient(rows), tf.stop_gradient(emb_space)
    index = norm_of(lookup_ord).product.at_once(rows, emb_space)  # type: ignore[union-attr]
    settle = lambda some: [nearest(pairwise_distance(some, emb_space, lookup_ord))]  # noqa: E731
    return chunks.settled([index], index < 0, rows, settle, tuning.TUNING.few_rows)[0]


def by_product(vectors: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> bool:
    """Tell whether few vectors, ``[..., d]``, find their embeddings by a product, which takes less time than distances.

    Their number may be unknown.
    """
    number, coordinates = static_size(static_shape(vectors)[:-1]), int(math.prod(static_shape(emb_space)))
    if norm_of(lookup_ord).product is None:
        return False
    tuned = tuning.TUNING
    return coordinates >= tuned.product_once if number is None else number * coordinates >= tuned.product_of_few


@tuning.cached
def _in_chunks(n: int, d: int, dtype: tf.DType, lookup_ord: float, xla: bool, few: bool) -> Function:
    """Return the search for any number of rows, ``[number, d], [n, d] -> [number]``, traced once.

    For few rows the chunks are small, so that little fills up the last.
    """

    def plain_search(rows: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
        kernel = lambda chunk: [nearest_of_few(chunk, emb_space, lookup_ord)]  # noqa: E731
        return chunks.concatenated(kernel, [rows], chunks.plain_sizes(n * d), tf.TensorSpec([], tf.int64))[0]

    def compiled_search(rows: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
        product = norm_of(lookup_ord).product
        if product is None or not product.pays(n, d):
            sizes = (tuning.TUNING.few_rows,) if few else chunks.compiled_sizes(n * d)
            index = _by_differences(rows, emb_space, lookup_ord, sizes)
        else:
            index = _by_product(rows, emb_space, lookup_ord, product, few)
        return tf.cast(index, tf.int64)

    return traced(compiled_search if xla else plain_search, *specs(dtype, [None, d], [n, d]))


def _by_differences(rows: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float, sizes: chunks.Sizes) -> tf.Tensor:
    """Return the index of the nearest embedding: ``[number, d], [n, d] -> [number]``, int32."""
    kernel = _of_chunk(emb_space, lookup_ord)
    return chunks.concatenated(lambda chunk: [kernel(chunk)], [rows], sizes, _INDEX)[0]


def _of_chunk(emb_space: tf.Tensor, lookup_ord: float) -> Function:
    """Return the search of a chunk by differences: ``[chunk, d] -> [chunk]``, int32."""
    blocks, embeddings = prepared(emb_space)
    kernel = compiled(functools.partial(scan, blocks=blocks, lookup_ord=lookup_ord))
    return lambda chunk: kernel(chunk, *embeddings)


def _by_product(rows: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float, product: Product, few: bool) -> tf.Tensor:
    """Return the same; what a matrix product leaves undecided is decided by differences."""
    tuned = tuning.TUNING
    prepared_product, decide = compiled(product.prepare)(emb_space), compiled(product.decide)
    size = tuned.few_rows if few else tuned.product_rows
    index = chunks.concatenated(lambda chunk: [decide(chunk, emb_space, *prepared_product)], [rows], (size,), _INDEX)[0]
    # Without a loop in the loop: sessions of TensorFlow 1 optimize graphs of these into what cannot run.
    settle = lambda some: [_of_chunk(emb_space, lookup_ord)(some)]  # noqa: E731
    return chunks.settled([index], index < 0, rows, settle, tuned.few_rows)[0]
