"""The peers, in the fewest lines: a codebook learned by gradients, and one learned by moving averages."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.cluster import KMeans

COMMITMENT, DECAY, FEWEST = 0.25, 0.99, 1.0


class ByGradient(keras.layers.Layer):
    """The layer of the example "Vector-Quantized Variational Autoencoders" of keras.io, in words of our own.

    A uniformly random start, the nearest code by a product of matrices, codebook and commitment loss, straight-through.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n

    def build(self, input_shape: Any) -> None:
        """Create the codes."""
        self.codes = self.add_weight(name="codes", shape=(self.n, input_shape[-1]), initializer="random_uniform")

    def encode(self, x: tf.Tensor) -> tf.Tensor:
        """Return the index of the nearest code: ``[..., d] -> [...]``."""
        return nearest(x, self.codes)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Return the nearest codes."""
        chosen = tf.gather(self.codes, self.encode(x))
        self.add_loss(tf.reduce_mean(tf.square(chosen - tf.stop_gradient(x))))
        self.add_loss(COMMITMENT * tf.reduce_mean(tf.square(x - tf.stop_gradient(chosen))))
        return x + tf.stop_gradient(chosen - x)


class ByMovingAverage(keras.layers.Layer):
    """What is known to help: moving averages, a start by k-means, and new vectors for codes that die.

    A code dies when fewer than one vector a batch, in the moving average, is nearest to it. A random vector of the
    batch takes its place, with the even share of the batch for its count.

    References
    ----------
    van den Oord, Vinyals, Kavukcuoglu, "Neural Discrete Representation Learning", 2017, appendix A.1.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n, self.seeds = n, keras.random.SeedGenerator()
        self.supports_jit = False  # NumPy's part in the start

    def build(self, input_shape: Any) -> None:
        """Create the codes, and the moving count and sum of their vectors."""
        shapes = {"codes": (self.n, input_shape[-1]), "count": (self.n, 1), "total": (self.n, input_shape[-1])}
        for name, shape in shapes.items():
            setattr(self, name, self.add_weight(name=name, shape=shape, initializer="zeros", trainable=False))

    def encode(self, x: tf.Tensor) -> tf.Tensor:
        """Return the index of the nearest code: ``[..., d] -> [...]``."""
        return nearest(x, self.codes)

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the nearest codes, and learn after that."""
        vectors = tf.reshape(tf.stop_gradient(x), [-1, x.shape[-1]])
        if training:
            tf.cond(tf.reduce_any(self.count > 0), lambda: None, lambda: self.start(vectors))
        emb_index = self.encode(x)
        chosen = tf.gather(self.codes, emb_index)
        self.add_loss(COMMITMENT * tf.reduce_mean(tf.square(x - chosen)))
        if training:
            self.learn(vectors, tf.one_hot(tf.reshape(emb_index, [-1]), self.n))
        return x + tf.stop_gradient(chosen - x)

    def start(self, vectors: tf.Tensor) -> None:
        """Begin with the means that k-means finds, as if each had been seen its even share."""
        means = tf.ensure_shape(tf.numpy_function(self.means, [vectors], tf.float32), self.codes.shape)
        self.move(means, tf.ones_like(self.count) * self.share(vectors))

    def learn(self, vectors: tf.Tensor, chosen: tf.Tensor) -> None:
        """Move the averages by a batch, and replace what is dead."""
        count = DECAY * self.count + (1 - DECAY) * tf.reduce_sum(chosen, axis=0)[:, None]
        total = DECAY * self.total + (1 - DECAY) * tf.matmul(chosen, vectors, transpose_a=True)
        drawn = keras.random.randint([self.n], 0, tf.shape(vectors)[0], seed=self.seeds)
        dead = count < FEWEST
        means = tf.where(dead, tf.gather(vectors, drawn), tf.math.divide_no_nan(total, count))
        self.move(means, tf.where(dead, self.share(vectors), count))

    def share(self, vectors: tf.Tensor) -> tf.Tensor:
        """Return how many of the vectors a code has if all have as many."""
        return tf.cast(tf.shape(vectors)[0], tf.float32) / self.n

    def move(self, means: tf.Tensor, count: tf.Tensor) -> None:
        """Assign codes that stand for so many vectors."""
        for weight, value in ((self.codes, means), (self.count, count), (self.total, means * count)):
            weight.assign(value)

    def means(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what k-means finds from one start."""
        return KMeans(self.n, n_init=1, random_state=0).fit(vectors).cluster_centers_


def nearest(x: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
    """Return the index of the code at the least L2 distance, by a product of matrices: ``[..., d] -> [...]``."""
    scores = tf.reduce_sum(tf.square(codes), axis=-1) - 2 * tf.matmul(tf.stop_gradient(x), codes, transpose_b=True)
    return tf.argmin(scores, axis=-1)
