"""The matrix product that finds most of the nearest embeddings."""

import numpy as np
import pytest

from vq_layer.kernels import product, tuning
from vq_layer.kernels.compilation import compiled
from vq_layer.kernels.tuning import Tuning

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("farthest", [3, 97])
def test_the_centre_is_that_of_the_finite_embeddings_in_whatever_blocks(monkeypatch, farthest):
    emb_space = np.random.default_rng(0).uniform(1, 2, (100, 5)).astype(np.float32)
    emb_space[farthest] = 4
    emb_space[::9, 1] = np.nan
    monkeypatch.setattr(tuning, "TUNING", Tuning(product_block=17))
    mean, largest = compiled(product.centre)(emb_space)
    finite = emb_space[np.isfinite(emb_space).all(axis=1)].astype(np.float64)
    bound = 100 * 2.0**-23  # sums of up to 100 positive terms, each rounded
    np.testing.assert_allclose(mean, finite.mean(axis=0), rtol=bound)
    np.testing.assert_allclose(largest, np.linalg.norm(finite - finite.mean(axis=0), axis=1).max(), rtol=bound)
