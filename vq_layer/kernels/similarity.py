"""Cosine similarity (VQ-9)."""

import tensorflow as tf

from vq_layer.kernels.arithmetic import unfused
from vq_layer.non_finite import finite_rows, where_known


def cosine_similarity(vectors: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
    """Return the cosine of the angle between every vector and every embedding.

    ``S[..., j] = <vectors[...], emb_space[j]> / (||vectors[...]||_2 ||emb_space[j]||_2)``. A zero vector has
    similarity 0 to everything.

    Parameters
    ----------
    vectors : tf.Tensor, shape [..., d]
    emb_space : tf.Tensor, shape [n, d], same dtype

    Returns
    -------
    tf.Tensor, shape [..., n], same dtype
        NaN where the vector or the embedding has a NaN or infinite coordinate (VQ-13).
    """
    return products(normalize(vectors), normalize(emb_space))


def products(units: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """Return the dot product of every unit vector and each of the others: ``[..., d], [(...,) n, d] -> [..., n]``.

    One sum of products for each pair: a matrix product may round equal columns differently by their position.
    """
    return tf.reduce_sum(unfused(tf.expand_dims(units, -2) * others), axis=-1)


def normalize(vectors: tf.Tensor) -> tf.Tensor:
    """Scale each vector to L2 norm 1; a zero vector stays zero, one that is not finite becomes NaN: ``[..., d]``.

    The largest magnitude is divided out first, so that no square overflows or underflows.
    """
    known = tf.expand_dims(finite_rows(vectors), -1)
    finite = tf.where(known, vectors, 0)
    scaled = tf.math.divide_no_nan(finite, tf.reduce_max(tf.abs(finite), axis=-1, keepdims=True))
    length = tf.sqrt(tf.reduce_sum(unfused(tf.square(scaled)), axis=-1, keepdims=True))
    return where_known(known, tf.math.divide_no_nan(scaled, length))
