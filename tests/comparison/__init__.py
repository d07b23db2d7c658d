"""Every tolerance of the suite, derived, and the rules for ties and near-ties; a module a concept."""

from tests.comparison.gradients import (
    Interval,
    alpha_gradient_interval,
    beta_gradient_interval,
    coulomb_gradient_interval,
    direction_interval,
)
from tests.comparison.rounding import (
    METRICS,
    Rounding,
    comparison_dtype,
    distance_error,
    near_minima,
    rounding,
    weighted_sum_error,
)
from tests.comparison.within import assert_nearest, assert_same_distances, assert_within

__all__ = [
    "METRICS",
    "Interval",
    "Rounding",
    "alpha_gradient_interval",
    "assert_nearest",
    "assert_same_distances",
    "assert_within",
    "beta_gradient_interval",
    "comparison_dtype",
    "coulomb_gradient_interval",
    "direction_interval",
    "distance_error",
    "near_minima",
    "rounding",
    "weighted_sum_error",
]
