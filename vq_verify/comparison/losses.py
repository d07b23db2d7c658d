"""The enclosures of the gradients of all losses by the embedding space, in one table."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vq_verify.comparison.gradients import (
    Interval,
    alpha_gradient_interval,
    beta_gradient_interval,
    coulomb_gradient_interval,
)
from vq_verify.comparison.squares import codebook_gradient_interval
from vq_verify.protocol import Case

Indices = NDArray[np.int64]


def _none(case: Case, _: Indices) -> Interval:
    return Interval(np.zeros(case.emb_space.shape), np.zeros(case.emb_space.shape))


_INTERVALS: dict[str, Callable[[Case, Indices], Interval]] = {
    "alpha_loss": alpha_gradient_interval,
    "beta_loss": lambda case, _: beta_gradient_interval(case),
    "coulomb_loss": lambda case, _: coulomb_gradient_interval(case),
    "codebook_loss": codebook_gradient_interval,
    "commitment_loss": _none,
}


def loss_gradient_intervals(case: Case, emb_index: Indices) -> dict[str, Interval]:
    """Enclose the gradient of each loss of a case, given the accepted indices, ``[batch, m]``."""
    return {name: _INTERVALS[name](case, emb_index) for name in case.losses}
