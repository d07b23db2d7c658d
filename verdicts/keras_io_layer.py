"""A layer by the formulas of the VQ-VAE page of keras.io, written anew."""

import keras
import tensorflow as tf


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
