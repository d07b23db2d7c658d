"""Copies of every layer, as Keras makes them from its configuration."""

import keras
import numpy as np
import pytest

import vq_layer
from vq_layer.layers.vector_layer import VectorLayer

X = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
LAYERS = [
    vq_layer.VectorQuantization(3, start="random_normal", num_splits=2, codebooks="per-split"),
    vq_layer.ResidualVectorQuantization(3, 2, start="random_normal", quantizer_dropout=True, seed=5, dtype="float64"),
    vq_layer.ResidualVectorQuantization(3, 2, start="random_normal", shared=True, estimator="rotation"),
    vq_layer.FiniteScalarQuantization([3, 5], num_splits=2, trainable=False),
    vq_layer.CosineVectorQuantization(3, comparison=vq_layer.PCA("cosine", components=2), dtype="mixed_bfloat16"),
    vq_layer.CosineKNNVectorQuantization([2, 0, 2], 3, 2, 3, majority_threshold=0.75, representative="nearest"),
]


def test_every_public_layer_is_among_those_that_are_copied():
    public = {it for name in vq_layer.__all__ if isinstance(it := getattr(vq_layer, name), type)}
    assert {it for it in public if issubclass(it, VectorLayer)} == {type(layer) for layer in LAYERS}


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_a_clone_is_the_same_layer_with_weights_of_its_own(layer):
    model = keras.Sequential([keras.layers.Input((4,)), layer])
    cloned = keras.models.clone_model(model)
    again = cloned.layers[0]
    assert again.get_config() == layer.get_config()
    assert [weight.name for weight in cloned.weights] == [weight.name for weight in model.weights]
    assert not {id(weight) for weight in cloned.weights} & {id(weight) for weight in model.weights}
    cloned.set_weights(model.get_weights())
    np.testing.assert_array_equal(cloned(X), model(X))
    if isinstance(layer, vq_layer.ResidualVectorQuantization):  # through as many stages, drawn by the same seed
        np.testing.assert_array_equal(cloned(X, training=True), model(X, training=True))
