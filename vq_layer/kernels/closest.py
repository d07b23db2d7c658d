"""The distance to the nearest other embedding, in memory that does not grow with the number of pairs (VQ-6, VQ-7)."""

import functools
from typing import Any

import tensorflow as tf

from vq_layer.kernels import chunks, spacing, tuning
from vq_layer.kernels.compilation import Function, compiled, specs, traced
from vq_layer.kernels.derivatives import not_differentiable
from vq_layer.kernels.distances import norm, pairwise_distance
from vq_layer.kernels.route import Route
from vq_layer.kernels.scan import prepared, scan_others
from vq_layer.non_finite import finite_rows, where_known
from vq_layer.shapes import static_shape

_FOUND = tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.bool)


def closest_spacing(emb_space: tf.Tensor, lookup_ord: float, route: Route) -> tf.Tensor:
    """Return the distance of each embedding to the nearest other one, ``[n, d] -> [n]``.

    ``spacing.emb_closest_spacing`` of the distances of all pairs. Its gradient is the subgradient of VQ-7, through the
    closest pairs only; it has none of its own.
    """
    if route.small:
        return spacing.emb_closest_spacing(pairwise_distance(emb_space, emb_space, lookup_ord))
    n, d = static_shape(emb_space)
    facts = n, d, emb_space.dtype, lookup_ord

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def closest(emb_space: tf.Tensor) -> tuple[tf.Tensor, Any]:
        constant = tf.stop_gradient(emb_space)  # else an outer tape differentiates the loops, too
        index, tied = route.take(lambda way: _nearest_others(way, *facts)(constant))

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            of_pairs = tf.stop_gradient(upstream), constant, index, tied
            value = route.take(lambda way: _gradient(way, *facts)(*of_pairs))
            return not_differentiable(value, emb_space)

        return _distances_to(index, constant, lookup_ord), gradient

    return closest(emb_space)


def _distances_to(index: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the distance of each embedding to the one at its index, ``[n]``; 0 where that is -1, or NaN (VQ-13)."""
    found = tf.expand_dims(index >= 0, -1)
    others = tf.gather(emb_space, tf.maximum(index, 0))
    distance = norm(tf.where(found, emb_space - others, 0), lookup_ord)
    return where_known(finite_rows(emb_space), distance)


@tuning.cached
def _nearest_others(way: str, n: int, d: int, dtype: tf.DType, lookup_ord: float) -> Function:
    """Return the search, ``[n, d] -> [n], [n]``: which other embedding is nearest, -1 if none, and whether more tie."""

    def plain_search(emb_space: tf.Tensor) -> list[tf.Tensor]:
        def of_chunk(rows: tf.Tensor, own: tf.Tensor, emb_space: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            _, tied = _distances_to_others(rows, own, emb_space, lookup_ord)
            index = tf.where(tf.reduce_any(tied, axis=-1), tf.argmax(tied, axis=-1, output_type=tf.int32), -1)
            return index, tf.math.count_nonzero(tied, axis=-1) > 1

        plain, sizes = chunks.by_formula(way, of_chunk, n, d)
        kernel = lambda *of_rows: plain(*of_rows, emb_space)  # noqa: E731
        return chunks.concatenated(kernel, [emb_space, tf.range(n)], sizes, *_FOUND)

    def compiled_search(emb_space: tf.Tensor) -> list[tf.Tensor]:
        blocks, embeddings = prepared(emb_space)
        scan = compiled(functools.partial(scan_others, blocks=blocks, lookup_ord=lookup_ord))
        kernel = lambda *of_chunk: scan(*of_chunk, *embeddings)  # noqa: E731
        return chunks.concatenated(kernel, [emb_space, tf.range(n)], chunks.compiled_sizes(n * d), *_FOUND)

    return traced(compiled_search if way == "compiled" else plain_search, *specs(dtype, [n, d]))


@tuning.cached
def _gradient(way: str, n: int, d: int, dtype: tf.DType, lookup_ord: float) -> Function:
    """Return the gradient to the embeddings, ``[n], [n, d], [n], [n] -> [n, d]``, from what `_nearest_others` found."""
    of_ties: Function = functools.partial(_gradient_of_ties, lookup_ord=lookup_ord)
    *_, size = chunks.fused_sizes(n, d) if way == "fused" else chunks.plain_sizes(n * d)
    if way != "plain":
        of_ties = compiled(of_ties)

    def gradient(upstream: tf.Tensor, emb_space: tf.Tensor, index: tf.Tensor, tied: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(emb_space)
            distance = _distances_to(index, emb_space, lookup_ord)
        of_pairs = tape.gradient(distance, emb_space, tf.where(~tied, upstream, 0))
        # At distance 0 the subgradient is 0, however many tie.
        order = tf.cast(tf.where(tied & (distance > 0))[:, 0], tf.int32)
        count = tf.shape(order)[0]

        def step(i: tf.Tensor, so_far: tf.Tensor) -> list[tf.Tensor]:
            places = i + tf.range(size)
            some = tf.gather(order, tf.minimum(places, count - 1))  # the last fills up, without a weight
            weights = tf.where(places < count, tf.gather(upstream, some), 0)
            return [i + size, so_far + of_ties(weights, emb_space, some, tf.gather(index, some))]

        return tf.while_loop(lambda i, _: i < count, step, [0, tf.convert_to_tensor(of_pairs)])[1]

    return traced(gradient, *specs(dtype, [n], [n, d]), *specs(tf.int32, [n]), *specs(tf.bool, [n]))


def _gradient_of_ties(
    weights: tf.Tensor, emb_space: tf.Tensor, some: tf.Tensor, index: tf.Tensor, lookup_ord: float
) -> tf.Tensor:
    """Return the gradient of some spacings, each times its weight, shared by all that tie: ``[n, d]``.

    `index` is one of the nearest others of each, in case that a compiler rounds their distances anew.
    """
    rows = tf.gather(emb_space, some)
    with tf.GradientTape() as tape:
        tape.watch([rows, emb_space])
        distance, tied = _distances_to_others(rows, some, emb_space, lookup_ord)
    tied |= tf.equal(tf.range(static_shape(emb_space)[0]), tf.expand_dims(index, -1))
    tied = tf.cast(tied, weights.dtype)
    shares = tf.expand_dims(weights / tf.reduce_sum(tied, axis=-1), -1) * tied
    to_rows, to_all = tape.gradient(distance, [rows, emb_space], shares)
    return to_all + tf.math.unsorted_segment_sum(to_rows, some, static_shape(emb_space)[0])


def _distances_to_others(
    rows: tf.Tensor, own: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the distances of some embeddings to all, and which others tie for the least: ``[number, n]`` each."""
    distance = pairwise_distance(rows, emb_space, lookup_ord)
    other = ~tf.math.is_nan(distance) & tf.not_equal(tf.range(static_shape(emb_space)[0]), tf.expand_dims(own, -1))
    far = tf.where(other, distance, distance.dtype.max)
    return distance, other & (far <= tf.reduce_min(far, axis=-1, keepdims=True))
