"""How float64 results compare with exact ones, and how far rounding lets them differ.

Each operation of float64 returns the exact result times ``1 + e`` with ``|e| <= u = 2^-53``. A product of k such
factors is ``1 + e`` with ``|e| <= k u / (1 - k u)`` (Higham, "Accuracy and Stability of Numerical Algorithms", 2002,
lemma 3.1).
"""

import math
from fractions import Fraction
from typing import Any

import numpy as np

_U = Fraction(1, 2**53)


def roundings(k: int) -> Fraction:
    """Bound the relative error of k operations of float64."""
    return k * _U / (1 - k * _U)


def values(actual: Any) -> Any:
    """Return the exact numbers of an array or a list as nested lists: NaN as None, and infinities as they are."""
    listed = actual.tolist() if isinstance(actual, (np.ndarray, np.generic)) else actual
    if isinstance(listed, list):
        return [values(item) for item in listed]
    if math.isinf(listed):
        return listed
    return None if math.isnan(listed) else Fraction(listed)


def once_rounded(expected: Any) -> Any:
    """Round the fractions of a nested list to float64, as an operation on exact operands does."""
    if isinstance(expected, list):
        return [once_rounded(item) for item in expected]
    return None if expected is None else Fraction(float(expected))


def error(actual: Any, expected: Any, scale: Fraction | None = None) -> Any:
    """Return the largest error of an array, or of a list of arrays: in units of `scale`, or else of each exact value.

    It is infinite where the shapes differ, or where only one of the two is None.
    """
    return _error(values(actual), expected, scale)


def _error(found: Any, expected: Any, scale: Fraction | None) -> Any:
    if found == expected:
        return Fraction(0)
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        return max(_error(a, e, scale) for a, e in zip(found, expected, strict=True))
    if not isinstance(found, Fraction) or not isinstance(expected, Fraction):
        return math.inf
    unit = abs(expected) if scale is None else scale
    return abs(found - expected) / unit if unit else math.inf
