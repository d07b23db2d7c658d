"""A lookup, and what a training step of the layer adds to it, one after the other."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.data import Data
from benchmarks.implementations import Call
from benchmarks.settings import Setting
from vq_layer import FromBatch, Norm, ResidualVectorQuantization, VectorQuantization

STAGES = 4
COUNTED = 0.75  # of the vectors, by the mask


def lookup(setting: Setting, data: Data) -> Call:
    """Put the nearest embeddings in the place of the vectors."""
    return _inference(_layer(setting, data), data)


def moving_averages(setting: Setting, data: Data) -> Call:
    """Make a training step with moving averages alone; the first puts out what the lookup does."""
    return _learning(_layer(setting, data, replacement=None), data)


def with_dead_codes(setting: Setting, data: Data) -> Call:
    """Replace what is dead, in each step."""
    return _learning(_layer(setting, data), data)


def with_mask(setting: Setting, data: Data) -> Call:
    """Leave some of the vectors out."""
    counted = np.random.default_rng(0).random(data.x.shape[:-1]) < COUNTED
    return _alone(_learning(_layer(setting, data), data, mask=tf.constant(counted)))


def stages_lookup(setting: Setting, data: Data) -> Call:
    """Look up in stages."""
    return _alone(_inference(_stages(setting, data), data))


def stages(setting: Setting, data: Data) -> Call:
    """Make a training step of stages, with moving averages alone."""
    return _alone(_learning(_stages(setting, data), data))


def k_means_start(setting: Setting, data: Data) -> Call:
    """Find the embeddings that a training starts from."""
    start = FromBatch("k-means")

    @tf.function
    def begin(vectors: tf.Tensor) -> list[tf.Tensor]:
        return [start.drawn(vectors, setting.n, Norm(2))]

    return _alone(_of_constants(begin, data.vectors))


def _layer(setting: Setting, data: Data, **parts: Any) -> VectorQuantization:
    layer = VectorQuantization(setting.n, start=data.emb_space, **parts)
    layer.build(data.x.shape)
    return layer


def _stages(setting: Setting, data: Data) -> ResidualVectorQuantization:
    layer = ResidualVectorQuantization(setting.n, STAGES, start=data.emb_space, replacement=None)
    layer.build(data.x.shape)
    return layer


def _inference(layer: keras.layers.Layer, data: Data) -> Call:
    return _of_constants(tf.function(lambda x: [layer(x)]), data.x)


def _learning(layer: keras.layers.Layer, data: Data, mask: tf.Tensor | None = None) -> Call:
    @tf.function
    def step(x: tf.Tensor, upstream: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            layer_out = layer(x, training=True, mask=mask)
            objective = tf.reduce_sum(layer_out * upstream) + tf.add_n(layer.losses)
        return [layer_out, tape.gradient(objective, x)]

    return _of_constants(step, data.x, data.upstream)


def _of_constants(function: Callable[..., list[tf.Tensor]], *arrays: Any) -> Call:
    """Return a call that gives the first result."""
    tensors = [tf.constant(array) for array in arrays]
    return lambda: [function(*tensors)[0].numpy()]


def _alone(call: Call) -> Call:
    """Return a call without results, which nothing else has."""

    def without_results() -> list[Any]:
        call()
        return []

    return without_results
