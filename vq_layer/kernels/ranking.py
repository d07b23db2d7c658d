"""The most similar embeddings, in memory that does not grow with the number of pairs (VQ-9, VQ-10, VQ-13, VQ-15)."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from vq_layer.kernels import preselection, tuning
from vq_layer.kernels.arithmetic import unfused
from vq_layer.kernels.blocks import cut
from vq_layer.kernels.branches import rarely
from vq_layer.kernels.chunks import Sizes, by_formula, concatenated, plain_sizes, settled
from vq_layer.kernels.compilation import Function, compiled, inside_xla, specs, traced
from vq_layer.kernels.devices import products_are_exact
from vq_layer.kernels.lookup import Ranking, k_most_similar
from vq_layer.kernels.preselection import Plan
from vq_layer.kernels.product import Others, most_similar, others_of
from vq_layer.kernels.route import Route
from vq_layer.kernels.similarity import cosine_similarity, normalize, products
from vq_layer.non_finite import finite_rows, where_known
from vq_layer.shapes import flat, static_shape, unflattened


def top_k_similar(vectors: tf.Tensor, emb_space: tf.Tensor, k: int, route: Route) -> Ranking:
    """Return the similarities and the indices of the k most similar embeddings, most similar first.

    ``[..., d], [n, d] -> [..., k], [..., k]``, int64: what ``k_most_similar(cosine_similarity(vectors, emb_space), k)``
    is, by the same sums of products; where two similarities are within their rounding, the two may differ. No gradient
    passes.
    """
    n, d = static_shape(emb_space)
    vectors, emb_space = tf.stop_gradient(vectors), tf.stop_gradient(emb_space)
    rows = flat(vectors)
    ranking = route.choose(
        small=lambda: k_most_similar(cosine_similarity(rows, emb_space), k),
        large=lambda way: _in_chunks(way, n, d, rows.dtype, k, products_are_exact() and not inside_xla())(
            rows, emb_space
        ),
    )
    return Ranking(*(tf.stop_gradient(unflattened(part, vectors, k)) for part in ranking))


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


@tuning.cached
def _in_chunks(way: str, n: int, d: int, dtype: tf.DType, k: int, by_product: bool) -> Function:
    """Return the search for any number of rows, ``[number, d], [n, d] -> [number, k], [number, k]``, traced once."""
    if by_product and way != "fused" and k == 1 and n <= tuning.TUNING.one_product:
        ranked = _by_one_product(n, d, way == "compiled")
    else:
        ranked = _by_candidates(way, n, d, dtype, k)

    def search(rows: tf.Tensor, emb_space: tf.Tensor) -> Ranking:
        embeddings = ranked.prepared(emb_space)

        def find_in_chunk(chunk: tf.Tensor) -> Ranking:
            # A zero vector ties with all embeddings. What is not finite has no rank to find.
            known = finite_rows(chunk)
            nonzero = tf.reduce_any(tf.not_equal(chunk, 0), axis=1)
            first = tf.cond(tf.reduce_all(nonzero), lambda: _none(k, dtype), lambda: _first(emb_space, k))
            searched = known & nonzero
            found = ranked.find(tf.where(tf.expand_dims(searched, -1), chunk, 1), searched, embeddings)
            flags = tf.expand_dims(searched, -1), tf.expand_dims(known, -1)
            similarity, index = (tf.where(flags[0], one, other) for one, other in zip(found, first, strict=True))
            index = tf.cast(tf.where(flags[1], index, -1), tf.int32)  # half of the memory until all are there
            return Ranking(where_known(flags[1], similarity), index)

        of_row = tf.TensorSpec([k], dtype), tf.TensorSpec([k], tf.int32)
        similarity, index = concatenated(find_in_chunk, [rows], ranked.sizes, *of_row)
        return Ranking(similarity, tf.cast(index, tf.int64))

    return traced(search, *specs(dtype, [None, d], [n, d]))


def _by_candidates(way: str, n: int, d: int, dtype: tf.DType, k: int) -> Ranked:
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


def _by_one_product(n: int, d: int, xla: bool) -> Ranked:
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


def _first(emb_space: tf.Tensor, k: int) -> Ranking:
    """Return the ranking for a zero vector, whose similarities are 0: ``[1, k]``."""
    similarity = where_known(finite_rows(emb_space), tf.zeros([], emb_space.dtype))
    return k_most_similar(tf.expand_dims(similarity, 0), k)


def _none(k: int, dtype: tf.DType) -> Ranking:
    """Return what stands where no row is zero: ``[1, k]``."""
    return Ranking(tf.zeros([1, k], dtype), tf.fill([1, k], tf.constant(-1, tf.int64)))


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
