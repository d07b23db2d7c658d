"""How a gradient passes the lookup (VQ-3, VQ-19): the value is the chosen row, bit for bit, whichever it is."""

from abc import abstractmethod
from typing import Any

import tensorflow as tf

from vq_layer.parts.part import Part, part, resolved

__all__ = ["NoGradient", "StraightThrough"]


class Estimator(Part):
    """A value, which is always the chosen row, and a gradient to the input."""

    @abstractmethod
    def __call__(self, inputs: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
        """Return the chosen rows bit for bit, ``[..., d], [..., d] -> [..., d]``; no gradient passes to them."""


@part
class StraightThrough(Estimator):
    """The gradient of the output is that of the input, as it is.

    References
    ----------
    Bengio, Léonard, Courville, "Estimating or Propagating Gradients Through Stochastic Neurons", 2013.
    """

    def __call__(self, inputs: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
        """Return the chosen rows; the usual ``inputs + stop_gradient(chosen - inputs)`` rounds."""
        return straight_through(inputs, chosen)


@part
class NoGradient(Estimator):
    """No gradient passes."""

    def __call__(self, inputs: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
        """Return the chosen rows."""
        del inputs
        return tf.stop_gradient(chosen)


NAMES = {"straight-through": StraightThrough, "none": NoGradient}


def straight_through(x: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Return `chosen` bit for bit, with the identity as its gradient to `x` and none to `chosen`."""

    def forward(_: tf.Tensor, chosen: tf.Tensor) -> tuple[tf.Tensor, Any]:
        return tf.identity(chosen), lambda upstream: (upstream, None)

    return tf.custom_gradient(forward)(x, chosen)


def estimator_of(value: Any) -> Estimator:
    """Return the estimator that an argument stands for."""
    return resolved("estimator", value, Estimator, NAMES)  # type: ignore[type-abstract]
