"""Closed-form gradients of the output and of the losses (VQ-3, VQ-5, VQ-7, VQ-18).

The losses are constant in the inputs, so each has a gradient to the embedding space only, but for the commitment-loss,
which is constant in the embedding space.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.distances import pairwise_distance
from reference.lookup import select
from reference.non_finite import finite_rows
from reference.norms import norm_of


def norm_gradient(vectors: NDArray[np.float64], lookup_ord: float) -> NDArray[np.float64]:
    """Return the chosen subgradient of ``||v||_p`` by ``v``: ``[..., d] -> [..., d]``.

    - L1: ``sign(v)``, with ``sign(0) = 0``;
    - L2: ``v / ||v||_2``;
    - Linf: ``sign(v)`` shared equally between the coordinates that tie for the largest magnitude;
    - any other p > 1: ``sign(v) (|v| / ||v||_p)^(p - 1)``.

    At ``v = 0`` it is 0 for every norm.

    Examples
    --------
    >>> norm_gradient(np.array([[3.0, -4.0], [0.0, 0.0]]), 2)
    array([[ 0.6, -0.8],
           [ 0. ,  0. ]])
    >>> norm_gradient(np.array([2.0, -2.0, 1.0]), np.inf)
    array([ 0.5, -0.5,  0. ])
    """
    return np.asarray(norm_of(lookup_ord).gradient(vectors))


def output_gradient_to_x(upstream: NDArray[Any]) -> NDArray[Any]:
    """Return the gradient that reaches x through ``layer_out``: the upstream gradient as it is (VQ-3).

    The straight-through estimator of Bengio et al. (2013), as in van den Oord et al. (2017, section 3.2). Nothing
    reaches the embedding space through ``layer_out``.
    """
    return upstream


def identity_mapped_gradient_to_x(
    upstream: NDArray[Any], mask: NDArray[np.bool_] | None, num_splits: int
) -> NDArray[Any]:
    """Return the gradient that reaches x through the output of a cosine quantizer (VQ-9, VQ-10).

    The identity for the vectors that are mapped to themselves, ``[batch, m]``, and 0 for all others; 0 without a mask.
    """
    if mask is None:
        return np.zeros_like(upstream)
    batch, r, q = upstream.shape
    vectors = upstream.reshape(batch, r * num_splits, q // num_splits)
    return np.where(mask[..., np.newaxis], vectors, np.zeros_like(vectors)).reshape(batch, r, q)


def alpha_gradient(
    vectors: NDArray[np.float64],
    emb_space: NDArray[np.float64],
    emb_index: NDArray[np.int64],
    lookup_ord: float,
    alpha: float,
) -> NDArray[np.float64]:
    """Return the gradient of the alpha-loss by the embedding space, ``[n, d]``.

    Row j is ``alpha / M * sum of g(emb_space[j] - vectors[b, i])`` over the inputs that chose j, with `norm_gradient`
    g and M the number of finite vectors.
    """
    gradient = np.zeros_like(emb_space)
    counted = emb_index >= 0
    for vector, j in zip(vectors[counted], emb_index[counted], strict=True):
        gradient[j] += norm_gradient(emb_space[j] - vector, lookup_ord)
    return gradient * alpha / max(int(counted.sum()), 1)


def beta_gradient(
    vectors: NDArray[np.float64], emb_space: NDArray[np.float64], lookup_ord: float, beta: float
) -> NDArray[np.float64]:
    """Return the gradient of the beta-loss by the embedding space, ``[n, d]``.

    Row j is ``beta / M * sum over all finite vectors of g(emb_space[j] - vector)``, with `norm_gradient` g and M the
    number of finite vectors; 0 for an embedding that is not finite.
    """
    finite = vectors[finite_rows(vectors)]
    gradient = np.zeros_like(emb_space)
    for j, embedding in enumerate(emb_space):
        if np.isfinite(embedding).all():
            gradient[j] = norm_gradient(embedding - finite, lookup_ord).sum(axis=0)
    return gradient * beta / max(len(finite), 1)


def coulomb_gradient(emb_space: NDArray[np.float64], lookup_ord: float, gamma: float) -> NDArray[np.float64]:
    """Return the gradient of the Coulomb-loss by the embedding space, ``[n, d]``.

    The spacing of embedding i is a minimum over the other embeddings j. It is shared equally between those that tie;
    each takes ``-gamma * g(emb_space[i] - emb_space[j])`` to row i and its opposite to row j, with `norm_gradient` g.
    """
    distance = pairwise_distance(emb_space, emb_space, lookup_ord)
    np.fill_diagonal(distance, np.nan)
    gradient = np.zeros_like(emb_space)
    for i, row in enumerate(distance):
        if np.isnan(row).all():
            continue
        tied = np.flatnonzero(row == np.nanmin(row))
        share = -gamma * norm_gradient(emb_space[i] - emb_space[tied], lookup_ord) / len(tied)
        gradient[i] += share.sum(axis=0)
        gradient[tied] -= share
    return gradient


def codebook_gradient(
    vectors: NDArray[np.float64], emb_space: NDArray[np.float64], emb_index: NDArray[np.int64], weight: float
) -> NDArray[np.float64]:
    """Return the gradient of the codebook-loss by the embedding space, ``[n, d]``.

    Row j is ``2 * weight / (M d) * sum of (emb_space[j] - vectors[b, i])`` over the inputs that chose j, with M the
    number of vectors that found an embedding.
    """
    gradient, counted = np.zeros_like(emb_space), emb_index >= 0
    for vector, j in zip(vectors[counted], emb_index[counted], strict=True):
        gradient[j] += emb_space[j] - vector
    return 2 * gradient * weight / max(vectors[counted].size, 1)


def commitment_gradient(
    vectors: NDArray[np.float64], emb_space: NDArray[np.float64], emb_index: NDArray[np.int64], weight: float
) -> NDArray[np.float64]:
    """Return the gradient of the commitment-loss by the vectors, ``[..., d]``.

    ``2 * weight / (M d) * (vectors[b, i] - emb_space[emb_index[b, i]])`` for each of the M vectors that found an
    embedding, 0 for all others.
    """
    gradient, counted = np.zeros_like(vectors), emb_index >= 0
    gradient[counted] = vectors[counted] - select(emb_space, emb_index[counted])
    return 2 * gradient * weight / max(vectors[counted].size, 1)
