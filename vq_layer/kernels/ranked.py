"""The ways in which a chunk of rows is ranked: by candidates, by one product, or by all similarities (VQ-9, VQ-15)."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from vq_layer.kernels import preselection, tuning
from vq_layer.kernels.arithmetic import unfused
from vq_layer.kernels.blocks import cut
from vq_layer.kernels.branches import rarely
from vq_layer.kernels.chunks import Sizes, by_formula, plain_sizes, settled
from vq_layer.kernels.compilation import Function, compiled
from vq_layer.kernels.lookup import Ranking, k_most_similar
from vq_layer.kernels.preselection import Plan
from vq_layer.kernels.product import Others, most_similar, others_of
from vq_layer.kernels.similarity import normalize, products
from vq_layer.shapes import static_shape


class Ranked(NamedTuple):
    """How rows are ranked.

    Attributes
    ----------
    sizes : tuple of int
        The rows of a chunk, and those of a chunk of what is left.
    prepared : callable, ``[n, d] -> ...``
        What is computed of the embeddings alone.
    find : callable, ``[chunk, d], [chunk], ... -> [chunk, k], [chunk, k]``
        The ranking of a chunk, of which only the rows that are flagged need to come out right.
    """

    sizes: Sizes
    prepared: Function
    find: Callable[..., Ranking]


def by_candidates(way: str, n: int, d: int, dtype: tf.DType, k: int) -> Ranked:
    """Return how candidates among many embeddings are ranked, in programs of XLA; without these, all of them."""
    at_once, sizes = by_formula(way, functools.partial(_compare_at_once, k=k), n, d)
    plan = None
    if way == "compiled":
        plan = preselection.plan(n, k)
        sizes = _sizes(n, d, plan)
    # Where a chunk has more candidates than there are embeddings, these are normalized once for all.
    once = plan is None or plan.candidates * sizes[0] >= n
    prepared, units_of = (normalize, tf.identity) if once else (tf.identity, normalize)
    if plan is not None:
        return Ranked(sizes, prepared, _preselecting(d, dtype, k, plan, units_of))
    compare_all = compiled(functools.partial(_compare_all, k=k, units_of=units_of))
    compare: Callable[..., Ranking] = compare_all if way == "compiled" else at_once
    return Ranked(sizes, prepared, lambda rows, _, embeddings: compare(rows, embeddings))


def by_one_product(n: int, d: int, xla: bool) -> Ranked:
    """Return how a matrix product finds the most similar embedding; what that leaves undecided is compared."""
    tuned, (at_once,) = tuning.TUNING, plain_sizes(n * d)
    compare_all = compiled(functools.partial(_compare_all, k=1, units_of=tf.identity))

    def find(rows: tf.Tensor, searched: tf.Tensor, embeddings: tuple[tf.Tensor, Others]) -> Ranking:
        units, others = embeddings
        vectors = normalize(rows)
        index = most_similar(vectors, others)
        chosen = tf.gather(units, tf.maximum(index, 0))
        similarity = tf.reduce_sum(unfused(vectors * chosen), axis=1)
        ranking = Ranking(*(tf.expand_dims(part, -1) for part in (similarity, tf.cast(index, tf.int64))))
        undecided = searched & (index < 0)

        def settle(compare: Callable[..., Ranking], size: int) -> list[tf.Tensor]:
            return settled(ranking, undecided, rows, lambda some: compare(some, units), size)

        few = functools.partial(settle, functools.partial(_compare_at_once, k=1), at_once)
        if not xla:
            return Ranking(*few())
        many = functools.partial(settle, compare_all, tuned.compared_rows)
        least = max(static_shape(rows)[0] // tuned.settled_plainly, at_once)
        return Ranking(*rarely(tf.math.count_nonzero(undecided, dtype=tf.int32) > least, many, few))

    def prepared(emb_space: tf.Tensor) -> tuple[tf.Tensor, Others]:
        units = normalize(emb_space)
        return units, others_of(units)

    return Ranked((tuned.product_rows,), prepared, find)


def _sizes(n: int, d: int, plan: Plan | None) -> Sizes:
    """Return the rows of a chunk, and those of a chunk of what is left."""
    tuned = tuning.TUNING
    held = max(n // tuned.group, (n if plan is None else plan.candidates) * d)
    rows = max(tuned.ranking_held // held, 1)
    rows = min(max(1 << (rows.bit_length() - 1), tuned.compared_rows), tuned.ranking_rows)
    return rows, max(rows // 4, tuned.compared_rows)


def _preselecting(d: int, dtype: tf.DType, k: int, plan: Plan, units_of: Function) -> Callable[..., Ranking]:
    """Return the search for a chunk of rows, ``[chunk, d], [chunk], [n, d] -> [chunk, k], [chunk, k]``.

    Only the rows that are flagged as searched need to come out right. What the maxima leave undecided, because the
    k-th similarity is not above all other scores by more than their errors, is compared with all embeddings.
    """
    maxima = compiled(lambda rows, embeddings: preselection.maxima(normalize(rows), embeddings, plan))
    compare = compiled(functools.partial(_compare, k=k, plan=plan, units_of=units_of))
    compare_all = compiled(functools.partial(_compare_all, k=k, units_of=units_of))
    margin = preselection.margin(d, dtype)

    def find(rows: tf.Tensor, searched: tf.Tensor, embeddings: tf.Tensor) -> Ranking:
        of_groups, of_fans = maxima(rows, embeddings)
        groups, bound = preselection.chosen(of_groups, of_fans, plan)
        ranking = compare(rows, embeddings, groups)
        decided = tf.math.is_inf(bound) | (ranking.similarity[:, -1] > bound + margin)
        settle = lambda some: compare_all(some, embeddings)  # noqa: E731
        return Ranking(*settled(ranking, searched & ~decided, rows, settle, tuning.TUNING.compared_rows))

    return find


def _compare(
    rows: tf.Tensor, embeddings: tf.Tensor, groups: tf.Tensor, k: int, plan: Plan, units_of: Function
) -> Ranking:
    """Rank the embeddings of the chosen groups, ``[number, groups]``, by their similarities."""
    places = tf.reshape(tf.expand_dims(groups * plan.group, -1) + tf.range(plan.group), [static_shape(rows)[0], -1])
    candidates = plan.blocks.embedding_at(places)
    counts = candidates < plan.blocks.n
    units = units_of(tf.gather(embeddings, tf.where(counts, candidates, 0)))
    similarity = tf.where(counts, products(normalize(rows), units), math.nan)
    return _named(k_most_similar(similarity, k), candidates)


def _compare_all(rows: tf.Tensor, embeddings: tf.Tensor, k: int, units_of: Function) -> Ranking:
    """Rank all embeddings by their similarities, block by block."""
    (number, d), n = static_shape(rows), static_shape(embeddings)[0]
    blocks, units = cut(n, max(tuning.TUNING.compared_coordinates // (number * d), 1)), normalize(rows)

    def step(i: tf.Tensor, so_far: tf.TensorArray) -> tuple[tf.TensorArray]:
        similarity = products(units, units_of(blocks.rows(embeddings, i)))
        return (so_far.write(i, tf.where(blocks.counts(i), similarity, math.nan)),)

    start = tf.TensorArray(rows.dtype, blocks.number, element_shape=[number, blocks.size])
    (similarity,) = blocks.fold(step, start)
    across = tf.reshape(tf.transpose(similarity.stack(), [1, 0, 2]), [number, -1])
    index = blocks.embedding_at(tf.range(blocks.number * blocks.size))
    return _named(k_most_similar(across, k), tf.broadcast_to(index, tf.shape(across)))


def _compare_at_once(rows: tf.Tensor, units: tf.Tensor, k: int) -> Ranking:
    """Rank all embeddings by their similarities."""
    return k_most_similar(products(normalize(rows), units), k)


def _named(ranking: Ranking, candidates: tf.Tensor) -> Ranking:
    """Put the candidates, ``[number, ...]``, int32, in the place of their places."""
    similarity, places = ranking
    index = tf.gather(candidates, tf.maximum(places, 0), batch_dims=1)
    return Ranking(similarity, tf.where(places >= 0, tf.cast(index, tf.int64), -1))
