"""No number on the way is NaN or infinite while what learns by default trains on what is finite."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks.quality import digits
from vq_layer import ResidualVectorQuantization, VectorQuantization, presets

pytestmark = pytest.mark.training

N, NUM_SPLITS, Q = 19, 2, 10  # in no other test: what is traced here is checked for good
LAYERS = {
    "default": lambda: VectorQuantization(N, num_splits=NUM_SPLITS),
    "on the sphere": lambda: VectorQuantization(N, num_splits=NUM_SPLITS, comparison="cosine", estimator="rotation"),
    "residual": lambda: ResidualVectorQuantization(N, 2, num_splits=NUM_SPLITS),
    "vq_vae": lambda: presets.vq_vae(N, num_splits=NUM_SPLITS, replacement="dead-codes"),
    "vq_vae_ema": lambda: presets.vq_vae_ema(N, num_splits=NUM_SPLITS),
}


@pytest.fixture
def _checked():
    tf.debugging.enable_check_numerics()
    yield
    tf.debugging.disable_check_numerics()
    assert np.isinf(1 / tf.zeros([]))


@pytest.mark.usefixtures("_checked")
@pytest.mark.parametrize("kind", LAYERS)
def test_a_training_by_default_has_none(kind):
    x = digits.load().train[:256].reshape([-1, 64])
    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input((64,)), dense(Q), LAYERS[kind](), dense(64)])
    model.compile(keras.optimizers.Adam(0.01), "mse", jit_compile=False)  # XLA compiles no checks
    history = model.fit(x, x, batch_size=64, epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
