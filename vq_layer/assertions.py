"""Checks of what only a run knows: a `tf.errors.InvalidArgumentError` then, which XLA leaves out (VQ-16)."""

from contextlib import AbstractContextManager
from typing import Any

import tensorflow as tf


def required(condition: tf.Tensor, message: str, *values: tf.Tensor) -> AbstractContextManager[Any]:
    """Return a scope whose ops run only if the condition holds; the error gives the message and the values."""
    # Not an `assert_...` of TensorFlow, which fails while a graph is built, even in a branch that is not taken.
    check = tf.debugging.Assert(condition, [message, *values])
    scope: AbstractContextManager[Any] = tf.control_dependencies([check] if check is not None else [])
    return scope
