"""The quantizers as pure functions of tensors, composed from the concepts of the other modules."""

from typing import Any, NamedTuple

import tensorflow as tf

from vq_layer import losses, spacing
from vq_layer.distances import pairwise_distance
from vq_layer.lookup import access_count, nearest, select, straight_through
from vq_layer.splitting import merge, split


class VQEndpoints(NamedTuple):
    """What `vector_quantization` and `VectorQuantization` return with ``return_endpoints=True``.

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
        Replaces the least used embeddings by the most distant inputs; None when ``num_embeds_replaced`` is 0.
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


class VQResult(NamedTuple):
    """What `vector_quantization` computes; shapes, and dtypes but for float32 in place of float64, as in the oracle."""

    layer_out: tf.Tensor
    emb_index: tf.Tensor
    access_count: tf.Tensor
    distance: tf.Tensor
    emb_spacing: tf.Tensor | None
    emb_closest_spacing: tf.Tensor | None
    losses: dict[str, tf.Tensor]


def vector_quantization(
    x: tf.Tensor,
    emb_space: tf.Tensor,
    *,
    alpha: Any,
    beta: Any,
    gamma: Any,
    lookup_ord: float,
    num_splits: int,
    return_spacing: bool,
) -> VQResult:
    """Replace every vector of x by the nearest embedding.

    Parameters
    ----------
    x : tf.Tensor, shape [batch, ..., q], floating dtype
    emb_space : tf.Tensor, shape [n, d], the comparison dtype of x
    alpha, beta, gamma : number or scalar tensor
        The weights of the losses; a loss whose weight is the number 0 is absent.
    lookup_ord : {1, 2, numpy.inf}
    num_splits : int
        A divisor of q.
    return_spacing : bool
        Whether to compute the spacings, which cost n² distances; None in their place otherwise.

    Returns
    -------
    VQResult
        Only `layer_out` passes a gradient to `x`, the identity; only `losses`, `distance` and the spacings pass one
        to `emb_space` (VQ-3, VQ-5).
    """
    vectors = tf.stop_gradient(tf.cast(split(x, num_splits), emb_space.dtype))
    distance = pairwise_distance(vectors, emb_space, lookup_ord)
    emb_index = nearest(distance)
    chosen = select(emb_space, emb_index)
    emb_distance, closest = None, None
    if return_spacing or not is_zero(gamma):
        emb_distance = pairwise_distance(emb_space, emb_space, lookup_ord)
        closest = spacing.emb_closest_spacing(emb_distance)
    present = {}
    if not is_zero(alpha):
        present["alpha_loss"] = losses.alpha_loss(vectors, chosen, lookup_ord, _as_weight(alpha, emb_space.dtype))
    if not is_zero(beta):
        present["beta_loss"] = losses.beta_loss(distance, _as_weight(beta, emb_space.dtype))
    if not is_zero(gamma):
        present["coulomb_loss"] = losses.coulomb_loss(closest, _as_weight(gamma, emb_space.dtype))
    return VQResult(
        layer_out=straight_through(x, merge(tf.cast(chosen, x.dtype), x)),
        emb_index=emb_index,
        access_count=access_count(emb_index, emb_space.shape[0]),
        distance=distance,
        emb_spacing=spacing.emb_spacing(emb_distance) if return_spacing else None,
        emb_closest_spacing=closest,
        losses=present,
    )


def is_zero(weight: Any) -> bool:
    """Tell whether a loss is absent: its weight is the number 0, not a tensor that may hold it."""
    return not tf.is_tensor(weight) and bool(weight == 0)


def _as_weight(weight: Any, dtype: tf.DType) -> tf.Tensor:
    # A Python float must not pass through tf.cast, which would round it to float32 first.
    return tf.cast(weight, dtype) if tf.is_tensor(weight) else tf.constant(weight, dtype)
