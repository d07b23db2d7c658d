"""Enclosures of gradients: at ties, and where a tie cannot be told from a near-tie, a subgradient is not one value.

The notation is that of `vq_verify.comparison.rounding`.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vq_verify.comparison.orders import order_direction_bounds
from vq_verify.comparison.rounding import Array, Rounding, distance_error, exact_distances, near_minima, rounding
from vq_verify.protocol import Case


class Interval(NamedTuple):
    """Arrays of lower and upper bounds."""

    low: Array
    high: Array

    @property
    def magnitude(self) -> Array:
        """The largest absolute value within."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    def contains(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Tell which values lie within."""
        return np.asarray((self.low <= values) & (values <= self.high))

    def scaled(self, factor: Any) -> "Interval":
        """Multiply by a factor, or by one for each of the leading axes."""
        return _between(self.low * factor, self.high * factor)

    def total(self, arithmetic: Rounding) -> "Interval":
        """Enclose the computed sum over axis 0: K - 1 roundings, and 8 for the weight and the count of a mean."""
        slack = arithmetic.gamma(len(self.low) + 7) * self.magnitude.sum(axis=0) + arithmetic.smallest_normal
        return Interval(self.low.sum(axis=0) - slack, self.high.sum(axis=0) + slack)


def alpha_gradient_interval(case: Case, emb_index: NDArray[np.int64]) -> Interval:
    """Enclose the gradient of the alpha-loss by the embedding space, given the accepted indices, ``[batch, m]``."""
    chosen = emb_index.reshape(-1) == np.arange(len(case.emb_space))[:, np.newaxis]
    return _mean_direction(case, chosen, case.alpha)


def beta_gradient_interval(case: Case) -> Interval:
    """Enclose the gradient of the beta-loss by the embedding space."""
    return _mean_direction(case, np.ones((len(case.emb_space), len(case.vectors)), bool), case.beta)


def coulomb_gradient_interval(case: Case) -> Interval:
    """Enclose the gradient of the Coulomb-loss by the embedding space.

    The minimum over the other embeddings is shared equally between exact ties; between near-ties in any convex
    combination, so that each near embedding takes a share from 0 to 1.
    """
    emb_space, arithmetic = case.emb_space.astype(np.float64), rounding(case.x.dtype)
    n, d = emb_space.shape
    if n == 1:
        return Interval(np.zeros((n, d)), np.zeros((n, d)))
    distance = exact_distances(emb_space, emb_space, case.lookup_ord)
    error = distance_error(distance, d, case.lookup_ord, arithmetic)
    np.fill_diagonal(distance, np.inf)
    near = near_minima(distance, error)
    if case.exact:
        near = distance == distance.min(axis=-1, keepdims=True)
    count = near.sum(axis=-1, keepdims=True)
    certain = case.exact | (count == 1)
    share = Interval(near * np.where(certain, 1 / count, 0), near * np.where(certain, 1 / count, 1))
    direction = direction_interval(emb_space[:, np.newaxis] - emb_space, case.lookup_ord, arithmetic, case.exact)
    pull = _product(direction, share).scaled(-case.gamma)  # [n, n, d]: of the spacing of i, by its distance to j
    to_i = Interval(*(np.moveaxis(bound, 1, 0) for bound in pull))
    to_j = pull.scaled(-1)
    return Interval(*(np.concatenate(bounds) for bounds in zip(to_i, to_j, strict=True))).total(arithmetic)


def _mean_direction(case: Case, counted: NDArray[np.bool_], weight: float) -> Interval:
    """Enclose ``weight / M * sum of g(E[j] - X[i]) over the i counted for j``, ``[n, M] -> [n, d]``."""
    arithmetic = rounding(case.x.dtype)
    difference = case.emb_space.astype(np.float64)[np.newaxis] - case.vectors[:, np.newaxis]
    direction = direction_interval(difference, case.lookup_ord, arithmetic, case.exact)
    scale = weight / max(len(case.vectors), 1) * counted.T[..., np.newaxis]
    return direction.scaled(scale).total(arithmetic)


def _product(direction: Interval, share: Interval) -> Interval:
    """Multiply by shares in [0, 1], one for each vector."""
    corners = [bound * part[..., np.newaxis] for bound in direction for part in share]
    return Interval(np.minimum.reduce(corners), np.maximum.reduce(corners))


def direction_interval(difference: Array, lookup_ord: float, arithmetic: Rounding, exact: bool) -> Interval:
    """Enclose the computed subgradient of ``||v||_p`` at a computed difference, ``[..., d]`` (VQ-7).

    L1 gives ``sign(v)``; where v is so small that it may be flushed, 0 too.

    L2 gives ``v / ||v||``: one rounding for v, (d + 4) / 2 for the norm, and 5 for what a differentiation by the chain
    rule multiplies. Where squares may be flushed in such a number that the norm is off by more than u / 2 relative,
    ``||v||^2 < d t / u``, anything from 0 to ``sign(v)``.

    Linf gives ``sign(v)`` to the coordinates that tie for the largest magnitude, shared equally. Coordinates that tie
    within rounding may share in any convex combination: each gets anything from 0 to ``sign(v)``, and so does a
    coordinate that may be flushed.

    Any other order: `vq_verify.comparison.orders`.
    """
    sign, magnitude, t = np.sign(difference), np.abs(difference), arithmetic.smallest_normal
    if lookup_ord == 1:
        return _between(np.where(magnitude > 3 * t, sign, 0), sign)
    if lookup_ord == 2:
        return _l2_direction_interval(difference, arithmetic)
    if lookup_ord != np.inf:
        return Interval(*order_direction_bounds(difference, lookup_ord, arithmetic))
    slack = arithmetic.gamma(1) * magnitude + 3 * t * (magnitude > 0)
    near = magnitude + slack >= (magnitude - slack).max(axis=-1, keepdims=True)
    shared = near if not exact else magnitude == magnitude.max(axis=-1, keepdims=True)
    count = shared.sum(axis=-1, keepdims=True)
    certain = exact | ((count == 1) & (magnitude.max(axis=-1, keepdims=True) > 3 * t))
    return _between(np.where(certain, sign * shared / count, 0), np.where(certain, sign * shared / count, sign * near))


def _l2_direction_interval(difference: Array, arithmetic: Rounding) -> Interval:
    d = difference.shape[-1]
    largest = np.abs(difference).max(axis=-1, keepdims=True)
    scaled = difference / np.where(largest == 0, 1, largest)
    length = np.linalg.norm(scaled, axis=-1, keepdims=True)
    direction = scaled / np.where(length == 0, 1, length)
    slack = arithmetic.gamma((d + 4) / 2 + 6) * np.abs(direction)
    sharp = (length * largest) ** 2 >= d * arithmetic.smallest_normal / arithmetic.unit
    # A square kept as a subnormal number may be rounded down from 1.5 units to 1: its root is too small by sqrt(1.5).
    most = np.sign(difference) * np.sqrt(1.5) * (1 + arithmetic.gamma((d + 4) / 2 + 6))
    low = np.where(sharp, direction - slack, np.minimum(most, 0))
    high = np.where(sharp, direction + slack, np.maximum(most, 0))
    return Interval(low, high)


def _between(one: Array, other: Array) -> Interval:
    return Interval(np.minimum(one, other), np.maximum(one, other))
