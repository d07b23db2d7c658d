"""The bounds of averages and shares admit what a comparison dtype computes, and nothing of a smaller dtype."""

import numpy as np
import pytest

from reference.parts.updates import MovingAverage
from vq_verify.comparison import rounding
from vq_verify.comparison.averages import average_count, averages, moving_share

RNG = np.random.default_rng(0)
COUNT, BEFORE = RNG.integers(1, 9, 5), RNG.uniform(0, 9, 5)
EMB_SPACE, VECTORS = RNG.standard_normal([5, 3]), RNG.standard_normal([int(COUNT.sum()), 3])
INDEX = np.repeat(np.arange(5), COUNT)
RULE = MovingAverage(0.9, 0.1)


def counts_in(dtype):
    decay = dtype(RULE.decay)
    return decay * BEFORE.astype(dtype) + (1 - decay) * COUNT.astype(dtype)


def averages_in(dtype, counts):
    sums = np.zeros([5, 3], dtype)
    np.add.at(sums, INDEX, VECTORS.astype(dtype))
    counts, epsilon, total = counts.astype(dtype), dtype(RULE.epsilon), counts.astype(dtype).sum(dtype=dtype)
    smoothed = (counts + epsilon) / (total + 5 * epsilon) * total
    rate = ((1 - dtype(RULE.decay)) / smoothed)[:, np.newaxis]
    return EMB_SPACE.astype(dtype) + rate * (sums - COUNT.astype(dtype)[:, np.newaxis] * EMB_SPACE.astype(dtype))


def shares_in(dtype):
    share, per_embedding = COUNT.astype(dtype) / dtype(COUNT.mean()), dtype(min(1, COUNT.mean()))
    return BEFORE.astype(dtype) + (1 - dtype(RULE.decay)) * per_embedding * (share - BEFORE.astype(dtype))


@pytest.mark.parametrize(("dtype", "is_within"), [(np.float64, True), (np.float32, True), (np.float16, False)])
def test_bounds_of_float32_admit_it_and_no_less(dtype, is_within):
    arithmetic = rounding(np.float32)
    inputs = [array.astype(np.float32).astype(np.float64) for array in (EMB_SPACE, VECTORS, BEFORE)]
    sums = [np.array([f(inputs[1][j == INDEX]).sum(axis=0) for j in range(5)]) for f in (np.asarray, np.abs)]
    exact, error = average_count(inputs[2], COUNT, RULE.decay, arithmetic)
    assert (np.abs(counts_in(dtype) - exact) <= error).all() == is_within
    moved = averages(inputs[0], exact, COUNT, sums, RULE, arithmetic)
    assert (np.abs(averages_in(dtype, exact) - moved.exact) <= moved.error).all() == is_within
    share = moving_share(inputs[2], COUNT, RULE.decay, arithmetic)
    assert (np.abs(shares_in(dtype) - share.exact) <= share.error).all() == is_within
