"""Bounds of the rounding of a number.

Both sides round an operation by at most u = 2^-53 of its result, and a sum of k terms by (k - 1) u of the sum of their
magnitudes; a bound is twice the roundings that lead to a number, times u, times those magnitudes. What takes the same
exact operations on both sides, or chooses among given numbers, has the bound 0.
"""

from typing import Any

import numpy as np

from reference.non_finite import finite_rows
from reference.passes import Pass

U = 2.0**-53

Numbers = dict[str, tuple[Any, Any]]  # a value and its bound by each name


def bound(roundings: float, magnitude: Any) -> Any:
    """Return what so many roundings on each side may come to."""
    return 2 * roundings * U * np.nan_to_num(np.abs(magnitude), nan=0.0, posinf=0.0)


def largest_of(it: Pass) -> float:
    """Return the largest magnitude of a finite coordinate."""
    rows = np.concatenate([it.codebook, it.vectors[0]])
    return float(np.abs(rows[finite_rows(rows)]).max(initial=0.0))
