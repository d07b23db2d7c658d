"""The sum of all distances, in memory that does not grow with the number of pairs (VQ-5, VQ-7)."""

import functools
from typing import Any

import tensorflow as tf

from vq_layer.kernels import chunks, tuning
from vq_layer.kernels.compilation import Function, specs, traced
from vq_layer.kernels.derivatives import not_differentiable
from vq_layer.kernels.distances import pairwise_distance
from vq_layer.kernels.gradients import weighted_sums
from vq_layer.kernels.route import Route
from vq_layer.shapes import flat, static_shape


def sum_of_distances(vectors: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float, route: Route) -> tf.Tensor:
    """Return the sum of the distances of all vectors to all embeddings, ``[..., d], [n, d] -> []``.

    Pairs with a NaN or infinite coordinate add nothing (VQ-13). The gradient to `emb_space` is the subgradient of
    VQ-7; it has none of its own, and `vectors` are constants.
    """
    n, d = static_shape(emb_space)
    rows = flat(vectors)
    facts = n, d, rows.dtype, lookup_ord, route.few

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def total(emb_space: tf.Tensor) -> tuple[tf.Tensor, Any]:
        constant = tf.stop_gradient(emb_space)  # else an outer tape differentiates the loops, too
        value, gradient = route.choose(
            small=lambda: _all_pairs(rows, tf.ones_like(rows[:, :1]), constant, lookup_ord),
            large=lambda way: _in_chunks(way, *facts)(rows, constant),
        )
        return value, lambda upstream: upstream * not_differentiable(gradient, emb_space)

    return total(emb_space)


def sum_of(distance: tf.Tensor) -> tf.Tensor:
    """Return the sum of distances, ``[..., n] -> []``; NaN adds nothing."""
    return tf.reduce_sum(tf.where(tf.math.is_nan(distance), tf.zeros_like(distance), distance))


def _all_pairs(rows: tf.Tensor, weights: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> list[tf.Tensor]:
    """Return the sum, each row's distances times its weight, ``[number, 1]``, and its gradient to `emb_space`."""
    with tf.GradientTape() as tape:
        tape.watch(emb_space)
        total = sum_of(weights * pairwise_distance(rows, emb_space, lookup_ord))
    return [total, tape.gradient(total, emb_space)]


@tuning.cached
def _in_chunks(way: str, n: int, d: int, dtype: tf.DType, lookup_ord: float, few: int | None) -> Function:
    """Return what `_all_pairs` does for any number of rows, traced once."""

    def compiled_sums(rows: tf.Tensor, emb_space: tf.Tensor) -> list[tf.Tensor]:
        sums, gradient = weighted_sums(rows, tf.ones_like(rows[:, :1]), emb_space, lookup_ord, few)
        return [tf.reduce_sum(sums), gradient]

    def plain_sums(rows: tf.Tensor, emb_space: tf.Tensor) -> list[tf.Tensor]:
        kernel, sizes = chunks.by_formula(way, functools.partial(_all_pairs, lookup_ord=lookup_ord), n, d)
        start = [tf.zeros([], dtype), tf.zeros([n, d], dtype)]
        return chunks.summed(lambda *chunk: kernel(*chunk, emb_space), [rows, tf.ones_like(rows[:, :1])], sizes, start)

    return traced(compiled_sums if way == "compiled" else plain_sums, *specs(dtype, [None, d], [n, d]))
