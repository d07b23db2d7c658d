"""How many votes a threshold asks for, on both sides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vq_layer.kernels.voting
from reference import voting


@pytest.mark.clause("VQ-10.8")
@pytest.mark.parametrize("votes_needed", [voting.votes_needed, vq_layer.kernels.voting.votes_needed])
@given(k=st.integers(1, 300), data=st.data())
def test_the_votes_needed_are_the_least_whose_share_reaches_the_threshold(votes_needed, k, data):
    share = data.draw(st.integers(0, k)) / k
    near = [share, *np.nextafter(share, [-1, 2]).tolist()]
    threshold = max(0.0, data.draw(st.sampled_from(near) | st.floats(0, 1.5) | st.just(np.inf)))
    needed = votes_needed(k, threshold)
    assert all(votes / k < threshold for votes in range(needed))
    assert needed == k + 1 or needed / k >= threshold
