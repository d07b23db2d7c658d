"""The quantizers, composed from the concepts of the other modules."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference import losses, reduction, replacement, spacing, validation, voting
from reference.distances import pairwise_distance
from reference.lookup import access_count, most_similar, nearest, select
from reference.replacement import ReplacementState
from reference.similarity import cosine_similarity
from reference.splitting import merge, split


class VQResult(NamedTuple):
    """What `vector_quantization` computes.

    Attributes
    ----------
    layer_out : array, shape [batch, r, q], dtype of x
        Every vector of x replaced by its nearest embedding (VQ-2).
    emb_index : array, shape [batch, m], int64
        The index of that embedding; -1 for a vector that is not finite.
    access_count : array, shape [n], float64
        How often each embedding was chosen (VQ-4).
    distance : array, shape [batch, m, n], float64
        The distance of every vector to every embedding (VQ-1), in the reduced space if any (VQ-8).
    emb_spacing : array, shape [n (n - 1) / 2], float64
        The distances between all pairs of embeddings (VQ-6).
    emb_closest_spacing : array, shape [n], float64
        The distance of each embedding to the nearest other one (VQ-6).
    losses : dict of str to float64
        ``alpha_loss``, ``beta_loss``, ``coulomb_loss``, in this order, without those whose weight is 0 (VQ-5).
    replacement_state : ReplacementState or None
        The state that a training pass leaves (VQ-11); None without one.
    """

    layer_out: NDArray[Any]
    emb_index: NDArray[np.int64]
    access_count: NDArray[np.float64]
    distance: NDArray[np.float64]
    emb_spacing: NDArray[np.float64]
    emb_closest_spacing: NDArray[np.float64]
    losses: dict[str, np.float64]
    replacement_state: ReplacementState | None


class CosineVQResult(NamedTuple):
    """What the two cosine quantizers compute.

    Attributes
    ----------
    layer_out : array, shape [batch, r, q], dtype of x
        Every vector of x replaced by its embedding, or by itself where it is mapped to itself (VQ-9, VQ-10).
    emb_index : array, shape [batch, m], int64
        The index of that embedding; -1 for a vector that is not finite. An identity-mapped vector keeps its index.
    similarity : array, shape [batch, m, n], float64
        The cosine similarity of every vector to every embedding, in the reduced space if any (VQ-8).
    similarity_values : array, shape [batch * m], float64
        The similarity to the most similar embedding; NaN for a vector that is not finite.
    percentage_identity_mapped : float64
        The share, in [0, 1], of the finite vectors that are mapped to themselves.
    identity_mapping_mask : array, shape [batch, m], bool, or None
        Which vectors are mapped to themselves; None without a threshold.
    most_common_label : array, shape [batch, m], integer, or None
        The label that won the vote, -1 for a vector that is not finite; None without a vote.
    """

    layer_out: NDArray[Any]
    emb_index: NDArray[np.int64]
    similarity: NDArray[np.float64]
    similarity_values: NDArray[np.float64]
    percentage_identity_mapped: np.float64
    identity_mapping_mask: NDArray[np.bool_] | None
    most_common_label: NDArray[Any] | None


def vector_quantization(
    x: NDArray[Any],
    emb_space: NDArray[Any],
    *,
    alpha: float = 0.1,
    beta: float = 1e-4,
    gamma: float = 1e-6,
    lookup_ord: float = 2,
    dim_reduction: str | None = None,
    num_dim_reduction_components: int = -1,
    num_splits: int = 1,
    replacement_state: ReplacementState | None = None,
) -> VQResult:
    """Replace every vector of x by the nearest embedding.

    Parameters
    ----------
    x : array, shape [batch, r, q], floating dtype
        The inputs; their last axis is cut into `num_splits` vectors of size d = q / num_splits.
    emb_space : array, shape [n, d], floating dtype
        The embedding space (the "codebook" of the literature).
    alpha, beta, gamma : float
        The weights of the losses; a negative one reverses what its loss pulls or pushes.
    lookup_ord : {1, 2, numpy.inf}
        The order of the norm.
    dim_reduction : {None, "pca-batch", "pca-emb-space"}
        Whether to look up in a space of principal components, and what these are fitted on.
    num_dim_reduction_components : int
        The number of components, with a `dim_reduction`.
    num_splits : int
        How many vectors the last axis of x holds.
    replacement_state : ReplacementState or None
        In a training pass with replacement, the state so far.

    Returns
    -------
    VQResult

    Raises
    ------
    ValueError, TypeError
        Where an argument breaks its rule (VQ-16).

    Examples
    --------
    >>> result = vector_quantization(np.array([[[0.2, 0.9]]]), np.array([[0.0], [1.0]]), num_splits=2)
    >>> result.layer_out
    array([[[0., 1.]]])
    >>> result.emb_index, result.access_count
    (array([[0, 1]]), array([1., 1.]))
    """
    x, emb_space = np.asarray(x), np.asarray(emb_space)
    _check_inputs(x, emb_space, num_splits, dim_reduction, num_dim_reduction_components)
    validation.check_lookup_ord(lookup_ord)
    for name, weight in (("alpha", alpha), ("beta", beta), ("gamma", gamma)):
        validation.check_weight(name, weight)
    vectors, embeddings = split(x, num_splits), emb_space.astype(np.float64)
    projection = reduction.projection(
        vectors, embeddings, dim_reduction, num_dim_reduction_components, comparison_unit_roundoff(x)
    )
    distance = pairwise_distance(projection.apply(vectors), projection.apply(embeddings), lookup_ord)
    emb_index = nearest(distance)
    count = access_count(emb_index, len(emb_space))
    emb_distance = pairwise_distance(embeddings, embeddings, lookup_ord)
    closest = spacing.emb_closest_spacing(emb_distance)
    weighted_losses: dict[str, tuple[float, np.float64]] = {
        "alpha_loss": (alpha, losses.alpha_loss(vectors, select(embeddings, emb_index), lookup_ord, alpha)),
        "beta_loss": (beta, losses.beta_loss(distance, beta)),
        "coulomb_loss": (gamma, losses.coulomb_loss(closest, gamma)),
    }
    return VQResult(
        layer_out=merge(select(emb_space.astype(x.dtype), emb_index), x),
        emb_index=emb_index,
        access_count=count,
        distance=distance,
        emb_spacing=spacing.emb_spacing(emb_distance),
        emb_closest_spacing=closest,
        losses={name: loss for name, (weight, loss) in weighted_losses.items() if weight != 0},
        replacement_state=replacement_state and replacement.accumulate(replacement_state, count, vectors, distance),
    )


def cosine_vector_quantization(
    x: NDArray[Any],
    emb_space: NDArray[Any],
    *,
    dim_reduction: str | None = None,
    num_dim_reduction_components: int = -1,
    num_splits: int = 1,
) -> CosineVQResult:
    """Replace every vector of x by the embedding of the largest cosine similarity.

    Parameters as in `vector_quantization`. Ties go to the lowest index; a zero vector has similarity 0 to everything.

    Examples
    --------
    >>> x = np.array([[[2.0, 2.1]]])
    >>> result = cosine_vector_quantization(x, np.array([[9.0, 0.0], [1.0, 1.0]]))
    >>> result.layer_out, result.similarity_values.round(4)
    (array([[[1., 1.]]]), array([0.9997]))
    """
    x, emb_space = np.asarray(x), np.asarray(emb_space)
    _check_inputs(x, emb_space, num_splits, dim_reduction, num_dim_reduction_components)
    similarity = _similarity(x, emb_space, dim_reduction, num_dim_reduction_components, num_splits)
    emb_index = most_similar(similarity)
    return CosineVQResult(
        layer_out=merge(select(emb_space.astype(x.dtype), emb_index), x),
        emb_index=emb_index,
        similarity=similarity,
        similarity_values=_largest(similarity),
        percentage_identity_mapped=np.float64(0),
        identity_mapping_mask=None,
        most_common_label=None,
    )


def cosine_knn_vector_quantization(
    x: NDArray[Any],
    emb_labels: NDArray[Any],
    num_classes: int,
    k: int,
    emb_space: NDArray[Any],
    *,
    dim_reduction: str | None = None,
    num_dim_reduction_components: int = -1,
    num_splits: int = 1,
    majority_threshold: float = -1,
    representative: str = "first",
) -> CosineVQResult:
    """Replace every vector of x by an embedding that bears the label most common among its k most similar ones.

    Parameters as in `vector_quantization`, and:

    Parameters
    ----------
    emb_labels : array, shape [n], int32 or int64
        The label of each embedding, in [0, num_classes).
    num_classes : int
    k : int
        How many embeddings vote, at most n.
    majority_threshold : float
        If not negative, a vector is mapped to itself when the share of the winning votes among k is less.
    representative : {"first", "nearest"}
        Whether the output is the first embedding in E that bears the winning label, or the most similar one of the k.

    Examples
    --------
    >>> emb_space, labels = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]), np.array([7, 7, 3])
    >>> result = cosine_knn_vector_quantization(np.array([[[5.0, 1.0]]]), labels, 10, 3, emb_space)
    >>> result.most_common_label, result.emb_index
    (array([[7]]), array([[0]]))
    """
    x, emb_space, emb_labels = np.asarray(x), np.asarray(emb_space), np.asarray(emb_labels)
    _check_inputs(x, emb_space, num_splits, dim_reduction, num_dim_reduction_components)
    validation.check_vote(emb_labels, len(emb_space), num_classes, k, majority_threshold, representative)
    similarity = _similarity(x, emb_space, dim_reduction, num_dim_reduction_components, num_splits)
    vote = voting.majority_vote(similarity, emb_labels, num_classes, k, representative)
    vectors, found = split(x, num_splits).astype(x.dtype), vote.emb_index >= 0
    chosen = select(emb_space.astype(x.dtype), vote.emb_index)
    mask = None
    if majority_threshold >= 0:
        mask = found & (vote.votes < voting.votes_needed(k, majority_threshold))
        chosen = np.where(mask[..., np.newaxis], vectors, chosen)
    return CosineVQResult(
        layer_out=merge(chosen, x),
        emb_index=vote.emb_index,
        similarity=similarity,
        similarity_values=_largest(similarity),
        percentage_identity_mapped=np.float64(0 if mask is None else mask.sum() / max(int(found.sum()), 1)),
        identity_mapping_mask=mask,
        most_common_label=vote.label.astype(emb_labels.dtype),
    )


def _similarity(
    x: NDArray[Any],
    emb_space: NDArray[Any],
    dim_reduction: str | None,
    num_dim_reduction_components: int,
    num_splits: int,
) -> NDArray[np.float64]:
    vectors, embeddings = split(x, num_splits), emb_space.astype(np.float64)
    projection = reduction.projection(
        vectors, embeddings, dim_reduction, num_dim_reduction_components, comparison_unit_roundoff(x)
    )
    return cosine_similarity(projection.apply(vectors), projection.apply(embeddings))


def _largest(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(similarity)
    largest = np.max(similarity, axis=-1, where=known, initial=-np.inf)
    return np.where(known.any(axis=-1), largest, np.nan).reshape(-1)


def comparison_unit_roundoff(x: NDArray[Any]) -> float:
    """Return the unit roundoff of the dtype in which x is compared: that of float64, or else of float32 (VQ-14)."""
    return 2.0**-53 if x.dtype == np.float64 else 2.0**-24


def _check_inputs(
    x: NDArray[Any],
    emb_space: NDArray[Any],
    num_splits: int,
    dim_reduction: str | None,
    num_dim_reduction_components: int,
) -> None:
    validation.check_x(x)
    validation.check_num_splits(num_splits, x.shape[-1])
    validation.check_emb_space(emb_space, x.shape[-1], num_splits)
    validation.check_dim_reduction(dim_reduction, num_dim_reduction_components)
