"""A layer by the formulas of the VQ-VAE page of keras.io, written anew, as an implementation to verify."""

from typing import ClassVar

import keras
import tensorflow as tf

from .taped import gradients


class VectorQuantizer(keras.layers.Layer):
    """Distances by a product, rows by a product with one-hot vectors, and the straight-through sum.

    Parameters
    ----------
    num_embeddings : int
    commitment, codebook : float
        The weights of the losses: 0.25 and 1 there.
    initializer : str or keras.Initializer
        What the embeddings begin with, a column each.
    """

    def __init__(self, num_embeddings, commitment=0.25, codebook=1.0, initializer="uniform", **kwargs):
        super().__init__(**kwargs)
        self.num_embeddings, self.initializer = num_embeddings, initializer
        self.commitment, self.codebook = commitment, codebook

    def build(self, shape):
        """Make the embeddings."""
        self.embeddings = self.add_weight(shape=(shape[-1], self.num_embeddings), initializer=self.initializer)

    def call(self, x):
        """Quantize vectors, ``[..., d]``, and add both losses."""
        flat = tf.reshape(x, [-1, x.shape[-1]])
        squares = tf.reduce_sum(flat**2, axis=1, keepdims=True) + tf.reduce_sum(self.embeddings**2, axis=0)
        self.indices = tf.argmin(squares - 2 * tf.matmul(flat, self.embeddings), axis=1)
        one_hot = tf.one_hot(self.indices, self.num_embeddings, dtype=x.dtype)
        q = tf.reshape(tf.matmul(one_hot, self.embeddings, transpose_b=True), tf.shape(x))
        self.add_loss(self.codebook * tf.reduce_mean((q - tf.stop_gradient(x)) ** 2))
        self.add_loss(self.commitment * tf.reduce_mean((tf.stop_gradient(q) - x) ** 2))
        return x + tf.stop_gradient(q - x)


class KerasIO:
    """The layer, under a policy of the dtype of x."""

    name = "keras.io's formulas"
    validates = False
    offers: ClassVar = {
        "dtypes": ("float64", "float32"),
        "norms": (2,),
        "losses": ("codebook_loss", "commitment_loss"),
        "dim_reductions": (),
        "votes": (),
    }

    def call(self, case, x):
        """Return what a layer gives: its embeddings, a tape, indices, output and losses by name."""
        dtype = x.dtype.name if x.dtype.size > 2 else f"mixed_{x.dtype.name}"
        weights = [case.weights.get(name, 0.0) for name in self.offers["losses"]]
        layer = VectorQuantizer(len(case.emb_space), codebook=weights[0], commitment=weights[1], dtype=dtype)
        layer.build((None, case.emb_space.shape[1]))
        layer.embeddings.assign(case.emb_space.T)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([x, layer.embeddings.value])
            layer_out = tf.reshape(layer(tf.reshape(x, [-1, case.emb_space.shape[1]])), x.shape)
            losses = dict(zip(self.offers["losses"], layer.losses, strict=True))
        return layer, tape, layer_out, {name: losses[name] for name in case.losses}

    def quantize(self, case):
        """Look up."""
        layer, _, layer_out, losses = self.call(case, tf.constant(case.x))
        return {
            "layer_out": layer_out.numpy(),
            "emb_index": layer.indices.numpy().reshape(len(case.x), case.x.shape[1] * case.num_splits),
            "losses": {name: loss.numpy() for name, loss in losses.items()},
        }

    def gradients(self, case, upstream):
        """Differentiate."""
        x = tf.constant(case.x)
        layer, tape, layer_out, losses = self.call(case, x)
        return gradients(tape, x, layer.embeddings.value, layer_out, upstream, losses)


class InHalf(KerasIO):
    """The layer under a mixed policy."""

    name = "keras.io's formulas under a mixed policy"
    offers: ClassVar = {**KerasIO.offers, "dtypes": ("float16", "bfloat16")}
