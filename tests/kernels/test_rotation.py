"""The rotation of a gradient, plain and through XLA, which may fuse products and sums (VQ-27)."""

import numpy as np
import pytest
import tensorflow as tf

from tests.comparison import assert_within, rotated
from tests.implementations.protocol import Case
from vq_layer.kernels.compilation import compiled
from vq_layer.kernels.rotation import turned_back

RNG = np.random.default_rng(0)
D = 19  # in no loop of a power of 2


def case_of(dtype):
    """Return vectors at any angle to an embedding, nearly parallel, and nearly opposite from 1e-2 down to rounding."""
    embedding, others = RNG.standard_normal([1, D]), RNG.standard_normal([40, D])
    offsets = np.logspace(-2, -20, 40)[:, np.newaxis] * RNG.standard_normal([40, D])
    x = np.concatenate([others, embedding + offsets, -3 * embedding + offsets, -4 * embedding, 0 * embedding])
    return Case(x=x[:, np.newaxis].astype(dtype), emb_space=embedding.astype(dtype))


@pytest.mark.clause("VQ-27.1", "VQ-27.3", "VQ-27.5", "VQ-27.9", "VQ-27.10")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("route", [lambda function: function, compiled], ids=["plain", "compiled"])
def test_directions_and_lengths_are_within_their_errors(dtype, route):
    case = case_of(dtype)
    upstream = RNG.standard_normal(case.x.shape).astype(dtype)
    exact, error, length, length_error = rotated(case, np.zeros(len(case.x), int), upstream)
    rows = [
        tf.constant(it.reshape(-1, D)) for it in (upstream, case.x, np.broadcast_to(case.emb_space, upstream.shape))
    ]
    found = route(turned_back)(*rows).numpy()
    assert_within(found, exact, error, "gradient under a rotation")
    assert_within(np.linalg.norm(found.astype(np.float64), axis=-1), length, length_error, "length")
