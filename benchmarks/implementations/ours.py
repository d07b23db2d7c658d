"""The layers of `vq_layer`, as a model uses them."""

from typing import Any

import tensorflow as tf

from benchmarks.data import Data
from benchmarks.implementations import Call
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
    """Differentiate the objective with respect to x and to the embedding space, in a plain `tf.function`."""
    layer = _quantizer(setting, data)
    x, upstream = tf.constant(data.x), tf.constant(data.upstream)

    @tf.function
    def step(x: tf.Tensor, upstream: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            layer_out = layer(x, training=True)
            objective = tf.reduce_sum(layer_out * upstream) + tf.add_n(layer.losses)
        return tape.gradient(objective, [x, layer.emb_space.value])

    return lambda: [gradient.numpy() for gradient in step(x, upstream)]


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
