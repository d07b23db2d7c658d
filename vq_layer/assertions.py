"""Checks of what only a run knows: a `tf.errors.InvalidArgumentError` then, which XLA leaves out (VQ-16)."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import tensorflow as tf


def required(condition: tf.Tensor, message: str, *values: tf.Tensor) -> AbstractContextManager[Any]:
    """Return a scope whose ops run only if the condition holds; the error gives the message and the values."""
    if tf.executing_eagerly():
        if not condition:
            raise tf.errors.InvalidArgumentError(None, None, " ".join([message, *(str(it.numpy()) for it in values)]))
        return nullcontext()
    # Not an `assert_...` of TensorFlow, which fails while a graph is built, even in a branch that is not taken.
    scope: AbstractContextManager[Any] = tf.control_dependencies([tf.debugging.Assert(condition, [message, *values])])
    return scope


def labels_in_range(emb_labels: tf.Tensor, num_classes: int) -> tf.Tensor:
    """Return the labels, ``[n]``, if all lie in [0, num_classes); where XLA drops the error, -1 for all of them."""
    labels = tf.cast(emb_labels, tf.int64)
    in_range = tf.reduce_all((labels >= 0) & (labels < num_classes))
    rule = f"`emb_labels` must lie in [0, num_classes) = [0, {num_classes}). Received, at least and at most:"
    with required(in_range, rule, tf.reduce_min(labels), tf.reduce_max(labels)):
        return tf.where(in_range, emb_labels, -1)
