"""How an embedding space starts in a graph: as `get_variable` takes it, and as "batch" marks it (VQ-12)."""

from typing import Any

import keras
import tensorflow as tf

from vq_layer.assertions import required

_BITS = {tf.float32: tf.int32, tf.float64: tf.int64}  # as integers, 1 in the least positive number


def initial_values(initializer: Any, constant: bool) -> Any:
    """Return what gives a variable its first embedding space: a callable of shape and dtype, or its class.

    Parameters
    ----------
    initializer : initializer, its class, the name of a Keras initializer, "batch", or a constant
        "batch" starts with a mark that `require_batch` knows, all but zero.
    constant : bool
        Whether it is a constant.
    """
    if constant:
        # A callable, since `wrap_function` cannot lift a tensor of its graph into the variable's initial value.
        return lambda shape, dtype=None, partition_info=None: tf.convert_to_tensor(initializer, dtype)  # noqa: ARG005
    if isinstance(initializer, str):
        return _marked if is_batch(initializer) else keras.initializers.get(initializer)
    return initializer


def _marked(shape: Any, dtype: tf.DType, partition_info: Any = None) -> tf.Tensor:
    """Return an embedding space of which every number is the least positive one: no batch makes them all so."""
    del partition_info
    return tf.bitcast(tf.ones(shape, _BITS[dtype]), dtype)


def require_batch(emb_space: tf.Tensor) -> tf.Tensor:
    """Return an embedding space that exists only if it is no longer as "batch" lets it start (VQ-12).

    Raises
    ------
    tf.errors.InvalidArgumentError
        When it runs, where it is.
    """
    # By its bits, since a processor may take the least number for 0.
    initialized = tf.reduce_any(tf.not_equal(tf.bitcast(emb_space, _BITS[emb_space.dtype]), 1))
    message = (
        "the embedding space of `embedding_initializer='batch'` is not initialized: run the endpoint "
        "`emb_space_batch_init`, or restore a checkpoint, before anything that looks up in it"
    )
    with required(initialized, message):
        return tf.identity(emb_space)


def is_batch(initializer: Any) -> bool:
    """Tell whether the embedding space of a graph is to be initialized from a batch."""
    return isinstance(initializer, str) and initializer == "batch"
