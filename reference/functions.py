"""The three functions of 2018: thin faces of the heart (VQ-1 to VQ-11)."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference import validation
from reference.parts.choices import Majority
from reference.parts.comparisons import PCA, Comparison, Cosine, Norm
from reference.parts.estimators import NoGradient
from reference.parts.losses import Alpha, Beta, Coulomb
from reference.parts.replacement import MostDistant, ReplacementState, named, unnamed
from reference.quantizer import Quantizer, quantize
from reference.results import Result


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
    lookup_ord : float
        The order of the norm, at least 1 or infinity.
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
    validation.check_dim_reduction(dim_reduction, num_dim_reduction_components)
    validation.check_lookup_ord(lookup_ord)
    for name, weight in (("alpha", alpha), ("beta", beta), ("gamma", gamma)):
        validation.check_weight(name, weight)
    quantizer = Quantizer(
        comparison=_comparison(Norm(lookup_ord), dim_reduction, num_dim_reduction_components),
        losses=(Alpha(alpha), Beta(beta), Coulomb(gamma)),
        replacement=None if replacement_state is None else MostDistant(len(replacement_state.input_distances)),
        num_splits=num_splits,
    )
    state = {"emb_space": emb_space} | (named(*replacement_state) if replacement_state is not None else {})
    result = quantize(x, state, quantizer, training=replacement_state is not None)
    return VQResult(
        **_taken(result, VQResult),
        replacement_state=None if replacement_state is None else unnamed(result.state),
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
    validation.check_dim_reduction(dim_reduction, num_dim_reduction_components)
    quantizer = Quantizer(
        comparison=_comparison(Cosine(), dim_reduction, num_dim_reduction_components),
        estimator=NoGradient(),
        num_splits=num_splits,
    )
    return CosineVQResult(**_taken(quantize(x, {"emb_space": emb_space}, quantizer), CosineVQResult))


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
    validation.check_dim_reduction(dim_reduction, num_dim_reduction_components)
    labels, rules = np.asarray(emb_labels), (num_classes, k, majority_threshold, representative)
    validation.check_vote(labels, len(np.atleast_1d(emb_space)), *rules)
    quantizer = Quantizer(
        comparison=_comparison(Cosine(), dim_reduction, num_dim_reduction_components),
        choice=Majority(labels, *rules),
        estimator=NoGradient(),
        num_splits=num_splits,
    )
    return CosineVQResult(**_taken(quantize(x, {"emb_space": emb_space}, quantizer), CosineVQResult))


def _comparison(of: Norm | Cosine, dim_reduction: str | None, num_dim_reduction_components: int) -> Comparison:
    return of if dim_reduction is None else PCA(of, dim_reduction, num_dim_reduction_components)


def _taken(result: Result, kind: Any) -> dict[str, Any]:
    """Return those of the results that both kinds have, by name."""
    return {name: getattr(result, name) for name in Result._fields if name in kind._fields}
