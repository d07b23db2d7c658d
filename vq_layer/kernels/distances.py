"""Distances under the p-norms, with finite subgradients (VQ-1, VQ-7)."""

import tensorflow as tf

from vq_layer.kernels.norms import norm_of
from vq_layer.non_finite import finite_rows, where_known


def norm(vectors: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the p-norm along the last axis: ``[..., d] -> [...]``; L2 is not squared.

    Its gradient is the subgradient that VQ-7 chooses, finite everywhere: 0 at a zero vector, ``sign`` with
    ``sign(0) = 0`` for L1, shared equally between the coordinates that tie for the maximum for Linf, and ``sign(v) *
    (|v| / ||v||) ** (p - 1)`` between these. (The gradient of `tf.norm` is NaN at a zero vector.)

    Nothing is specified where a sum of magnitudes (L1) or of squares (L2) overflows (VQ-15), and squares below the
    smallest normal number count as 0 (L2). Under any other order no sum of powers overflows before the norm itself.

    Raises
    ------
    ValueError
        If the order is neither infinity nor a number from 1 on.
    """
    return norm_of(lookup_ord).along(vectors)


def pairwise_distance(vectors: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the distance of every vector to every embedding, by direct differences.

    ``D[..., j] = ||vectors[...] - emb_space[j]||_p``. A vector that equals an embedding is at distance exactly 0.

    Parameters
    ----------
    vectors : tf.Tensor, shape [..., d]
    emb_space : tf.Tensor, shape [n, d], same dtype
    lookup_ord : float
        From 1 on, or infinity.

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
