"""The largest score of a row, if no other is near it."""

import numpy as np
import pytest
import tensorflow as tf

from vq_layer.kernels import largest


def expected(scores, margin):
    """Return the index of the largest score of each row, -1 where another is within the margin."""
    most = scores.max(axis=1, keepdims=True)
    near = scores > most - margin[:, None]
    return np.where(near.sum(axis=1) == 1, near.argmax(axis=1), -1)


@pytest.mark.parametrize("size", [1, 2, 31, 64, 750, 1020, 1024, 2048])
def test_one_that_no_other_is_near_is_found_in_a_row_and_in_a_grid(size):
    rng = np.random.default_rng(size)
    scores = rng.integers(0, 4 * size, [500, size]).astype(np.float32)  # some tie, some are next to each other
    scores[:, rng.integers(size)] += 4 * size * (np.arange(500) % 3 == 0)
    margin = rng.choice([0.5, 1.5], 500).astype(np.float32)
    index = expected(scores, margin)
    assert set(index < 0) == ({False} if size == 1 else {False, True})
    filled = np.pad(scores, [(0, 0), (0, largest.filling(size))], constant_values=np.finfo(np.float32).min)
    for find, searched in ((largest.in_a_row, scores), (largest.in_a_grid, filled)):
        most, found = find(tf.constant(searched), tf.constant(margin))
        np.testing.assert_array_equal(most, scores.max(axis=1))
        np.testing.assert_array_equal(found, index)


@pytest.mark.parametrize("places", [(0, 1), (0, 8), (7, 8), (0, 63), (56, 63)])
def test_two_that_are_near_are_seen_wherever_they_are_in_the_grid(places):
    scores = np.zeros([1, 64], np.float32)
    scores[0, list(places)] = 2, 2.5
    assert largest.in_a_grid(tf.constant(scores), tf.constant([1.0]))[1] == [-1]
    assert largest.in_a_grid(tf.constant(scores), tf.constant([0.25]))[1] == [places[1]]
