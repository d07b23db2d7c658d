"""The layers that are measured, as their defaults make them."""

from typing import Any

import keras

from vq_layer import VectorQuantization


def ours(n: int, **parts: Any) -> VectorQuantization:
    """Return the layer for n embeddings."""
    return VectorQuantization(n, **parts)


def residual(n: int, num_stages: int) -> keras.layers.Layer:
    """Return so many stages of the layer for n embeddings each."""
    return Residual(n, num_stages)


class Residual(keras.layers.Layer):
    """Stages, each of which quantizes what those before left; the output is their sum."""

    def __init__(self, n: int, num_stages: int) -> None:
        super().__init__()
        self.stages = [ours(n) for _ in range(num_stages)]

    def build(self, input_shape: Any) -> None:
        """Build the stages."""
        for stage in self.stages:
            stage.build(input_shape)

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Return the sum of what the stages put out."""
        left = x
        for stage in self.stages:
            left = left - keras.ops.stop_gradient(stage(left, training=training))
        return x - left
