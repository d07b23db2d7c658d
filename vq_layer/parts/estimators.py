"""How a gradient passes the lookup (VQ-3)."""

from typing import Any

import tensorflow as tf


def straight_through(x: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Return `chosen` bit for bit, with the identity as its gradient to `x` and none to `chosen` (VQ-3).

    The straight-through estimator of Bengio et al. (2013). The usual ``x + stop_gradient(chosen - x)`` rounds.
    """

    def forward(_: tf.Tensor, chosen: tf.Tensor) -> tuple[tf.Tensor, Any]:
        return tf.identity(chosen), lambda upstream: (upstream, None)

    return tf.custom_gradient(forward)(x, chosen)
