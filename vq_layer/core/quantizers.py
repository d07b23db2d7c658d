"""The quantizers as pure functions of tensors, composed from the concepts of the other modules."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from vq_layer.core.splitting import merge, split
from vq_layer.kernels import reduction, spacing
from vq_layer.kernels.closest import closest_spacing
from vq_layer.kernels.distances import norm
from vq_layer.kernels.lookup import Ranking, nearest, select
from vq_layer.kernels.pairs import all_distances, distances_among
from vq_layer.kernels.ranking import top_k_similar
from vq_layer.kernels.route import route
from vq_layer.kernels.search import nearest_index
from vq_layer.kernels.sums import sum_of, sum_of_distances
from vq_layer.kernels.voting import Vote, majority_of, votes_needed
from vq_layer.non_finite import finite_rows
from vq_layer.parts import losses
from vq_layer.parts.estimators import straight_through


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
    """What the two cosine quantizers return with ``return_endpoints=True``.

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


class VQResult(NamedTuple):
    """What `vector_quantization` computes; shapes as in the oracle, the comparison dtype in place of float64.

    `vectors` are the inputs as they are compared, ``[batch, m, d]``, and `nearest_distance` their distances to the
    nearest embedding, ``[batch, m]``. All distances, unless they are few, and the spacings are None if not asked for.
    `losses` computes the losses, by name.
    """

    layer_out: tf.Tensor
    emb_index: tf.Tensor
    nearest_distance: tf.Tensor | None
    distance: tf.Tensor | None
    emb_spacing: tf.Tensor | None
    emb_closest_spacing: tf.Tensor | None
    losses: Callable[[], dict[str, tf.Tensor]]
    vectors: tf.Tensor


class CosineVQResult(NamedTuple):
    """What the cosine quantizers compute; shapes as in the oracle, the comparison dtype in place of float64."""

    layer_out: tf.Tensor
    emb_index: tf.Tensor
    similarity_values: tf.Tensor
    percentage_identity_mapped: tf.Tensor
    identity_mapping_mask: tf.Tensor | None
    most_common_label: tf.Tensor | None


def vector_quantization(
    x: tf.Tensor,
    emb_space: tf.Tensor,
    *,
    alpha: Any,
    beta: Any,
    gamma: Any,
    lookup_ord: float,
    dim_reduction: str | None,
    num_dim_reduction_components: int,
    num_splits: int,
    return_all: bool,
    return_nearest: bool = False,
) -> VQResult:
    """Replace every vector of x by the nearest embedding.

    Parameters
    ----------
    x : tf.Tensor, shape [batch, ..., q], floating dtype
    emb_space : tf.Tensor, shape [n, d], the comparison dtype of x
    alpha, beta, gamma : number or scalar tensor
        The weights of the losses; a loss whose weight is the number 0 is absent.
    lookup_ord : {1, 2, numpy.inf}
    dim_reduction : {None, "pca-batch", "pca-emb-space"}
    num_dim_reduction_components : int
    num_splits : int
        A divisor of q.
    return_all : bool
        Whether to compute all distances and the spacings, which take memory for every pair; None in their place
        otherwise.
    return_nearest : bool
        Whether to compute the distances to the nearest embedding, which a replacement needs.

    Returns
    -------
    VQResult
        Only `layer_out` passes a gradient to `x`, the identity; only `losses`, `distance` and the spacings pass one
        to `emb_space` (VQ-3, VQ-5).
    """
    vectors = compared(x, emb_space, num_splits)
    reduced, reduced_emb_space = _reduced(vectors, emb_space, dim_reduction, num_dim_reduction_components)
    pairs = route(reduced, reduced_emb_space)
    small = pairs.small
    distance = all_distances(reduced, reduced_emb_space, lookup_ord, pairs) if small or return_all else None
    emb_index = nearest(distance) if small else nearest_index(reduced, reduced_emb_space, lookup_ord, pairs)
    chosen = select(emb_space, emb_index)
    emb_distance = distances_among(emb_space, lookup_ord, route(emb_space, emb_space)) if return_all else None
    closest = spacing.emb_closest_spacing(emb_distance) if return_all else None

    def present_losses() -> dict[str, tf.Tensor]:
        present = {}
        if not is_zero(alpha):
            present["alpha_loss"] = losses.alpha_loss(vectors, chosen, lookup_ord, _as_weight(alpha, emb_space.dtype))
        if not is_zero(beta):
            with tf.control_dependencies([emb_index]):  # one after the other, so that they are not compiled at once
                total = sum_of(distance) if small else sum_of_distances(reduced, reduced_emb_space, lookup_ord, pairs)
            present["beta_loss"] = losses.beta_loss_of_sum(total, emb_index >= 0, _as_weight(beta, emb_space.dtype))
        if not is_zero(gamma):
            spacings = (
                closest_spacing(emb_space, lookup_ord, route(emb_space, emb_space)) if closest is None else closest
            )
            present["coulomb_loss"] = losses.coulomb_loss(spacings, _as_weight(gamma, emb_space.dtype))
        return present

    return VQResult(
        layer_out=straight_through(x, merge(tf.cast(chosen, x.dtype), x)),
        emb_index=emb_index,
        nearest_distance=norm(reduced - select(reduced_emb_space, emb_index), lookup_ord) if return_nearest else None,
        distance=distance,
        emb_spacing=spacing.emb_spacing(emb_distance) if return_all else None,
        emb_closest_spacing=closest,
        losses=present_losses,
        vectors=vectors,
    )


def nearest_embeddings(
    x: tf.Tensor,
    emb_space: tf.Tensor,
    lookup_ord: float,
    dim_reduction: str | None,
    num_dim_reduction_components: int,
    num_splits: int,
) -> tf.Tensor:
    """Return the index of the nearest embedding of every vector of x, ``[batch, m]``."""
    vectors = compared(x, emb_space, num_splits)
    vectors, embeddings = _reduced(vectors, emb_space, dim_reduction, num_dim_reduction_components)
    return nearest_index(vectors, embeddings, lookup_ord, route(vectors, embeddings))


def cosine_vector_quantization(x: tf.Tensor, emb_space: tf.Tensor, **in_space: Any) -> CosineVQResult:
    """Replace every vector of x by the embedding of the largest cosine similarity.

    Parameters as in `most_similar_embeddings`. No gradient passes to `x` nor to `emb_space` (VQ-9).
    """
    ranking = most_similar_embeddings(x, emb_space, 1, **in_space)
    emb_index = tf.squeeze(ranking.emb_index, -1)
    return CosineVQResult(
        layer_out=merge(tf.cast(select(tf.stop_gradient(emb_space), emb_index), x.dtype), x),
        emb_index=emb_index,
        similarity_values=_largest(ranking),
        percentage_identity_mapped=tf.zeros([], emb_space.dtype),
        identity_mapping_mask=None,
        most_common_label=None,
    )


def cosine_knn_vector_quantization(
    x: tf.Tensor,
    emb_labels: tf.Tensor,
    num_classes: int,
    k: int,
    emb_space: tf.Tensor,
    *,
    num_splits: int,
    majority_threshold: float,
    **of_election: Any,
) -> CosineVQResult:
    """Replace every vector of x by an embedding that bears the label most common among its k most similar ones.

    Parameters as in `elected_embeddings`. If `majority_threshold` is not negative, a vector is mapped to itself when
    the share of the winning votes among k is less; its gradient is then the identity, and no other gradient passes
    (VQ-10).
    """
    ranking, vote = elected_embeddings(x, emb_labels, num_classes, k, emb_space, num_splits=num_splits, **of_election)
    found = vote.emb_index >= 0
    chosen = tf.cast(select(tf.stop_gradient(emb_space), vote.emb_index), x.dtype)
    mask, share = None, tf.zeros([], emb_space.dtype)
    if majority_threshold >= 0:
        mask = found & (vote.votes < votes_needed(k, majority_threshold))
        chosen = tf.where(tf.expand_dims(mask, -1), split(x, num_splits), chosen)
        mapped, counted = (tf.reduce_sum(tf.cast(flags, emb_space.dtype)) for flags in (mask, found))
        share = tf.math.divide_no_nan(mapped, counted)
    return CosineVQResult(
        layer_out=merge(chosen, x),
        emb_index=vote.emb_index,
        similarity_values=_largest(ranking),
        percentage_identity_mapped=share,
        identity_mapping_mask=mask,
        most_common_label=vote.label,
    )


def most_similar_embeddings(
    x: tf.Tensor,
    emb_space: tf.Tensor,
    k: int,
    *,
    dim_reduction: str | None,
    num_dim_reduction_components: int,
    num_splits: int,
) -> Ranking:
    """Return the k embeddings most similar to every vector of x, ``[batch, m, k]``."""
    vectors = compared(x, emb_space, num_splits)
    vectors, embeddings = _reduced(vectors, emb_space, dim_reduction, num_dim_reduction_components)
    return top_k_similar(vectors, embeddings, k, route(vectors, embeddings))


def elected_embeddings(
    x: tf.Tensor,
    emb_labels: tf.Tensor,
    num_classes: int,
    k: int,
    emb_space: tf.Tensor,
    *,
    dim_reduction: str | None,
    num_dim_reduction_components: int,
    num_splits: int,
    representative: str,
) -> tuple[Ranking, Vote]:
    """Return the k embeddings most similar to every vector of x, and the outcome of their vote.

    Parameters as in `vector_quantization` and `majority_of`.
    """
    vectors = compared(x, emb_space, num_splits)
    vectors, embeddings = _reduced(vectors, emb_space, dim_reduction, num_dim_reduction_components)
    ranking = top_k_similar(vectors, embeddings, k, route(vectors, embeddings))
    usable = finite_rows(embeddings)
    return ranking, majority_of(ranking.emb_index, emb_labels, usable, num_classes, representative)


def compared(x: tf.Tensor, emb_space: tf.Tensor, num_splits: int) -> tf.Tensor:
    """Return the vectors of x as they are compared: split, in the dtype of `emb_space`, the gradient stopped."""
    return tf.stop_gradient(tf.cast(split(x, num_splits), emb_space.dtype))


def is_zero(weight: Any) -> bool:
    """Tell whether a loss is absent: its weight is the number 0, not a tensor that may hold it."""
    return not tf.is_tensor(weight) and bool(weight == 0)


def _reduced(
    vectors: tf.Tensor, emb_space: tf.Tensor, dim_reduction: str | None, num_components: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return vectors and embeddings in the space in which they are compared."""
    if dim_reduction is None:
        return vectors, emb_space
    projection = reduction.projection(vectors, emb_space, dim_reduction, num_components)
    return projection.apply(vectors), projection.apply(emb_space)


def _largest(ranking: Ranking) -> tf.Tensor:
    return tf.reshape(ranking.similarity[..., 0], [-1])


def _as_weight(weight: Any, dtype: tf.DType) -> tf.Tensor:
    # A Python float must not pass through tf.cast, which would round it to float32 first.
    return tf.cast(weight, dtype) if tf.is_tensor(weight) else tf.constant(weight, dtype)
