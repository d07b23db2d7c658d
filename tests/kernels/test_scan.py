"""The scan of all embeddings, block by block."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from vq_layer.kernels import scan, tuning
from vq_layer.kernels.compilation import compiled
from vq_layer.kernels.distances import pairwise_distance
from vq_layer.kernels.lookup import nearest
from vq_layer.kernels.tuning import Tuning

pytestmark = pytest.mark.slow


def found(x, emb_space, lookup_ord):
    blocks, embeddings = scan.prepared(tf.constant(emb_space))
    return compiled(functools.partial(scan.scan, blocks=blocks, lookup_ord=lookup_ord))(x, *embeddings)


@pytest.mark.parametrize(("d", "lookup_ord"), [(3, 1), (30, 2), (3, np.inf), (30, 3)])
def test_the_first_of_the_nearest_is_found_in_whatever_blocks(monkeypatch, d, lookup_ord):
    rng = np.random.default_rng(0)
    emb_space = rng.standard_normal((100, d)).astype(np.float32)
    emb_space[60:] = emb_space[:40]  # ties between blocks
    emb_space[:20, 0] = np.inf  # all of the first block
    emb_space[::7, 1] = np.nan
    x = np.concatenate([emb_space, rng.standard_normal((156, d)).astype(np.float32)])
    x[200] = 3e38  # infinitely far from all
    expected = nearest(pairwise_distance(tf.constant(x), tf.constant(emb_space), lookup_ord))
    assert expected[200] == 20
    monkeypatch.setattr(tuning, "TUNING", Tuning(laid_out=17 * d))
    np.testing.assert_array_equal(found(x, emb_space, lookup_ord), expected)


def test_where_no_embedding_is_finite_none_is_found():
    x = tf.zeros([128, 2])
    index = found(x, np.full((5, 2), np.nan, np.float32), lookup_ord=1)
    np.testing.assert_array_equal(index, np.full(128, -1))
