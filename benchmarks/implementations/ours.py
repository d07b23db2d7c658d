"""The layers of `vq_layer`, as a model uses them."""

from typing import Any

import tensorflow as tf

from benchmarks.data import Data
from benchmarks.implementations import Call
from benchmarks.implementations.fitting import fitted
from benchmarks.implementations.steps import step_of
from benchmarks.settings import ALPHA, BETA, MAJORITY_THRESHOLD, NUM_CLASSES, K, Setting
from vq_layer import Alpha, Beta, CosineKNNVectorQuantization, Coulomb, Norm, VectorQuantization
from vq_layer.presets import adversarial_2018


def lookup(setting: Setting, data: Data) -> Call:
    """Encode: the index of the nearest embedding of each vector."""
    return _encode(_quantizer(setting, data), data)


def vote(setting: Setting, data: Data) -> Call:
    """Encode: the index of the embedding that represents the winning label."""
    layer = CosineKNNVectorQuantization(
        data.emb_labels, NUM_CLASSES, K, setting.n, majority_threshold=MAJORITY_THRESHOLD
    )
    return _encode(_with_embeddings(layer, data), data)


def training(setting: Setting, data: Data) -> Call:
    """Differentiate the objective with respect to x and to the embedding space."""
    return step_of(_quantizer(setting, data), setting, data)


def default_training(setting: Setting, data: Data) -> Call:
    """Make a training step of the layer with its defaults."""
    return step_of(VectorQuantization(setting.n), setting, data)


def fit(setting: Setting, data: Data) -> Call:
    """Make a step of `fit`, the layer with its defaults within a model."""
    return fitted(VectorQuantization(setting.n), setting, data)


def fit_2018(setting: Setting, data: Data) -> Call:
    """Make a step of `fit` with the losses of 2018."""
    return fitted(_quantizer(setting, data), setting, data)


def call(setting: Setting, data: Data) -> Call:
    """Call the layer in a `tf.function`: output and losses."""
    layer = _quantizer(setting, data)
    x = tf.constant(data.x)

    @tf.function
    def quantize(x: tf.Tensor) -> list[tf.Tensor]:
        return [layer(x), *layer.losses]

    return lambda: [endpoint.numpy() for endpoint in quantize(x)]


def eager_call(setting: Setting, data: Data) -> Call:
    """Call the layer eagerly: output and losses."""
    layer = _quantizer(setting, data)
    x = tf.constant(data.x)
    return lambda: [endpoint.numpy() for endpoint in (layer(x), *layer.losses)]


def _quantizer(setting: Setting, data: Data) -> VectorQuantization:
    layer = adversarial_2018(
        setting.n,
        comparison=Norm(setting.lookup_ord),
        losses=[Alpha(ALPHA), Beta(BETA), Coulomb(setting.gamma)],
        num_splits=setting.num_splits,
    )
    return _with_embeddings(layer, data)


def _with_embeddings(layer: Any, data: Data) -> Any:
    layer.build((None, data.x.shape[-1]))
    layer.emb_space.assign(data.emb_space)
    return layer


def _encode(layer: Any, data: Data) -> Call:
    x = tf.constant(data.x)
    return lambda: [layer.encode(x).numpy().reshape(-1)]
