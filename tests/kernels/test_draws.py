"""Keys look as if drawn uniformly and each by itself, and are the same however they are computed."""

import numpy as np
import pytest
import tensorflow as tf

from vq_layer.kernels.draws import keys

NUMBER = 4096
PLACES = tf.range(NUMBER, dtype=tf.int64)


def drawn(seed=0, draw=0, places=PLACES):
    return keys(places, seed, tf.constant(draw, tf.int64), tf.float32).numpy()


def assert_uniform(values):
    assert values.min() > 0
    assert values.max() <= 1
    # Chi-squared of 32 bins: 31 on average, with a standard deviation of 8; beyond 70 once in ten thousand.
    counts = np.histogram(values, 32, (0, 1))[0]
    assert np.sum((counts - len(values) / 32) ** 2) / (len(values) / 32) < 70


@pytest.mark.parametrize(("seed", "draw"), [(0, 0), (1, 0), (0, 1), (12345, 678), (2**31 - 1, 2**40)])
def test_keys_are_uniform_whichever_way_one_counts(seed, draw):
    assert_uniform(drawn(seed, draw))
    assert_uniform(np.array([drawn(seed, draw + i, PLACES[:1])[0] for i in range(512)]))
    assert_uniform(np.array([drawn(seed + i, draw, PLACES[:1])[0] for i in range(512)]))


def test_keys_of_neighbouring_places_draws_and_seeds_are_not_alike():
    first = drawn()
    for other in (np.roll(first, 1), drawn(draw=1), drawn(seed=1), drawn(draw=2), drawn(seed=2)):
        assert abs(np.corrcoef(first, other)[0, 1]) < 5 / np.sqrt(NUMBER)  # five standard deviations


def test_a_part_draws_its_part_of_what_the_whole_draws_and_xla_draws_the_same():
    whole = drawn(3, 7)
    np.testing.assert_array_equal(drawn(3, 7, PLACES[100:]), whole[100:])
    compiled = tf.function(lambda draw: keys(PLACES, 3, draw, tf.float32), jit_compile=True)
    np.testing.assert_array_equal(compiled(tf.constant(7, tf.int64)), whole)
