"""Initialization of the embedding space: from an initializer, a constant or a batch (VQ-12)."""

from typing import Any

import keras
import tensorflow as tf

from vq_layer.assertions import required
from vq_layer.distances import finite_rows


def first_rows(vectors: tf.Tensor, n: int) -> tf.Tensor:
    """Return the first n vectors, row-major, as an embedding space: ``[batch, m, d] -> [n, d]``.

    Raises
    ------
    tf.errors.InvalidArgumentError
        When it runs, where there are fewer than n, or one of them has a NaN or infinite coordinate.
    """
    flat = tf.reshape(vectors, [-1, vectors.shape[-1]])
    enough = f"`x` must hold at least n={n} vectors to initialize the embedding space from"
    with required(tf.shape(flat)[0] >= n, enough):
        # Not `flat[:n]`, whose number of rows a graph optimizer infers from that of `emb_space`, and drops the check.
        rows = tf.gather(flat, tf.range(n))
    finite = f"the first n={n} vectors of `x` must be finite to initialize the embedding space from"
    with required(tf.reduce_all(finite_rows(rows)), finite, rows):
        return tf.identity(rows)


def initial_values(initializer: Any, constant: bool) -> Any:
    """Return what gives a variable its first embedding space: a callable of shape and dtype, or its class.

    Parameters
    ----------
    initializer : initializer, its class, the name of a Keras initializer, "batch", or a constant
        "batch" starts at zero until the embedding space is initialized from a batch.
    constant : bool
        Whether it is a constant.
    """
    if constant:
        # A callable, since `wrap_function` cannot lift a tensor of its graph into the variable's initial value.
        return lambda shape, dtype=None, partition_info=None: tf.convert_to_tensor(initializer, dtype)  # noqa: ARG005
    if isinstance(initializer, str):
        return keras.initializers.get("zeros" if initializer == "batch" else initializer)
    return initializer


def is_batch(initializer: Any) -> bool:
    """Tell whether the embedding space is to be initialized from a batch."""
    return isinstance(initializer, str) and initializer == "batch"
