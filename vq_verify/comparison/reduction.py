"""The error of what is compared in a space of principal components (VQ-8, VQ-15).

The notation is that of `rounding`. A is the matrix of the N fitted rows, less their mean, V its right
singular vectors, ``p(v) = V_c^T (v - mean)`` the projection on the first c. Every difference of projections is free of
the mean. Mean, axes and projections are computed in float64, here and in the oracle; the projections are then rounded
to the comparison dtype.

*Axes.* A computed decomposition is the exact one of ``A + F``. Centring rounds a coordinate of A twice and shifts it by
a mean off by N + 1 roundings; a QR decomposition loses a small multiple of N d roundings (Higham 2002, theorem 19.4); a
singular value decomposition no more. ``||F||_2 <= eta = gamma(20 N d) ||A||_F`` leaves room for these constants, which
the literature does not fix; it is 1e-13 of A here, which no other error is near to in float32. By Wedin's theorem
(Stewart & Sun, "Matrix Perturbation Theory", 1990, theorem V.4.4) a space of singular vectors turns by an angle of sine
``eta / (gap - eta)`` at most, where the gap is the least difference of a singular value within it to one without, or to
0. The distance of two unit vectors at this angle, up to their signs, is at most root 2 times that.

*L2 and the cosine* depend on the space of the first c axes only, so on the gap at the cut; *L1 and Linf* on each axis.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from reference import gradients
from reference.reduction import Projection, projection
from vq_verify.comparison.cosine import similarity_error
from vq_verify.comparison.rounding import Array, Rounding, distance_error, rounding
from vq_verify.protocol import Case, CosineCase

_ORACLE = Rounding(2.0**-53, float(np.finfo(np.float64).smallest_normal))  # its gamma counts both sides' float64
_TURN = np.sqrt(2.0)


class _Fit(NamedTuple):
    """What two fits of the same rows may differ by.

    Attributes
    ----------
    projection : Projection
        The oracle's.
    axis_error : array, shape [components]
        Bounds the distance of each axis from its counterpart, up to the sign.
    space_error : float
        Bounds the sine of the angle between the spaces of the axes.
    mean_error : float
        Bounds the distance of the means.
    """

    projection: Projection
    axis_error: Array
    space_error: float
    mean_error: float


def _fit(case: Case | CosineCase) -> _Fit:
    arithmetic, components = rounding(case.x.dtype), case.num_dim_reduction_components
    emb_space = case.emb_space.astype(np.float64)
    vectors = _vectors(case)
    assert case.dim_reduction is not None
    fitted = projection(vectors[np.newaxis], emb_space, case.dim_reduction, components, arithmetic.unit)
    rows = np.concatenate([emb_space, vectors]) if case.dim_reduction == "pca-batch" else emb_space
    number, d = rows.shape
    centred = rows - rows.mean(axis=0)
    centred -= centred.mean(axis=0)
    singular = np.zeros(d)
    singular[: min(number, d)] = np.linalg.svd(centred, compute_uv=False)
    eta = float(_ORACLE.gamma(20 * number * d) * np.linalg.norm(centred)) / 2  # of one side
    gap_below = singular - np.append(singular[1:], -np.inf)
    gap = np.minimum.reduce([gap_below, np.append(np.inf, gap_below[:-1]), singular])
    threshold = max(number, d) * arithmetic.unit * singular[0]
    null = (singular < threshold - eta) | (singular[0] == 0)
    unclear = (np.abs(singular - threshold) <= eta) & ~null  # here null, there perhaps not
    axis_error = np.where(null, 0, np.where(unclear, _TURN, np.minimum(_TURN * 2 * _sine(eta, gap), _TURN)))
    last = int((~null[:components]).sum()) - 1
    whole = last in (-1, d - 1)
    space_error = 0.0 if whole else min(2 * float(_sine(eta, gap_below[last])), 1.0)
    if unclear[:components].any():
        space_error = 1.0
    mean_error = float(_ORACLE.gamma(number + 1) * np.linalg.norm(np.abs(rows).mean(axis=0)))
    return _Fit(fitted, axis_error[:components], space_error, mean_error)


def _vectors(case: Case | CosineCase) -> Array:
    return np.asarray(case.x.astype(np.float64).reshape(-1, case.emb_space.shape[1]))


def _sine(eta: float, gap: Any) -> Any:
    return np.where(gap > 2 * eta, eta / np.where(gap > 2 * eta, gap - eta, 1), 1)


def _norm(vectors: Array, lookup_ord: float) -> Array:
    return np.asarray(np.linalg.norm(vectors, ord=lookup_ord, axis=-1))


def _length(vectors: Array, fit: _Fit) -> Array:
    """Return the distances from the mean, at most."""
    return _norm(vectors - fit.projection.mean, 2) + fit.mean_error


def projection_error(case: Case) -> Array:
    """Bound the error in the p-norm of the difference of two projections, ``[batch * m, n]``.

    By the axes: their error times the length of the difference in the full space. By float64, on both sides: for each
    coordinate d + 1 roundings of each projection, relative to the lengths of both. By the comparison dtype: one
    rounding of each projection, relative to its own p-norm, or a flush.
    """
    fit, arithmetic = _fit(case), rounding(case.x.dtype)
    c, p = len(fit.axis_error), case.lookup_ord
    ones = float(_norm(np.ones(c), p))
    of_axes = fit.space_error if p == 2 else float(_norm(fit.axis_error, p))
    vectors, emb_space = case.vectors, case.emb_space.astype(np.float64)
    lengths = _length(vectors, fit)[:, np.newaxis] + _length(emb_space, fit)
    in_float64 = ones * _ORACLE.gamma(case.emb_space.shape[1] + 1) * lengths
    error = of_axes * cdist(vectors, emb_space) + in_float64
    sizes = _norm(fit.projection.apply(vectors), p)[:, np.newaxis] + _norm(fit.projection.apply(emb_space), p)
    return np.asarray(error + arithmetic.unit * (sizes + error) + 2 * ones * arithmetic.smallest_normal)


def reduced_distance_error(case: Case, distance: Array) -> Array:
    """Bound the error of distances in the reduced space, ``[batch, m, n]``: of the projections, and of the distance."""
    c = case.num_dim_reduction_components
    error = projection_error(case).reshape(distance.shape)
    return error + distance_error(distance + error, c, case.lookup_ord, rounding(case.x.dtype))


def reduced_similarity_error(case: CosineCase) -> Array:
    """Bound the error of similarities in the reduced space, ``[batch * m, n]``.

    Up to one rotation for all, the projections of vectors are off by twice the sine of the angle of the spaces times
    their lengths, and by the error of the mean. An error of e relative to a projection turns it by asin(e) <= 2 e, and
    a similarity changes no more than the angle. A projection that may be 0 has any similarity.
    """
    fit, arithmetic = _fit(case), rounding(case.x.dtype)
    c, d = len(fit.axis_error), case.emb_space.shape[1]
    turned = []
    for rows in (_vectors(case), case.emb_space.astype(np.float64)):
        size = _norm(fit.projection.apply(rows), 2)
        by_coordinate = np.sqrt(c) * _ORACLE.gamma(d + 1)
        error = (2 * fit.space_error + by_coordinate) * _length(rows, fit) + fit.mean_error
        error += arithmetic.unit * (size + error) + np.sqrt(c) * arithmetic.smallest_normal
        turned.append(2 * error / np.maximum(size, error))
    return np.asarray(np.minimum(turned[0][:, np.newaxis] + turned[1], 2) + similarity_error(c, arithmetic))


def reduced_beta_gradient_error(case: Case) -> Array:
    """Bound the error of the gradient of the beta-loss by the embedding space, ``[n, d]`` (VQ-7).

    The subgradients in the reduced space are off as in `_direction_error`. Their sum over M inputs, weight and count
    have M + 7 roundings. The way back multiplies by the axes, off by their errors, in float64, and rounds once.
    """
    fit, arithmetic = _fit(case), rounding(case.x.dtype)
    vectors, emb_space = case.vectors, case.emb_space.astype(np.float64)
    reduced_vectors, reduced_emb_space = fit.projection.apply(vectors), fit.projection.apply(emb_space)
    difference = reduced_emb_space - reduced_vectors[:, np.newaxis]
    direction = gradients.norm_gradient(difference, case.lookup_ord)
    error = _direction_error(case, difference, direction)
    error[(vectors[:, np.newaxis] == emb_space).all(axis=-1)] = 0  # both sides have 0 there
    size = np.abs(direction) + error
    off = error.sum(axis=0) + arithmetic.gamma(len(vectors) + 7) * size.sum(axis=0)
    axes = fit.projection.axes
    assert axes is not None
    if case.lookup_ord == 2:  # any basis of the space will do, so only lengths mean something
        off = _norm(off, 2)[:, np.newaxis] * np.ones(axes.shape[0])
    else:
        off = off @ np.abs(axes).T + (size.sum(axis=0) @ fit.axis_error)[:, np.newaxis]
    gradient = fit.projection.pull_back(direction.sum(axis=0))
    off += (arithmetic.gamma(1) + _ORACLE.gamma(axes.size)) * (np.abs(gradient) + off)
    weight = case.beta / len(vectors)
    return np.asarray(off * abs(weight) + len(vectors) * arithmetic.smallest_normal)


def _direction_error(case: Case, difference: Array, direction: Array) -> Array:
    """Bound the error of the subgradients at differences of projections, ``[M, n, components]``.

    L1: a coordinate within its error of 0 may have any sign, or none. Linf: where more than one coordinate may be the
    largest, or its sign is not sure, those share in any way. L2: twice the relative error of the difference, as a
    length; all of it where squares may be flushed.
    """
    arithmetic, p = rounding(case.x.dtype), case.lookup_ord
    of_norm = projection_error(case)
    if p == 2:
        size, t = _norm(difference, 2), arithmetic.smallest_normal
        flushed = size**2 < difference.shape[-1] * t / arithmetic.unit
        relative = 2 * (of_norm + arithmetic.unit * size) / np.where(flushed, 1, size)
        turned = np.where(flushed, 2, np.minimum(relative, 2)) + arithmetic.gamma((difference.shape[-1] + 4) / 2 + 6)
        return turned[..., np.newaxis] * np.ones(difference.shape[-1]) / np.sqrt(difference.shape[-1])
    error = of_norm[..., np.newaxis] + arithmetic.unit * np.abs(difference) + arithmetic.smallest_normal
    size = np.abs(difference)
    unclear = size <= error
    if p != 1:
        near = size + error >= (size - error).max(axis=-1, keepdims=True)
        unclear = near & (unclear.any(axis=-1, keepdims=True, where=near) | (near.sum(axis=-1, keepdims=True) > 1))
    return np.where(unclear, 1 + np.abs(direction), 0.0)
