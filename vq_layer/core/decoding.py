"""Codes, and the embeddings that they stand for (VQ-13)."""

import tensorflow as tf

from vq_layer.assertions import required
from vq_layer.core.per_split import interleaved
from vq_layer.core.quantizer import Quantizer, looked_up
from vq_layer.kernels.lookup import select
from vq_layer.parts.part import State
from vq_layer.shapes import static_shape


def decoded(emb_space: tf.Tensor, emb_index: tf.Tensor) -> tf.Tensor:
    """Return the embeddings at the given indices, ``[...] -> [..., d]``; index -1 gives a row of NaN.

    Parameters
    ----------
    emb_space : tf.Tensor, shape [n, d]
    emb_index : tf.Tensor, shape [...], any integer dtype

    Raises
    ------
    tf.errors.InvalidArgumentError
        When it runs, for any other index outside [0, n). XLA raises nothing: such a row is NaN then.
    """
    return select(emb_space, checked_index(emb_index, static_shape(emb_space)[0]))


def checked_index(emb_index: tf.Tensor, n: int) -> tf.Tensor:
    """Return indices of any integer dtype as int64; any but -1 and those in [0, n) is an error, under XLA it is -1."""
    index = tf.cast(emb_index, tf.int64)
    if emb_index.dtype.min == 0:  # uint64 wraps around: what is beyond int64 must not come out as -1
        index = tf.where(index < 0, index.dtype.max, index)
    in_range = (index >= -1) & (index < n)
    rule = f"`emb_index` must lie in [0, n) = [0, {n}), or be -1. Received, at least and at most:"
    with required(tf.reduce_all(in_range), rule, tf.reduce_min(index), tf.reduce_max(index)):
        return tf.where(in_range, index, -1)


def encoded(x: tf.Tensor, state: State, quantizer: Quantizer) -> tf.Tensor:
    """Return the index of the embedding of each vector, ``[batch, ..., q] -> [batch, m]``; -1 for none."""
    return interleaved([it.choice.emb_index for it in looked_up(x, state, quantizer)])


def decoded_by(emb_index: tf.Tensor, state: State, quantizer: Quantizer) -> tf.Tensor:
    """Return the embeddings at the given indices, ``[..., num_splits] -> [..., num_splits, d]``; NaN for -1."""
    emb_space = state["emb_space"]
    if quantizer.is_shared:
        return decoded(emb_space, emb_index)
    books, codes = tf.unstack(emb_space, quantizer.num_splits), tf.unstack(emb_index, quantizer.num_splits, axis=-1)
    return tf.stack(list(map(decoded, books, codes)), axis=-2)
