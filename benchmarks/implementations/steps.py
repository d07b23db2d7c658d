"""A training step of a layer by itself."""

import keras
import tensorflow as tf

from benchmarks.data import Data
from benchmarks.implementations import Call
from benchmarks.settings import Setting


def step_of(layer: keras.layers.Layer, setting: Setting, data: Data) -> Call:
    """Differentiate the objective with respect to x and to what is trainable, in a `tf.function`."""
    x, upstream = tf.constant(data.x), tf.constant(data.upstream)
    if not layer.built:
        layer.build(data.x.shape)

    @tf.function(jit_compile=setting.jit_compile)
    def step(x: tf.Tensor, upstream: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            layer_out = layer(x, training=True)
            objective = tf.reduce_sum(layer_out * upstream) + tf.add_n(layer.losses)
        return tape.gradient(objective, [x, *(weight.value for weight in layer.trainable_weights)])

    return lambda: [tf.convert_to_tensor(gradient).numpy() for gradient in step(x, upstream)]
