"""The three losses that train the embedding space (VQ-5).

None reaches the inputs: their vectors must come in with the gradient stopped.
"""

import tensorflow as tf

from vq_layer.kernels.distances import norm
from vq_layer.non_finite import finite_rows


def alpha_loss(vectors: tf.Tensor, chosen: tf.Tensor, lookup_ord: float, alpha: tf.Tensor) -> tf.Tensor:
    """Pull each chosen embedding towards its inputs.

    ``mean over (batch, m) of alpha * ||chosen - vectors||_p``, both ``[batch, m, d]``. The mean is over the vectors
    whose row of `chosen` is finite; 0 when there are none (VQ-13).
    """
    found = finite_rows(chosen)
    difference = tf.where(tf.expand_dims(found, -1), chosen - vectors, 0)
    return _mean(alpha * norm(difference, lookup_ord), found)


def beta_loss_of_sum(total: tf.Tensor, found: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
    """Pull every embedding towards every input.

    ``beta * total`` in the mean over the vectors that found an embedding: the sum of the distances of all of these to
    all embeddings, and which they are, ``[batch, m]``. 0 when there are none (VQ-13).
    """
    return _mean(beta * total, found)


def coulomb_loss(closest_spacing: tf.Tensor, gamma: tf.Tensor) -> tf.Tensor:
    """Push each embedding away from its nearest other one: ``-gamma * sum(closest_spacing)``, over ``[n]``."""
    return -gamma * tf.reduce_sum(
        tf.where(tf.math.is_nan(closest_spacing), tf.zeros_like(closest_spacing), closest_spacing)
    )


def _mean(values: tf.Tensor, counted: tf.Tensor) -> tf.Tensor:
    return tf.math.divide_no_nan(tf.reduce_sum(values), tf.reduce_sum(tf.cast(counted, values.dtype)))
