"""Every tolerance of the suite, derived, and the rules for ties and near-ties; a module a concept."""

from vq_verify.comparison.gradients import (
    Interval,
    alpha_gradient_interval,
    beta_gradient_interval,
    coulomb_gradient_interval,
    direction_interval,
)
from vq_verify.comparison.losses import loss_gradient_intervals
from vq_verify.comparison.rotation import Rotated, projected, rotated
from vq_verify.comparison.rounding import (
    Rounding,
    comparison_dtype,
    distance_error,
    exact_distances,
    near_minima,
    rounding,
    weighted_sum_error,
)
from vq_verify.comparison.squares import codebook_gradient_interval, commitment_gradient, square_loss
from vq_verify.comparison.within import assert_nearest, assert_same_distances, assert_within

__all__ = [
    "Interval",
    "Rotated",
    "Rounding",
    "alpha_gradient_interval",
    "assert_nearest",
    "assert_same_distances",
    "assert_within",
    "beta_gradient_interval",
    "codebook_gradient_interval",
    "commitment_gradient",
    "comparison_dtype",
    "coulomb_gradient_interval",
    "direction_interval",
    "distance_error",
    "exact_distances",
    "loss_gradient_intervals",
    "near_minima",
    "projected",
    "rotated",
    "rounding",
    "square_loss",
    "weighted_sum_error",
]
