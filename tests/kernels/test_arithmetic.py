"""Powers by products and roots."""

import numpy as np
import pytest
import tensorflow as tf

from vq_layer.kernels.arithmetic import power, power_of_two_below
from vq_verify.comparison import rounding


@pytest.mark.parametrize("exponent", [0, 0.1, 1 / 3, 0.5, 0.75, 1, 1.1, 2, 2.5, 3, 7, 1 - 2**-52, 1 + 2**-52])
def test_a_power_is_within_the_roundings_that_it_states(exponent):
    base = np.append(np.geomspace(1e-5, 1e3, 1001), [0, 1]).astype(np.float32)
    expected = base.astype(np.float64) ** exponent
    np.testing.assert_allclose(
        power(tf.constant(base), exponent), expected, rtol=rounding("float32").gamma(exponent + 6)
    )


def test_a_root_of_the_smallest_and_largest_numbers_is_right_too():
    info = np.finfo(np.float32)
    base = np.array([info.smallest_normal, info.max], np.float32)
    expected = base.astype(np.float64) ** 0.1
    # An exponent that is off by half of its last bit, 2^-32, is multiplied by the logarithm, at most 89.
    error = rounding("float32").gamma(6) + 89 * 2.0**-32
    np.testing.assert_allclose(power(tf.constant(base), 0.1), expected, rtol=error)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_power_of_two_below_is_exact(dtype):
    info = np.finfo(dtype)
    numbers = np.array([0, info.smallest_normal, 0.75, 1, np.nextafter(2, 0, dtype=dtype), 2, 1000, info.max], dtype)
    expected = [0, info.smallest_normal, 0.5, 1, 1, 2, 512, 2.0 ** (info.maxexp - 1)]
    np.testing.assert_array_equal(power_of_two_below(tf.constant(numbers)), expected)
