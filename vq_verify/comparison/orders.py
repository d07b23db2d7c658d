"""The enclosure of a subgradient under a norm of any order that has no formula of its own (VQ-7).

The notation is that of `vq_verify.comparison.rounding`. With ``g_c = sign(v_c) (|v_c| / D)^(p - 1)``, ``D = ||v||_p``:

*Roundings.* The quotient has those of D, one of the difference and one of its own, which the power multiplies by p - 1.
The power has ``p + POWER``, and 5 are for what a differentiation by the chain rule multiplies. That by the chain rule,
``S^(1/p - 1) |v|^(p - 1)`` with S the sum of the powers, has no more but for another power, ``POWER + 4``.

*Underflow.* A difference may be off by 3 t, a share ``e = 3 t / D``. A power of a number in [0, 1] is off by
``e^(p - 1)`` then, if p is at most 2, or by ``(p - 1) e`` up to terms of a higher order; D is off by d such shares at
most. A quotient or a power may be flushed itself, an error of t, or of ``t D^(1 - p)`` where it is divided only then.

Where powers may be flushed in such a number that D is off by more than u / 2 relative, ``D^p < d t / u``, anything from
0 to ``sign(v)`` is admitted, and more by as much as a power kept as a subnormal number may be too small: rounded from
1.5 units to 1.
"""

import numpy as np

from vq_verify.comparison.rounding import POWER, Array, Rounding, order_roundings


def order_direction_bounds(difference: Array, p: float, arithmetic: Rounding) -> tuple[Array, Array]:
    """Bound the computed subgradient of ``||v||_p`` at a computed difference, ``[..., d]``, from below and above."""
    d, t = difference.shape[-1], arithmetic.smallest_normal
    magnitude, sign = np.abs(difference), np.sign(difference)
    largest = magnitude.max(axis=-1, keepdims=True)
    scaled = magnitude / np.where(largest == 0, 1, largest)
    length = (scaled**p).sum(axis=-1, keepdims=True) ** (1 / p)
    direction = sign * (scaled / np.where(length == 0, 1, length)) ** (p - 1)
    distance = np.where(largest == 0, 1, largest * length)
    roundings = (p - 1) * (order_roundings(distance, d, p) + 2) + (p + POWER + 5) + (POWER + 4)
    logarithm = np.log(distance)  # whose multiples overflow and underflow where powers do
    sharp = p * logarithm >= np.log(d * t / arithmetic.unit)
    share = np.minimum(3 * t / distance, 1)
    flushed = 2 * (d + 1) * max(p - 1, 1) * share ** min(p - 1, 1) + t + np.exp(np.log(t) + (1 - p) * logarithm)
    slack = arithmetic.gamma(roundings) * np.abs(direction) + flushed * (magnitude > 0)
    most = sign * 1.5 ** (1 - 1 / p) * (1 + arithmetic.gamma(roundings))
    low = np.where(sharp, direction - slack, np.minimum(most, 0))
    high = np.where(sharp, direction + slack, np.maximum(most, 0))
    return low, high
