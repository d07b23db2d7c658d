"""A branch that is seldom taken."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def rarely(needed: tf.Tensor, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
    """Return what `then` returns where it is needed, else what `otherwise` returns, as `tf.cond`.

    In a graph, TensorFlow puts the operations of both branches among the others, and passes through all of them in each
    step, taken or not. Those of `then` are kept in a function of their own, which counts as one.
    """
    if not tf.executing_eagerly():
        then = tf.function(then, autograph=False, experimental_attributes={"_noinline": True})
    return tf.cond(needed, then, otherwise)
