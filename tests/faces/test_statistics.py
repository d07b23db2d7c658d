"""What the layer's rules gather from the parts of a batch merges to what they gather from the whole (VQ-22)."""

import numpy as np
import pytest
import tensorflow as tf

from vq_layer import MostDistant, Norm
from vq_layer.core.quantizer import Quantizer, looked_up
from vq_layer.parts.statistics import merged

RNG = np.random.default_rng(0)
# Few integers: distances tie, within the parts and between them.
X, EMB_SPACE = RNG.integers(-2, 3, [9, 2, 2]).astype(np.float32), RNG.integers(-2, 3, [4, 2]).astype(np.float32)
X[3, 1] = np.nan
RULE = MostDistant(3)
QUANTIZER = Quantizer(n=4, comparison=Norm(1), replacement=RULE)


def gathered(x, passes=1):
    (it,) = looked_up(tf.constant(x), {"emb_space": tf.constant(EMB_SPACE)}, QUANTIZER, passes=passes)
    return RULE.gather(it)


@pytest.mark.clause("VQ-22.2", "VQ-22.4")
@pytest.mark.parametrize("cut", [0, 1, 4, 9])
def test_those_of_two_parts_merge_to_those_of_the_whole(cut):
    parts, whole = merged(gathered(X[:cut]), gathered(X[cut:], passes=0)), gathered(X)
    assert parts.keys() == whole.keys()
    for name, statistic in whole.items():
        for value, expected in zip(parts[name], statistic, strict=True):
            np.testing.assert_array_equal(value, expected, err_msg=name, strict=True)
