"""The quantizers, composed from the concepts of the other modules."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference import losses, spacing, validation
from reference.distances import pairwise_distance
from reference.lookup import access_count, nearest, select
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
        The distance of every vector to every embedding (VQ-1).
    emb_spacing : array, shape [n (n - 1) / 2], float64
        The distances between all pairs of embeddings (VQ-6).
    emb_closest_spacing : array, shape [n], float64
        The distance of each embedding to the nearest other one (VQ-6).
    losses : dict of str to float64
        ``alpha_loss``, ``beta_loss``, ``coulomb_loss``, in this order, without those whose weight is 0 (VQ-5).
    """

    layer_out: NDArray[Any]
    emb_index: NDArray[np.int64]
    access_count: NDArray[np.float64]
    distance: NDArray[np.float64]
    emb_spacing: NDArray[np.float64]
    emb_closest_spacing: NDArray[np.float64]
    losses: dict[str, np.float64]


def vector_quantization(
    x: NDArray[Any],
    emb_space: NDArray[Any],
    *,
    alpha: float = 0.1,
    beta: float = 1e-4,
    gamma: float = 1e-6,
    lookup_ord: float = 2,
    num_splits: int = 1,
) -> VQResult:
    """Replace every vector of x by the nearest embedding.

    Parameters
    ----------
    x : array, shape [batch, r, q], floating dtype
        The inputs; their last axis is cut into `num_splits` vectors of size d = q / num_splits.
    emb_space : array, shape [n, d], floating dtype
        The embedding space (the "codebook" of the literature).
    alpha, beta, gamma : float
        The weights of the losses.
    lookup_ord : {1, 2, numpy.inf}
        The order of the norm.
    num_splits : int
        How many vectors the last axis of x holds.

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
    _check_arguments(x, emb_space, alpha, beta, gamma, lookup_ord, num_splits)
    vectors, embeddings = split(x, num_splits), emb_space.astype(np.float64)
    distance = pairwise_distance(vectors, embeddings, lookup_ord)
    emb_index = nearest(distance)
    emb_distance = pairwise_distance(embeddings, embeddings, lookup_ord)
    closest = spacing.emb_closest_spacing(emb_distance)
    weighted_losses: dict[str, tuple[float, np.float64]] = {
        "alpha_loss": (alpha, losses.alpha_loss(vectors, select(embeddings, emb_index), lookup_ord, alpha)),
        "beta_loss": (beta, losses.beta_loss(distance, beta)),
        "coulomb_loss": (gamma, losses.coulomb_loss(closest, gamma)),
    }
    return VQResult(
        layer_out=merge(select(emb_space.astype(x.dtype), emb_index), x.shape),
        emb_index=emb_index,
        access_count=access_count(emb_index, len(emb_space)),
        distance=distance,
        emb_spacing=spacing.emb_spacing(emb_distance),
        emb_closest_spacing=closest,
        losses={name: loss for name, (weight, loss) in weighted_losses.items() if weight != 0},
    )


def _check_arguments(
    x: NDArray[Any],
    emb_space: NDArray[Any],
    alpha: float,
    beta: float,
    gamma: float,
    lookup_ord: float,
    num_splits: int,
) -> None:
    # Extension types such as bfloat16 are floating, but only their finfo-like casting to float64 tells.
    validation.check_x(x.ndim, x.dtype.kind in "fV", f"shape {x.shape}, dtype {x.dtype}")
    validation.check_num_splits(num_splits, x.shape[-1])
    validation.check_emb_space(emb_space.shape, x.shape[-1], num_splits)
    validation.check_lookup_ord(lookup_ord)
    for name, weight in (("alpha", alpha), ("beta", beta), ("gamma", gamma)):
        validation.check_weight(name, weight)
