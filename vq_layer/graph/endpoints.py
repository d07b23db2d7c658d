"""Endpoints of 2018, in their order."""

from typing import NamedTuple

import tensorflow as tf


class VQEndpoints(NamedTuple):
    """What `vector_quantization` returns with ``return_endpoints=True``.

    Attributes
    ----------
    layer_out : tf.Tensor, shape and dtype of x
        Every vector of x replaced by its nearest embedding, bit for bit; its gradient to x is the identity.
    emb_space : tf.Variable, shape [n, d]
        The embedding space.
    access_count : tf.Tensor, shape [n], float32
        How often each embedding was chosen.
    distance : tf.Tensor, shape [batch, m, n]
        The distance of every vector to every embedding.
    emb_spacing : tf.Tensor, shape [n (n - 1) / 2]
        The distances between all pairs of embeddings: the strict upper triangle of their matrix, row-major.
    emb_closest_spacing : tf.Tensor, shape [n]
        The distance of each embedding to the nearest other one.
    replace_embeds : tf.Operation or None
        Replaces the least used embeddings by the most distant inputs; None, which no session can fetch, when
        ``num_embeds_replaced`` is 0.
    emb_space_batch_init : tf.Operation or None
        Initializes the embedding space from the batch; None unless ``embedding_initializer`` is ``'batch'``.

    Notes
    -----
    m is the number of vectors of size d in one element of the batch. The dtype is the comparison dtype of x (float32
    for half types, else that of x) where no other is named.
    """

    layer_out: tf.Tensor
    emb_space: tf.Variable
    access_count: tf.Tensor
    distance: tf.Tensor
    emb_spacing: tf.Tensor
    emb_closest_spacing: tf.Tensor
    replace_embeds: tf.Operation | None
    emb_space_batch_init: tf.Operation | None


class CosineVQEndpoints(NamedTuple):
    """What the two cosine functions return with ``return_endpoints=True``.

    Attributes
    ----------
    layer_out : tf.Tensor, shape and dtype of x
        Every vector of x replaced by its embedding, or by itself where it is mapped to itself.
    emb_space : tf.Variable, shape [n, d]
        The embedding space.
    percentage_identity_mapped : tf.Tensor, scalar
        The share, in [0, 1], of the finite vectors that are mapped to themselves.
    similarity_values : tf.Tensor, shape [batch * m]
        The cosine similarity of each vector to the most similar embedding, batch-major.
    identity_mapping_mask : tf.Tensor, shape [batch, m], bool, or None
        Which vectors are mapped to themselves; None without a threshold.
    most_common_label : tf.Tensor, shape [batch, m], dtype of the labels, or None
        The label that won the vote; None without a vote.
    emb_space_batch_init : tf.Operation or None
        Initializes the embedding space from the batch; None unless ``embedding_initializer`` is ``'batch'``.
    """

    layer_out: tf.Tensor
    emb_space: tf.Variable
    percentage_identity_mapped: tf.Tensor
    similarity_values: tf.Tensor
    identity_mapping_mask: tf.Tensor | None
    most_common_label: tf.Tensor | None
    emb_space_batch_init: tf.Operation | None
