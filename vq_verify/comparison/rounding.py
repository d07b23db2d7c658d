"""Every tolerance of the suite, derived, and the rule for near-ties (VQ-15).

Notation: u is the unit roundoff of the comparison dtype, ``fl(a op b) = (a op b)(1 + e)``, ``|e| <= u``. A product of k
such factors is ``1 + e`` with ``|e| <= gamma(k) = k u / (1 - k u)`` (Higham, "Accuracy and Stability of Numerical
Algorithms", 2002, lemma 3.1), and a sum of k terms, in any order, has k - 1 of them. Results below the smallest normal
number t may be flushed to 0, an absolute error of t for each operation.

The oracle's own float64 arithmetic has the same bounds with its own u; `_gamma` counts both sides.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

Array = NDArray[np.float64]
_METRICS = {1: "cityblock", 2: "euclidean", np.inf: "chebyshev"}

# What a power may lose beside the rounding of its base: repeated products have at most one rounding for each factor,
# and a `pow` or a root a few units of the last place; 8 leaves room for one that is none of the best.
POWER = 8


def exact_distances(vectors: Array, emb_space: Array, lookup_ord: float) -> Array:
    """Return the distances of all vectors to all embeddings in float64, ``[M, d], [n, d] -> [M, n]``."""
    if lookup_ord in _METRICS:
        return np.asarray(cdist(vectors, emb_space, _METRICS[lookup_ord]))
    return np.asarray(cdist(vectors, emb_space, "minkowski", p=lookup_ord))


def comparison_dtype(dtype: Any) -> np.dtype[Any]:
    """Return the dtype in which inputs of `dtype` are compared (VQ-14)."""
    return np.dtype("float64" if np.dtype(dtype) == np.float64 else "float32")


class Rounding(NamedTuple):
    """The arithmetic of one comparison dtype."""

    unit: float
    smallest_normal: float

    def gamma(self, k: Any) -> Any:
        """Bound the relative error of k roundings here and k in the oracle's float64."""
        return _gamma(k, self.unit) + _gamma(k, 2.0**-53)


def rounding(dtype: Any) -> Rounding:
    """Return the arithmetic in which inputs of `dtype` are compared."""
    info = np.finfo(comparison_dtype(dtype))
    return Rounding(float(info.eps) / 2, float(info.smallest_normal))


def _gamma(k: Any, unit: float) -> Any:
    return k * unit / (1 - k * unit)


def distance_error(distance: Array, d: int, lookup_ord: float, arithmetic: Rounding) -> Array:
    """Bound the error of a distance computed by direct differences in d dimensions.

    Each difference has one rounding. L1 adds d - 1 for the sum; L2 has 2 more for the square (the difference's counts
    twice there), d - 1 for the sum, all halved by the root, and 1 for the root; Linf adds none.

    A difference whose operands or result are flushed is off by 3 t at most, a flushed square by t: absolute errors of
    3 t d for L1, 3 t for Linf, and ``sqrt(d t) + 3 t sqrt(d)`` for L2.

    Any other p: `_order_error`.
    """
    t = arithmetic.smallest_normal
    if lookup_ord not in _METRICS:
        return _order_error(np.asarray(distance), d, lookup_ord, arithmetic)
    roundings = {1: d, 2: (d + 4) / 2, np.inf: 1}[lookup_ord]
    flushed = {1: 3 * t * d, 2: np.sqrt(d * t) + 3 * t * np.sqrt(d), np.inf: 3 * t}[lookup_ord]
    return arithmetic.gamma(roundings) * distance + flushed


def _order_error(distance: Array, d: int, p: float, arithmetic: Rounding) -> Array:
    """Bound the error of a distance under a norm that has no formula of its own; its roundings are `order_roundings`.

    Flushed differences are off by 3 t each, ``3 t d^(1/p)`` in the norm. Flushed powers leave out ``f = d t`` of their
    sum S at most. The root is subadditive, so that it is off by ``f^(1/p)`` at most; where S is at least 2 f, by the
    mean value theorem, by ``f / p (S / 2)^(1/p - 1)``, no more than ``2 f / p distance^(1 - p)``.
    """
    t, logarithm = arithmetic.smallest_normal, _logarithm(distance)
    least = np.log(d * t)
    is_large = (distance > 0) & (p * logarithm >= least + np.log(2))
    of_powers = np.exp(np.where(is_large, np.log(2 / p) + least + (1 - p) * logarithm, least / p))
    relative = arithmetic.gamma(order_roundings(distance, d, p))
    return np.asarray(relative * distance + of_powers + 3 * t * d ** (1 / p))


def _logarithm(distance: Any) -> Any:
    """Return the logarithm of what is finite and positive; 0 for all else."""
    return np.log(np.where((distance > 0) & np.isfinite(distance), distance, 1))


def order_roundings(distance: Any, d: int, p: float) -> Any:
    """Count the roundings of ``(sum of |v|^p)^(1/p)``, or of that of ``v / unit`` times the unit, in d dimensions.

    - 3 for the difference, and for the quotient and the product with a unit;
    - ``(p + POWER + d - 1) / p`` for the powers and their sum, which the root divides by p;
    - ``POWER + 1`` for the root;
    - ``|ln distance|`` since its exponent 1 / p is rounded: ``S^(e / p) = exp(e ln distance)``. The order itself is
      taken to be one that the dtype holds.
    """
    return 3 + (p + POWER + d - 1) / p + POWER + 1 + np.abs(_logarithm(distance))


def near_minima(distance: Array, error: Array) -> NDArray[np.bool_]:
    """Tell which entries of each row may be its minimum once each is off by its error: the near-tie rule.

    Computed values ``v`` with ``|v_j - distance_j| <= error_j`` can have their minimum at j iff
    ``distance_j - error_j <= min_k(distance_k + error_k)``.
    """
    return np.asarray(distance - error <= (distance + error).min(axis=-1, keepdims=True))


def weighted_sum_error(exact: float, error_of_terms: float, terms: int, arithmetic: Rounding) -> float:
    """Bound the error of a loss, a sum of terms of one sign times a weight over a count.

    `terms` roundings for the sum, and 4 more: the weight into the dtype, the product, the count, the quotient. Each of
    the products may be flushed.
    """
    grown = abs(exact) + error_of_terms
    return float(error_of_terms + arithmetic.gamma(terms + 4) * grown + (terms + 1) * arithmetic.smallest_normal)
