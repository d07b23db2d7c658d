"""How much of the embedding space is in use, against sums by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.metrics import codebook_usage, perplexity


@given(used=st.integers(1, 8), unused=st.integers(0, 3), times=st.integers(1, 5))
def test_all_that_are_used_equally_often_make_up_the_perplexity(used: int, unused: int, times: int) -> None:
    access_count = np.array([0] * unused + [times] * used, float)
    # A dozen roundings in the shares, logarithms, products, their sum and the exponential, enlarged by log 8 at most.
    assert perplexity(access_count) == pytest.approx(used, rel=40 * 2.0**-53)
    assert codebook_usage(access_count) == used / (used + unused)


def test_the_perplexity_is_the_exponential_of_the_entropy() -> None:
    expected = 1 / (0.25**0.25 * 0.75**0.75)
    assert perplexity(np.array([3.0, 0.0, 1.0])) == pytest.approx(expected, rel=40 * 2.0**-53)
    assert codebook_usage(np.array([3.0, 0.0, 1.0])) == 2 / 3


def test_where_nothing_was_counted_both_are_nan() -> None:
    assert math.isnan(perplexity(np.zeros(3)))
    assert math.isnan(codebook_usage(np.zeros(3)))
