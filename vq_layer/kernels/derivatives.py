"""Gradients that have none of their own."""

from typing import Any, NoReturn

import tensorflow as tf


@tf.custom_gradient  # type: ignore[untyped-decorator]
def not_differentiable(gradient: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """Return the gradient to the other, and refuse to differentiate it."""

    def refuse(_: tf.Tensor) -> NoReturn:
        raise NotImplementedError("gradients of distances have no gradients of their own")

    return tf.identity(gradient), refuse
