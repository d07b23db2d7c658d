"""Endpoints: what a quantizer returns beside its output, by name."""

from collections import namedtuple
from functools import cache
from typing import Any, ClassVar, NamedTuple

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


class Endpoints:
    """What a Keras layer returns with ``return_endpoints=True``: a named tuple of those that it has; others are None.

    Attributes
    ----------
    layer_out : tf.Tensor, shape and dtype of x
        The output.
    emb_index : tf.Tensor, shape [batch, m], int64
        The index of the embedding of each vector; -1 for none.
    emb_space : tf.Tensor, shape [n, d]
        The embedding space. With a codebook per split, this and all that belongs to embeddings has an axis more, the
        first: that of the splits.
    access_count : tf.Tensor, shape [n], float32
        How often each embedding was chosen.
    distance : tf.Tensor, shape [batch, m, n], or None
        The distance of every vector to every embedding; None with a comparison by cosine, as the spacings.
    emb_spacing : tf.Tensor, shape [n (n - 1) / 2], or None
        The distances between all pairs of embeddings: the strict upper triangle of their matrix, row-major.
    emb_closest_spacing : tf.Tensor, shape [n], or None
        The distance of each embedding to the nearest other one.
    similarity_values : tf.Tensor, shape [batch * m], or None
        The cosine similarity of each vector to the most similar embedding, batch-major; None with a norm.
    percentage_identity_mapped : tf.Tensor, scalar, or None
        The share, in [0, 1], of the vectors with an embedding that stay as they are; None with a norm.
    identity_mapping_mask : tf.Tensor, shape [batch, m], bool, or None
        Which vectors stay as they are; None without a threshold.
    most_common_label : tf.Tensor, shape [batch, m], dtype of the labels, or None
        The label that won the vote; None without a vote.

    Notes
    -----
    m is the number of vectors of size d in one element of the batch. The dtype is the comparison dtype of x (float32
    for half types, else that of x) where no other is named. In a functional model all of them are tensors, since the
    absent ones are no entries of the tuple.
    """

    NAMES: ClassVar[tuple[str, ...]] = (
        "layer_out",
        "emb_index",
        "emb_space",
        "access_count",
        "distance",
        "emb_spacing",
        "emb_closest_spacing",
        "similarity_values",
        "percentage_identity_mapped",
        "identity_mapping_mask",
        "most_common_label",
    )


def endpoints(**values: Any) -> Any:
    """Return `Endpoints` of those that are not None, in the order of their names."""
    present = tuple(name for name in Endpoints.NAMES if values[name] is not None)
    return _endpoints_of(present)(**{name: values[name] for name in present})


@cache
def _endpoints_of(present: tuple[str, ...]) -> Any:
    # Keras and tf.nest take each entry of a tuple for a tensor, and rebuild a named tuple by its class.
    absent = dict.fromkeys(name for name in Endpoints.NAMES if name not in present)
    entries: Any = namedtuple("Endpoints", present)  # type: ignore[misc]
    return type("Endpoints", (entries, Endpoints), {"__slots__": (), "__doc__": Endpoints.__doc__, **absent})
