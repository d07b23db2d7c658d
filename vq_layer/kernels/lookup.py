"""The lookup: which embedding is nearest, and how often each was (VQ-2, VQ-3, VQ-4, VQ-9)."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from vq_layer.non_finite import where_known


class Ranking(NamedTuple):
    """The most similar embeddings, most similar first, lower index first on ties; NaN and -1 where there are no more.

    Attributes
    ----------
    similarity : tf.Tensor, shape [..., k]
    emb_index : tf.Tensor, shape [..., k], int64
    """

    similarity: tf.Tensor
    emb_index: tf.Tensor


def nearest(distance: tf.Tensor) -> tf.Tensor:
    """Return the index of the nearest embedding: ``[..., n] -> [...]``, int64.

    Ties go to the lowest index. Embeddings at distance NaN are never chosen; a vector at distance NaN from all of
    them gets -1 (VQ-13).
    """
    known = ~tf.math.is_nan(distance)
    info = np.finfo(distance.dtype.as_numpy_dtype)
    below = np.nextafter(info.max, info.dtype.type(0))  # argmin passes over what is not below the largest number
    index = tf.argmin(tf.where(known, tf.minimum(distance, below), info.max), axis=-1)
    return tf.where(tf.reduce_any(known, axis=-1), index, -1)


def k_most_similar(similarity: tf.Tensor, k: int) -> Ranking:
    """Return the k most similar embeddings: ``[..., n] -> [..., k]``.

    Ties go to the lower index. Embeddings at similarity NaN are never chosen (VQ-9, VQ-10, VQ-13).
    """
    unsigned = tf.where(tf.not_equal(similarity, 0), similarity, 0)  # XLA's top_k puts -0 below 0
    lowest = similarity.dtype.min  # a similarity is at least -1
    ranked, index = tf.math.top_k(tf.where(~tf.math.is_nan(similarity), unsigned, lowest), k)
    found = ranked > lowest
    return Ranking(where_known(found, ranked), tf.where(found, tf.cast(index, tf.int64), -1))


def select(emb_space: tf.Tensor, emb_index: tf.Tensor) -> tf.Tensor:
    """Return the embeddings at the given indices, ``[...] -> [..., d]``; index -1 gives a row of NaN.

    Any other index out of range is a `tf.errors.InvalidArgumentError`. The gradient to `emb_space` is that of a
    gather; a row of NaN passes none.
    """
    found = tf.not_equal(emb_index, -1)  # in a v1 graph `!=` compares identities
    rows = tf.gather(emb_space, tf.where(found, emb_index, 0))
    return where_known(tf.expand_dims(found, -1), rows)


def access_count(emb_index: tf.Tensor, n: int) -> tf.Tensor:
    """Count how often each of the n embeddings was chosen: ``[...] -> [n]``, float32; index -1 is not counted.

    Exact up to 2^24 per embedding.
    """
    return tf.cast(counts(emb_index, n), tf.float32)


def counts(emb_index: tf.Tensor, n: int) -> tf.Tensor:
    """Return the same as integers, int64."""
    flat = tf.reshape(emb_index, [-1])
    return tf.math.unsorted_segment_sum(tf.ones_like(flat, tf.int64), flat, n)
