"""What models trace once, or not at all."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vq_layer import FiniteScalarQuantization, ResidualVectorQuantization, VectorQuantization
from vq_layer.kernels import k_means

X = np.random.default_rng(0).standard_normal([40, 6]).astype(np.float32)
LAYERS = {
    "vectors": lambda: VectorQuantization(5, num_splits=2),
    "residual": lambda: ResidualVectorQuantization(5, num_stages=2),
    "finite scalars": lambda: FiniteScalarQuantization([3, 4, 3, 5, 3, 3]),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_model_is_built_without_tracing_the_layer(name, monkeypatch):
    layer = LAYERS[name]()
    called = []
    call = type(layer).quantized
    monkeypatch.setattr(type(layer), "quantized", lambda *args: called.append(1) or call(*args))
    x = keras.Input([6])
    model = keras.Model(x, layer(keras.layers.Dense(6)(x)))
    assert not called
    assert model.output_shape == (None, 6)
    assert model(X, training=True).shape == (40, 6)
    assert called


def test_stages_that_are_alike_share_their_start(monkeypatch):
    starts = []
    lloyd = k_means.lloyd
    monkeypatch.setattr(k_means, "lloyd", lambda *args: starts.append(1) or lloyd(*args))
    layer = ResidualVectorQuantization(7, num_stages=4)  # a size that no other test has
    tf.function(lambda x: layer(x, training=True))(X)
    assert starts == [1]
    assert all(np.all(stage.initialized) for stage in layer.stages)
