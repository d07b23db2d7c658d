"""The cut of embeddings into blocks."""

import numpy as np
import pytest
import tensorflow as tf

from vq_layer.kernels.blocks import cut


@pytest.mark.parametrize(("n", "multiple"), [(29, 4), (41, 1), (700, 32), (1025, 64), (5000, 128), (102401, 128)])
def test_blocks_hold_each_embedding_once(n, multiple):
    blocks = cut(n, 1024, multiple)
    assert blocks.size % multiple == 0
    index = blocks.embedding_at(tf.range(blocks.number * blocks.size)).numpy()
    np.testing.assert_array_equal(index[index < n], np.arange(n))
    for i in range(blocks.number):
        rows = blocks.rows(tf.range(n)[:, tf.newaxis], i)[:, 0]
        places = index[i * blocks.size : (i + 1) * blocks.size]
        np.testing.assert_array_equal(blocks.counts(i), places < n)
        np.testing.assert_array_equal(rows[places < n], places[places < n])
