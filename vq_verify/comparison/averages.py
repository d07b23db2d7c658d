"""The error of a moving average and of a moving share after one pass, given what chose what (VQ-24, VQ-26).

The notation is that of `vq_verify.comparison.rounding`. Each is compared from the state before, in which it may be off.
"""

from typing import NamedTuple

import numpy as np

from reference.parts.updates import MovingAverage
from vq_verify.comparison.rounding import Array, Rounding


class Bounded(NamedTuple):
    """Exact values, and the error that each may have."""

    exact: Array
    error: Array


def average_count(before: Array, count: Array, decay: float, arithmetic: Rounding) -> Bounded:
    """Return ``decay N + (1 - decay) c``, ``[n]``.

    Neither term is negative. A factor, a product and the sum have 3 roundings; 1 - decay is off by `_of_complement`.
    """
    exact = decay * before + (1 - decay) * count
    relative = arithmetic.gamma(3) + _of_complement(decay, arithmetic)
    return Bounded(exact, relative * exact + 3 * arithmetic.smallest_normal)


def averages(
    emb_space: Array, counts: Array, count: Array, of_vectors: tuple[Array, Array], rule: MovingAverage, a: Rounding
) -> Bounded:
    """Return the embeddings after a pass, ``[n, d]``, from the new average counts, which may be off, too.

    Parameters
    ----------
    emb_space : array, shape [n, d]
        The embeddings before.
    counts, count : array, shape [n]
        The average counts after the pass, and how many vectors chose each embedding: one at least, of one at least.
        Of what none chose nothing is said: 0 stands in its place.
    of_vectors : tuple of array, shape [n, d]
        The sum of these vectors, and that of their magnitudes.
    rule : MovingAverage
    a : Rounding

    Notes
    -----
    The rate ``r = (1 - decay) / N'`` is of counts that are off by ``gamma(3) + k`` relative, k `_of_complement`. They
    come in thrice: in N, and in two sums of n of them, with n - 1 roundings each. Two sums with epsilon, its product
    with n, a quotient and a product, and the quotient and its numerator have 7 more, and k again: ``gamma(2 n + 14)``
    and ``4 k``.

    The pull ``p = s - c e`` is off by ``gamma(c + 1) (sum |x| + c |e|)``: c - 1 roundings of the sum, one of the
    product, one of the difference. It is as good as the sum of the differences x - e, and as ``m / N`` by
    ``m = decay N e + (1 - decay) s``, since N r is at most 1 there. The step has two roundings more, of ``r p`` and of
    the whole. What is flushed is off by t for each vector, for the product and for the sum.
    """
    n, total, slack = len(count), counts.sum(), _of_complement(rule.decay, a)
    emb_space = np.where(count[:, np.newaxis] > 0, emb_space, 0)
    smoothed = (counts + rule.epsilon) / (total + n * rule.epsilon) * total
    rate = np.divide(1 - rule.decay, smoothed, out=np.zeros(n), where=count > 0)[:, np.newaxis]
    count = count[:, np.newaxis]
    (vector_sum, magnitudes), of_rate = of_vectors, a.gamma(2 * n + 14) + 4 * slack
    pull, largest = vector_sum - count * emb_space, magnitudes + count * np.abs(emb_space)
    exact = emb_space + rate * pull
    error = (of_rate + a.gamma(count + 3)) * rate * largest + a.gamma(2) * (np.abs(emb_space) + np.abs(exact))
    return Bounded(exact, error + (1 + rate) * (count + 3) * a.smallest_normal)


def moving_share(before: Array, count: Array, decay: float, arithmetic: Rounding) -> Bounded:
    """Return ``u + (1 - decay) min(1, M / n) (c n / M - u)``, ``[n]``; u where M is 0.

    Of the pace, 1 - decay is off by `_of_complement`, and M / n and a product have 3 roundings; of the share of the
    pass, ``c n / M``, 3 (M / n may be a mean), and the difference, the product and the sum have 3 more, each of a
    magnitude of at most ``u + pace (share + u)``.
    """
    per_embedding = count.mean()
    if not per_embedding:
        return Bounded(before, np.zeros_like(before))
    pace, share = (1 - decay) * min(1, per_embedding), count / per_embedding
    error = arithmetic.gamma(9) * (before + pace * (share + before))
    error = error + _of_complement(decay, arithmetic) * pace * (share + before)
    return Bounded(before + pace * (share - before), error + 3 * arithmetic.smallest_normal)


def is_dyadic(decay: float) -> bool:
    """Tell whether products with a decay, and with 1 less it, do not round for some passes."""
    return float(decay * 4).is_integer()


def _of_complement(decay: float, arithmetic: Rounding) -> float:
    """Bound the relative error of ``1 - decay``, of a decay that may be rounded before: ``u d / (1 - d)``."""
    return 0.0 if is_dyadic(decay) else arithmetic.unit * decay / (1 - decay)
