"""The error of a codebook- or commitment-loss and of its gradient, given the accepted indices (VQ-18).

The notation is that of `vq_verify.comparison.rounding`. A near-tie may flip an index, and with it the difference to the
embedding by more than any rounding: what follows from the indices is compared at those that were accepted.
"""

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from vq_verify.comparison.gradients import Interval
from vq_verify.comparison.rounding import Array, rounding, weighted_sum_error
from vq_verify.protocol import Case

Indices = NDArray[np.int64]


def square_loss(case: Case, emb_index: Indices, weight: float) -> tuple[float, float]:
    """Return ``weight * mean of (E[emb_index] - X)^2`` and the error that it may have.

    A square has 3 roundings, two of them of the difference; M d of them add up, and there is one division more than in
    other means. A difference v may be off by 3 t, its square by ``6 t |v| + 9 t^2`` then, and t if that is flushed.
    """
    arithmetic, difference = rounding(case.x.dtype), differences(case, emb_index)
    t, terms, count = arithmetic.smallest_normal, difference.size, max(difference.size, 1)
    exact = weight * (difference**2).sum() / count
    flushed = (6 * t * np.abs(difference) + 9 * t**2 + t).sum() / count
    error = arithmetic.gamma(3) * abs(exact) + abs(weight) * flushed
    return float(exact), weighted_sum_error(exact, error, terms + 1, arithmetic)


def codebook_gradient_interval(case: Case, emb_index: Indices) -> Interval:
    """Enclose the gradient of the codebook-loss by the embedding space, ``[n, d]``.

    Each of its terms has 1 rounding for the difference, which may be off by 3 t, and 2 more divisions or products than
    other means. Each product may be flushed.
    """
    arithmetic, difference = rounding(case.x.dtype), differences(case, emb_index)
    chosen = (emb_index.reshape(-1, 1) == np.arange(len(case.emb_space)))[..., np.newaxis]  # [M, n, 1]
    slack = arithmetic.gamma(3) * np.abs(difference) + 3 * arithmetic.smallest_normal
    scale = 2 * case.weights["codebook_loss"] / max(difference.size, 1) * chosen
    terms = Interval((difference - slack)[:, np.newaxis], (difference + slack)[:, np.newaxis]).scaled(scale)
    flushed = 2 * arithmetic.smallest_normal * chosen
    return Interval(terms.low - flushed, terms.high + flushed).total(arithmetic)


def commitment_gradient(case: Case, emb_index: Indices) -> tuple[Array, Array]:
    """Return the gradient of the commitment-loss by x, of the shape of x, and the error that it may have.

    1 rounding for the difference, which may be off by 3 t, and 9 for factors and divisors; then x may be of a smaller
    dtype, which rounds once and flushes more.
    """
    arithmetic, narrow = rounding(case.x.dtype), ml_dtypes.finfo(case.x.dtype)
    scale = 2 * case.weights["commitment_loss"] / max(case.x.size, 1)
    exact = -scale * differences(case, emb_index).reshape(case.x.shape)
    relative = arithmetic.gamma(10) + float(narrow.eps) / 2
    flushed = 2 * float(narrow.smallest_normal) + abs(scale) * 3 * arithmetic.smallest_normal
    return exact, relative * np.abs(exact) + flushed


def differences(case: Case, emb_index: Indices) -> Array:
    """Return ``E[emb_index] - X``, ``[M, d]``."""
    return np.asarray(case.emb_space.astype(np.float64)[emb_index.reshape(-1)] - case.vectors)
