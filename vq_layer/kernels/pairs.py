"""All distances, in memory that does not grow with the number of coordinates (VQ-1, VQ-6, VQ-7)."""

import functools
import math
from typing import Any

import tensorflow as tf

from vq_layer.kernels import chunks, tiles, tuning
from vq_layer.kernels.compilation import Function, compiled, specs, traced
from vq_layer.kernels.derivatives import not_differentiable
from vq_layer.kernels.distances import pairwise_distance
from vq_layer.kernels.gradients import weighted_sums
from vq_layer.kernels.norms import norm_of
from vq_layer.kernels.route import Route
from vq_layer.non_finite import finite_rows
from vq_layer.shapes import flat, static_shape, unflattened


def all_distances(vectors: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float, route: Route) -> tf.Tensor:
    """Return ``pairwise_distance(vectors, emb_space, lookup_ord)``, ``[..., d], [n, d] -> [..., n]``.

    Its gradient to `emb_space` is the subgradient of VQ-7; it has none of its own, and `vectors` are constants.
    """
    if route.small:
        return pairwise_distance(vectors, emb_space, lookup_ord)
    rows = flat(vectors)
    distance = _distances(rows, emb_space, lookup_ord, route, lambda upstream: upstream)
    return unflattened(distance, vectors, static_shape(emb_space)[0])


def distances_among(emb_space: tf.Tensor, lookup_ord: float, route: Route) -> tf.Tensor:
    """Return ``pairwise_distance(emb_space, emb_space, lookup_ord)``, ``[n, n]``, differentiable as `all_distances`."""
    if route.small:
        return pairwise_distance(emb_space, emb_space, lookup_ord)
    rows = tf.stop_gradient(emb_space)
    # Each distance pulls at both of its embeddings, of which one is a constant row here.
    return _distances(rows, emb_space, lookup_ord, route, lambda upstream: upstream + tf.transpose(upstream))


def _distances(
    rows: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float, route: Route, weights_of: Function
) -> tf.Tensor:
    n, d = static_shape(emb_space)
    facts = n, d, rows.dtype, lookup_ord, route.few

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def distances(emb_space: tf.Tensor) -> tuple[tf.Tensor, Any]:
        constant = tf.stop_gradient(emb_space)  # else an outer tape differentiates the loops, too

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            weights = tf.stop_gradient(weights_of(upstream))
            value = route.choose(
                small=lambda: _plain_gradient(rows, weights, constant, lookup_ord),
                large=lambda way: _gradient_in_chunks(way, *facts)(rows, weights, constant),
            )
            return not_differentiable(value, emb_space)

        value = route.choose(
            small=lambda: pairwise_distance(rows, constant, lookup_ord),
            large=lambda way: _in_chunks(way, *facts)(rows, constant),
        )
        return value, gradient

    return distances(emb_space)


def _plain_gradient(rows: tf.Tensor, weights: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the gradient to `emb_space` of the sum of all distances, each times its weight."""
    with tf.GradientTape() as tape:
        tape.watch(emb_space)
        distance = pairwise_distance(rows, emb_space, lookup_ord)
    return tape.gradient(distance, emb_space, weights)


@tuning.cached
def _in_chunks(way: str, n: int, d: int, dtype: tf.DType, lookup_ord: float, few: int | None) -> Function:
    """Return `pairwise_distance` for any number of rows, traced once."""

    def distances(rows: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
        of_row = tf.TensorSpec([n], dtype)
        if way != "compiled":
            plain, sizes = chunks.by_formula(way, functools.partial(pairwise_distance, lookup_ord=lookup_ord), n, d)
            return chunks.concatenated(lambda chunk: [plain(chunk, emb_space)], [rows], sizes, of_row)[0]
        kernel = compiled(functools.partial(_of_chunk, lookup_ord=lookup_ord))
        usable = finite_rows(emb_space)
        across = tiles.lanes(tf.where(tf.expand_dims(usable, -1), emb_space, 0))
        distance = chunks.concatenated(
            lambda chunk: [kernel(chunk, across)], [rows], chunks.compiled_sizes(n * d, few), of_row
        )[0]
        return tf.where(usable, distance, math.nan)

    return traced(distances, *specs(dtype, [None, d], [n, d]))


@tuning.cached
def _gradient_in_chunks(way: str, n: int, d: int, dtype: tf.DType, lookup_ord: float, few: int | None) -> Function:
    """Return `_plain_gradient` for any number of rows, traced once."""

    def gradient(rows: tf.Tensor, weights: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
        if way == "compiled":
            return weighted_sums(rows, weights, emb_space, lookup_ord, few)[1]
        plain, sizes = chunks.by_formula(way, functools.partial(_plain_gradient, lookup_ord=lookup_ord), n, d)
        kernel = lambda *chunk: [plain(*chunk, emb_space)]  # noqa: E731
        return chunks.summed(kernel, [rows, weights], sizes, [tf.zeros([n, d], dtype)])[0]

    return traced(gradient, *specs(dtype, [None, d], [None, n], [n, d]))


def _of_chunk(rows: tf.Tensor, across: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the distances of rows to the embeddings, laid out as `tiles.lanes`: ``[number, d] -> [number, n]``."""
    known, norm = tf.expand_dims(finite_rows(rows), -1), norm_of(lookup_ord)
    strips = tiles.strips(tf.where(known, rows, 0), fill=0)
    compared = tf.map_fn(lambda strip: norm.compared(tiles.fold(strip, across)), strips)
    compared = tf.reshape(compared, [-1, static_shape(across)[-1]])
    return tf.where(known, norm.distance(compared), math.nan)
