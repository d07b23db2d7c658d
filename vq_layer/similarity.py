"""Cosine similarity (VQ-9)."""

import math

import tensorflow as tf

from vq_layer.distances import finite_rows


def cosine_similarity(vectors: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
    """Return the cosine of the angle between every vector and every embedding.

    ``S[..., j] = <vectors[...], emb_space[j]> / (||vectors[...]||_2 ||emb_space[j]||_2)``, by one sum of products for
    each pair: a matrix product may round equal columns differently by their position. A zero vector has similarity 0
    to everything.

    Parameters
    ----------
    vectors : tf.Tensor, shape [batch, m, d]
    emb_space : tf.Tensor, shape [n, d], same dtype

    Returns
    -------
    tf.Tensor, shape [batch, m, n], same dtype
        NaN where the vector or the embedding has a NaN or infinite coordinate (VQ-13).
    """
    known = tf.expand_dims(finite_rows(vectors), -1) & finite_rows(emb_space)
    similarity = tf.reduce_sum(tf.expand_dims(normalize(vectors), -2) * normalize(emb_space), axis=-1)
    return tf.where(known, similarity, math.nan)


def normalize(vectors: tf.Tensor) -> tf.Tensor:
    """Scale each vector to L2 norm 1; a zero vector stays zero, one that is not finite becomes it: ``[..., d]``.

    The largest magnitude is divided out first, so that no square overflows or underflows.
    """
    finite = tf.where(tf.expand_dims(finite_rows(vectors), -1), vectors, 0)
    scaled = tf.math.divide_no_nan(finite, tf.reduce_max(tf.abs(finite), axis=-1, keepdims=True))
    return tf.math.divide_no_nan(scaled, tf.norm(scaled, axis=-1, keepdims=True))
