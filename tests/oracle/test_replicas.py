"""Replicas of the oracle: what they refuse."""

import numpy as np
import pytest

from reference import Quantizer, train_replicas

STATE = {"emb_space": np.zeros([2, 1])}


@pytest.mark.parametrize("parts", [[], [np.zeros([1, 2, 1]), np.zeros([1, 3, 1])]])
def test_parts_of_no_common_batch_are_refused(parts):
    with pytest.raises(ValueError, match=r"`parts` must agree in \[r, q\]\. Received: shapes \["):
        train_replicas(parts, STATE, Quantizer())
