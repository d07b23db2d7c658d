"""The most similar embeddings, in memory that does not grow with the number of pairs (VQ-9, VQ-10, VQ-13, VQ-15)."""

import tensorflow as tf

from vq_layer.kernels import tuning
from vq_layer.kernels.chunks import concatenated
from vq_layer.kernels.compilation import Function, specs, traced
from vq_layer.kernels.lookup import Ranking, k_most_similar
from vq_layer.kernels.ranked import by_candidates, by_one_product
from vq_layer.kernels.route import Route
from vq_layer.kernels.similarity import cosine_similarity
from vq_layer.kernels.surroundings import inside_xla, products_are_exact
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
        large=lambda way: _in_chunks(way, n, d, rows.dtype, k)(rows, emb_space),
    )
    return Ranking(*(tf.stop_gradient(unflattened(part, vectors, k)) for part in ranking))


@tuning.cached
def _in_chunks(way: str, n: int, d: int, dtype: tf.DType, k: int) -> Function:
    """Return the search for any number of rows, ``[number, d], [n, d] -> [number, k], [number, k]``, traced once."""
    one_product = way != "fused" and k == 1 and n <= tuning.TUNING.one_product

    def search(rows: tf.Tensor, emb_space: tf.Tensor) -> Ranking:
        if one_product and products_are_exact() and not inside_xla():
            ranked = by_one_product(n, d, way == "compiled")
        else:
            ranked = by_candidates(way, n, d, dtype, k)
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


def _first(emb_space: tf.Tensor, k: int) -> Ranking:
    """Return the ranking for a zero vector, whose similarities are 0: ``[1, k]``."""
    similarity = where_known(finite_rows(emb_space), tf.zeros([], emb_space.dtype))
    return k_most_similar(tf.expand_dims(similarity, 0), k)


def _none(k: int, dtype: tf.DType) -> Ranking:
    """Return what stands where no row is zero: ``[1, k]``."""
    return Ranking(tf.zeros([1, k], dtype), tf.fill([1, k], tf.constant(-1, tf.int64)))
