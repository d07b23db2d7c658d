"""Distances under the L1, L2 and Linf norms, with finite subgradients (VQ-1, VQ-7)."""

import math

import tensorflow as tf

from vq_layer.non_finite import finite_rows, where_known


def norm(vectors: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the p-norm along the last axis: ``[..., d] -> [...]``; L2 is not squared.

    Its gradient is the subgradient that VQ-7 chooses, finite everywhere: 0 at a zero vector, ``sign`` with
    ``sign(0) = 0`` for L1, shared equally between the coordinates that tie for the maximum for Linf. (The gradient
    of `tf.norm` is NaN at a zero vector.)
    """
    if lookup_ord == 1:
        return tf.reduce_sum(tf.abs(vectors), axis=-1)
    if math.isinf(lookup_ord):
        return tf.reduce_max(tf.abs(vectors), axis=-1)
    squared = tf.reduce_sum(unfused(tf.square(vectors)), axis=-1)
    positive = squared > 0
    return tf.where(positive, tf.sqrt(tf.where(positive, squared, 1)), 0)


def unfused(products: tf.Tensor) -> tf.Tensor:
    """Return products that a compiler cannot fuse into their sum: at most the largest number of the dtype.

    Some of XLA's programs fuse them, into multiply-adds that round once, all along a loop but for its last steps. Equal
    embeddings would then round differently by their position, and ties not go to the lowest index (VQ-2).
    """
    return tf.minimum(products, products.dtype.max)


def pairwise_distance(vectors: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the distance of every vector to every embedding, by direct differences.

    ``D[..., j] = ||vectors[...] - emb_space[j]||_p``. A vector that equals an embedding is at distance exactly 0.

    Parameters
    ----------
    vectors : tf.Tensor, shape [..., d]
    emb_space : tf.Tensor, shape [n, d], same dtype
    lookup_ord : {1, 2, numpy.inf}

    Returns
    -------
    tf.Tensor, shape [..., n], same dtype
        NaN where the vector or the embedding has a NaN or infinite coordinate; no gradient passes there (VQ-13).
    """
    vector_known, embedding_known = finite_rows(vectors), finite_rows(emb_space)
    # Zeros in the place of what is not finite, so that the gradients of the others stay finite.
    clean = tf.where(tf.expand_dims(vector_known, -1), vectors, 0)
    clean_emb_space = tf.where(tf.expand_dims(embedding_known, -1), emb_space, 0)
    distance = norm(tf.expand_dims(clean, -2) - clean_emb_space, lookup_ord)
    return where_known(tf.expand_dims(vector_known, -1) & embedding_known, distance)
