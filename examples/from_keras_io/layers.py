"""A layer by the formulas of keras.io's VQ-VAE example, and what mends it: each class one flaw of the class before.

Paul, "Vector-Quantized Variational Autoencoders", keras.io, 2021; the code here is written anew from its formulas.
"""

import keras
import tensorflow as tf


class Copied(keras.layers.Layer):
    """The layer as it is copied everywhere.

    Parameters
    ----------
    n : int
        The number of embeddings.
    codebook, commitment : float
        The weights of the losses.
    """

    def __init__(self, n, codebook=1.0, commitment=0.25, **kwargs):
        super().__init__(**kwargs)
        self.n, self.codebook, self.commitment = n, codebook, commitment

    def build(self, shape):
        """Make the embeddings, a column each."""
        self.embeddings = self.add_weight(shape=(shape[-1], self.n), initializer="uniform")

    def call(self, x):
        """Replace vectors, ``[..., d]``, by their nearest embeddings, and add both losses."""
        vectors = tf.reshape(x, [-1, x.shape[-1]])
        self.index = self.nearest(vectors)
        rows = self.rows(self.index)
        self.add_loss(self.codebook * self.mean_square(rows - tf.stop_gradient(vectors)))
        self.add_loss(self.commitment * self.mean_square(vectors - tf.stop_gradient(rows)))
        return tf.reshape(self.straight_through(vectors, rows), tf.shape(x))

    def nearest(self, vectors):
        """Return the index of the nearest embedding, by the square of a difference, multiplied out."""
        squares = tf.reduce_sum(vectors**2, 1, keepdims=True) + tf.reduce_sum(self.embeddings**2, 0)
        return tf.argmin(squares - 2 * tf.matmul(vectors, self.embeddings), 1)

    def rows(self, index):
        """Return the embeddings of these indices, by a product with one-hot vectors."""
        return tf.matmul(tf.one_hot(index, self.n, dtype=self.embeddings.dtype), self.embeddings, transpose_b=True)

    def straight_through(self, vectors, rows):
        """Return the rows, whose gradient goes to the vectors."""
        return vectors + tf.stop_gradient(rows - vectors)

    def mean_square(self, difference):
        """Return the mean over all coordinates."""
        return tf.reduce_mean(difference**2)


class Near(Copied):
    """Subtracts before it squares."""

    def nearest(self, vectors):
        """Return the index of the nearest embedding."""
        return tf.argmin(self.squares(vectors), 1)

    def squares(self, vectors):
        """Return the squared distances to all embeddings."""
        return tf.reduce_sum((vectors[:, tf.newaxis] - tf.transpose(self.embeddings)) ** 2, -1)


class Wide(Near):
    """Compares in float32 under a mixed policy, too."""

    def build(self, shape):
        """Make the embeddings, which no policy casts."""
        self.embeddings = self.add_weight(shape=(shape[-1], self.n), initializer="uniform", autocast=False)

    def call(self, x):
        """Quantize in the dtype of the embeddings."""
        return tf.cast(super().call(tf.cast(x, self.variable_dtype)), x.dtype)


class Gathered(Wide):
    """Takes a row by its index, not by a product in which 0 times NaN is NaN."""

    def rows(self, index):
        """Return the embeddings of these indices."""
        return tf.gather(tf.transpose(self.embeddings), index)


class Exact(Gathered):
    """Puts out the row itself; the gradient is said apart."""

    def straight_through(self, vectors, rows):
        """Return the rows, whose gradient goes to the vectors."""
        return tf.grad_pass_through(lambda _: tf.stop_gradient(rows))(vectors)


def is_finite(vectors, axis):
    """Tell which vectors have only finite coordinates."""
    return tf.reduce_all(tf.math.is_finite(vectors), axis)


class Contained(Exact):
    """Leaves out what is not finite, and takes the mean of nothing to be 0."""

    def nearest(self, vectors):
        """Return the index of the nearest embedding; -1 where the vector or every embedding is not finite."""
        usable = is_finite(self.embeddings, 0)
        index = tf.argmin(tf.where(usable, self.squares(vectors), float("inf")), 1)
        return tf.where(is_finite(vectors, 1) & tf.reduce_any(usable), index, -1)

    def rows(self, index):
        """Return the embeddings of these indices, NaN for -1."""
        return tf.where(index[:, tf.newaxis] < 0, float("nan"), super().rows(tf.maximum(index, 0)))

    def mean_square(self, difference):
        """Return the mean over the coordinates of the vectors that found an embedding."""
        squares = tf.boolean_mask(difference, self.index >= 0) ** 2
        return tf.math.divide_no_nan(tf.reduce_sum(squares), tf.cast(tf.size(squares), squares.dtype))
