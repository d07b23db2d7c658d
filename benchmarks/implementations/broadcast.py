"""The formula written down in TensorFlow, with a tensor of all differences, ``[m, n, d]``, as the layer of 2018 has."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from benchmarks.data import Data
from benchmarks.implementations import Call
from benchmarks.implementations.fitting import fitted
from benchmarks.settings import ALPHA, BETA, Setting


def pairwise_distance(vectors: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the distances of all vectors to all embeddings: ``[m, d], [n, d] -> [m, n]``."""
    return tf.norm(vectors[:, None] - emb_space, ord=lookup_ord, axis=-1)


def closest_spacing(emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the distance of each embedding to the nearest other one: ``[n, d] -> [n]``.

    The distance is taken anew from those that are nearest, so that its gradient needs no tensor of all pairs, and is
    not that of the root at 0, on the diagonal.
    """
    distance = pairwise_distance(tf.stop_gradient(emb_space), tf.stop_gradient(emb_space), lookup_ord)
    others = tf.linalg.set_diag(distance, tf.fill(tf.shape(distance)[:1], distance.dtype.max))
    return tf.norm(emb_space - tf.gather(emb_space, tf.argmin(others, axis=-1)), ord=lookup_ord, axis=-1)


def quantize(x: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float, gamma: float) -> list[tf.Tensor]:
    """Return output, alpha-loss, beta-loss and, where gamma is not 0, Coulomb-loss of x."""
    vectors = tf.stop_gradient(tf.reshape(x, [-1, emb_space.shape[-1]]))
    distance = pairwise_distance(vectors, emb_space, lookup_ord)
    chosen = tf.gather(emb_space, tf.argmin(distance, axis=-1))
    layer_out = x + tf.stop_gradient(tf.reshape(chosen, tf.shape(x)) - x)
    alpha_loss = ALPHA * tf.reduce_mean(tf.norm(chosen - vectors, ord=lookup_ord, axis=-1))
    beta_loss = BETA * tf.reduce_mean(tf.reduce_sum(distance, axis=-1))
    coulomb_loss = [-gamma * tf.reduce_sum(closest_spacing(emb_space, lookup_ord))] if gamma else []
    return [layer_out, alpha_loss, beta_loss, *coulomb_loss]


def lookup(setting: Setting, data: Data, jit_compile: bool = False) -> Call:
    """Return the argmin over all distances, in a graph."""
    vectors, emb_space = tf.constant(data.vectors), tf.constant(data.emb_space)

    @tf.function(jit_compile=jit_compile)
    def nearest(vectors: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
        return tf.argmin(pairwise_distance(vectors, emb_space, setting.lookup_ord), axis=-1)

    return lambda: [nearest(vectors, emb_space).numpy()]


def training(setting: Setting, data: Data) -> Call:
    """Differentiate the objective with respect to x and to the embedding space, in a graph."""
    x, emb_space, upstream = tf.constant(data.x), tf.constant(data.emb_space), tf.constant(data.upstream)

    @tf.function(jit_compile=setting.jit_compile)
    def step(x: tf.Tensor, emb_space: tf.Tensor, upstream: tf.Tensor) -> Sequence[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch([x, emb_space])
            layer_out, *losses = quantize(x, emb_space, setting.lookup_ord, setting.gamma)
            objective = tf.reduce_sum(layer_out * upstream) + tf.add_n(losses)
        return tape.gradient(objective, [x, emb_space])

    return lambda: [gradient.numpy() for gradient in step(x, emb_space, upstream)]


def fit_2018(setting: Setting, data: Data) -> Call:
    """Make a step of `fit`."""
    return fitted(Formula(setting), setting, data)


class Formula(keras.layers.Layer):
    """The formula as a layer."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setting = setting

    def build(self, input_shape: Any) -> None:
        """Create the embeddings."""
        self.emb_space = self.add_weight(shape=(self.setting.n, input_shape[-1]), initializer="random_normal")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Return the nearest embeddings."""
        emb_space = tf.convert_to_tensor(self.emb_space)
        layer_out, *losses = quantize(x, emb_space, self.setting.lookup_ord, self.setting.gamma)
        for loss in losses:
            self.add_loss(loss)
        return layer_out


def call(setting: Setting, data: Data) -> Call:
    """Return output and losses, in a graph."""
    x, emb_space = tf.constant(data.x), tf.constant(data.emb_space)
    in_graph = tf.function(quantize)
    return lambda: [endpoint.numpy() for endpoint in in_graph(x, emb_space, setting.lookup_ord, setting.gamma)]


def eager_call(setting: Setting, data: Data) -> Call:
    """Return output and losses, eagerly."""
    x, emb_space = tf.constant(data.x), tf.constant(data.emb_space)
    return lambda: [endpoint.numpy() for endpoint in quantize(x, emb_space, setting.lookup_ord, setting.gamma)]
