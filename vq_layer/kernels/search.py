"""The index of the nearest embedding, in memory that does not grow with the number of pairs (VQ-2, VQ-13)."""

import functools
import math

import tensorflow as tf

from vq_layer.kernels import chunks, fused, tuning
from vq_layer.kernels.branches import rarely
from vq_layer.kernels.compilation import Function, compiled, shared, specs, traced
from vq_layer.kernels.distances import pairwise_distance
from vq_layer.kernels.lookup import nearest
from vq_layer.kernels.norms import norm_of
from vq_layer.kernels.route import Route
from vq_layer.kernels.scan import prepared, scan
from vq_layer.kernels.surroundings import inside_xla, products_are_exact
from vq_layer.non_finite import finite_rows
from vq_layer.shapes import flat, static_shape, static_size, unflattened

_INDEX = tf.TensorSpec([], tf.int32)


def nearest_index(vectors: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float, route: Route) -> tf.Tensor:
    """Return the index of the nearest embedding: ``[..., d], [n, d] -> [...]``, int64.

    What ``nearest(pairwise_distance(vectors, emb_space, lookup_ord))`` is; where two distances are within the rounding
    of direct differences, the two may differ.
    """
    n, d = static_shape(emb_space)
    rows, emb_space = tf.stop_gradient(flat(vectors)), tf.stop_gradient(emb_space)  # else a tape differentiates, too
    of_few = nearest_of_few if tf.executing_eagerly() else _nearest_of_few  # eagerly, shapes may be new in each call
    index = route.choose(
        small=lambda: of_few(rows, emb_space, lookup_ord=lookup_ord),
        large=lambda way: _in_chunks(way, n, d, rows.dtype, lookup_ord, route.few is not None)(rows, emb_space),
    )
    return unflattened(index, vectors)


def nearest_of_few(rows: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the same of few pairs, which are all held at once: ``[number, d], [n, d] -> [number]``, int64."""
    if not by_product(rows, emb_space, lookup_ord):
        return nearest(pairwise_distance(rows, emb_space, lookup_ord))
    index = _decided(norm_of(lookup_ord).product.at_once, rows, emb_space)  # type: ignore[union-attr]
    exact = functools.partial(_exact, emb_space=emb_space, lookup_ord=lookup_ord)
    return tf.cast(_settled(index, rows, exact, None), tf.int64)


_nearest_of_few = shared(nearest_of_few)


def by_product(vectors: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> bool:
    """Tell whether few vectors, ``[..., d]``, find their embeddings by a product, which takes less time than distances.

    Their number may be unknown.
    """
    number, coordinates = static_size(static_shape(vectors)[:-1]), int(math.prod(static_shape(emb_space)))
    if norm_of(lookup_ord).product is None or not products_are_exact():
        return False
    tuned = tuning.TUNING
    if number is None:
        return coordinates >= tuned.product_once
    least = tuned.product_in_xla if inside_xla() else tuned.product_of_few
    return bool(number * coordinates >= least)


@tuning.cached
def _in_chunks(way: str, n: int, d: int, dtype: tf.DType, lookup_ord: float, few: bool) -> Function:
    """Return the search for any number of rows, ``[number, d], [n, d] -> [number]``, traced once.

    For few rows the chunks are small, so that little fills up the last.
    """
    product, xla = norm_of(lookup_ord).product, way == "compiled"
    product_pays = product is not None and product.pays(n, d)

    def search(rows: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
        if way == "fused":
            index = fused.nearest_index(rows, emb_space, lookup_ord)
        elif product_pays and products_are_exact():
            index = _by_product(rows, emb_space, lookup_ord, xla, few)
        else:
            index = _by_differences(rows, emb_space, lookup_ord, xla, few)
        return tf.cast(index, tf.int64)

    return traced(search, *specs(dtype, [None, d], [n, d]))


def _by_differences(rows: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float, xla: bool, few: bool) -> tf.Tensor:
    """Return the index of the nearest embedding: ``[number, d], [n, d] -> [number]``, int32."""
    pair = int(math.prod(static_shape(emb_space)))
    if xla:
        kernel = _of_chunk(emb_space, lookup_ord)
        sizes = (tuning.TUNING.few_rows,) if few else chunks.compiled_sizes(pair)
    else:
        kernel = lambda chunk: tf.cast(nearest_of_few(chunk, emb_space, lookup_ord), tf.int32)  # noqa: E731
        sizes = chunks.plain_sizes(pair)
    return chunks.concatenated(lambda chunk: [kernel(chunk)], [rows], sizes, _INDEX)[0]


def _of_chunk(emb_space: tf.Tensor, lookup_ord: float) -> Function:
    """Return the search of a chunk by differences: ``[chunk, d] -> [chunk]``, int32."""
    blocks, embeddings = prepared(emb_space)
    kernel = compiled(functools.partial(scan, blocks=blocks, lookup_ord=lookup_ord))
    return lambda chunk: kernel(chunk, *embeddings)


def _by_product(rows: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float, xla: bool, few: bool) -> tf.Tensor:
    """Return the same; what a matrix product leaves undecided is decided by differences."""
    tuned, product = tuning.TUNING, norm_of(lookup_ord).product
    of_embeddings = product.prepare(emb_space)  # type: ignore[union-attr]
    decide = lambda chunk: [_decided(product.decide, chunk, emb_space, *of_embeddings)]  # type: ignore[union-attr] # noqa: E731
    size = tuned.few_rows if few else tuned.product_rows
    index = chunks.concatenated(decide, [rows], (size,), _INDEX)[0]
    if inside_xla() and xla:
        return _settled(index, rows, _of_chunk(emb_space, lookup_ord), tuned.few_rows)
    pair = int(math.prod(static_shape(emb_space)))
    (at_once,) = chunks.plain_sizes(pair)
    # Within XLA, all rows are passed over, so many at a time.
    size = at_once if inside_xla() else min(at_once, max(tuned.settled_coordinates // pair, tuned.settled_rows))
    exact = functools.partial(_exact, emb_space=emb_space, lookup_ord=lookup_ord)
    one_by_one = functools.partial(_settled, index, rows, exact, size)
    if not xla:
        return one_by_one()
    # Where many are, to compare all of them takes no longer, once that is compiled.
    many = tf.maximum(tf.shape(rows)[0] // tuned.settled_plainly, at_once)
    undecided = tf.math.count_nonzero(tf.equal(index, -1), dtype=tf.int32)
    return rarely(undecided > many, lambda: _by_differences(rows, emb_space, lookup_ord, xla, few), one_by_one)


def _exact(rows: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the index of the nearest embedding by all distances, held at once: ``[number, d] -> [number]``, int32."""
    return tf.cast(nearest(pairwise_distance(rows, emb_space, lookup_ord)), tf.int32)


def _decided(decide: Function, rows: tf.Tensor, *of_embeddings: tf.Tensor) -> tf.Tensor:
    """Return what a product decides; -2, which needs no settling, for a row that is not finite, as of a mask."""
    return tf.where(finite_rows(rows), decide(rows, *of_embeddings), -2)


def _settled(index: tf.Tensor, rows: tf.Tensor, exact: Function, size: int | None) -> tf.Tensor:
    """Return the index of each row, with what `exact` finds where it is -1; -1 where it is -2.

    So many rows at a time. Where the size is None, all that `exact` has to find are held at once, but for within XLA.
    """
    if not inside_xla():
        found = chunks.settled([index], tf.equal(index, -1), rows, lambda some: [exact(some)], size)[0]
        return tf.maximum(found, -1)

    # XLA takes long to compile a choice of rows, but not to pass over those that are decided.
    def of_chunk(chunk: tf.Tensor, index: tf.Tensor) -> list[tf.Tensor]:
        undecided = tf.reduce_any(tf.equal(index, -1))
        return [tf.cond(undecided, lambda: exact(chunk), lambda: tf.maximum(index, -1))]

    return chunks.concatenated(of_chunk, [rows, index], (size or tuning.TUNING.few_rows,), _INDEX)[0]
