"""The rotation of a gradient, plain and through XLA, which may fuse products and sums (VQ-27)."""

import numpy as np
import pytest
import tensorflow as tf

from vq_layer.kernels.compilation import compiled
from vq_layer.kernels.rotation import turned_back
from vq_verify.comparison import assert_within, rotated
from vq_verify.protocol import Case

RNG = np.random.default_rng(0)
D = 19  # in no loop of a power of 2


def drawn(dtype):
    """Return vectors, and an embedding for each, as a case and the indices of these.

    They are at any angle to each other, nearly parallel, nearly opposite from 1e-2 down to rounding, or opposite but
    for a coordinate that is no more than rounding beside the others, and whose square is 0; one of both is 0 at last.
    """
    embedding, others = RNG.standard_normal([1, D]), RNG.standard_normal([40, D])
    embedding[0, 0] = 0
    offsets = np.logspace(-2, -20, 40)[:, np.newaxis] * RNG.standard_normal([40, D])
    near = [embedding + offsets, -3 * embedding + offsets]
    least = np.where(np.arange(D) == 0, 1e-3 * np.sqrt(np.finfo(dtype).tiny), -embedding)
    x = np.concatenate([others, *near, least, -4 * embedding, 0 * embedding, embedding])
    emb_index = np.where(np.arange(len(x)) == len(x) - 1, 1, 0)
    emb_space = np.concatenate([embedding, 0 * embedding]).astype(dtype)
    return Case(x=x[:, np.newaxis].astype(dtype), emb_space=emb_space), emb_index


@pytest.mark.clause("VQ-27.1", "VQ-27.3", "VQ-27.5", "VQ-27.8", "VQ-27.9", "VQ-27.10")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("route", [lambda function: function, compiled], ids=["plain", "compiled"])
def test_directions_and_lengths_are_within_their_errors(dtype, route):
    case, emb_index = drawn(dtype)
    upstream = RNG.standard_normal(case.x.shape).astype(dtype)
    exact, error, length, length_error = rotated(case, emb_index, upstream)
    rows = (upstream[:, 0], case.x[:, 0], case.emb_space[emb_index])
    found = route(turned_back)(*map(tf.constant, rows)).numpy()
    assert_within(found, exact, error, "gradient under a rotation")
    assert_within(np.linalg.norm(found.astype(np.float64), axis=-1), length, length_error, "length")
