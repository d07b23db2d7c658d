"""How a gradient passes the lookup (VQ-3, VQ-19, VQ-27): the value is the chosen row, bit for bit, whichever it is."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from vq_layer.kernels.rotation import turned_back, without_direction
from vq_layer.parts.part import Part, part, resolved

__all__ = ["DiVeQ", "NoGradient", "Rotation", "StraightThrough"]


class Estimator(Part):
    """A value, which is always the chosen row, and a gradient to the input."""

    @abstractmethod
    def __call__(self, inputs: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
        """Return the chosen rows bit for bit, ``[..., d], [..., d] -> [..., d]``; no gradient passes to them.

        Parameters
        ----------
        inputs : tf.Tensor, shape [..., d], the dtype of x
        chosen : tf.Tensor, shape [..., d], the comparison dtype
            NaN where a vector found none.

        Returns
        -------
        tf.Tensor, shape [..., d], the dtype of x
        """


@part
class StraightThrough(Estimator):
    """The gradient of the output is that of the input, as it is.

    References
    ----------
    Bengio, Léonard, Courville, "Estimating or Propagating Gradients Through Stochastic Neurons", 2013.
    """

    def __call__(self, inputs: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
        """Return the chosen rows; the usual ``inputs + stop_gradient(chosen - inputs)`` rounds."""
        return straight_through(inputs, tf.cast(chosen, inputs.dtype))


@part
class Rotation(Estimator):
    """The gradient of the output turns back by the rotation of the input onto the chosen row, and is scaled likewise.

    The output is taken for ``||e|| / ||x|| * R x`` with R and the scale constant. The gradient passes on as it is where
    x or e is 0 or not finite. For the choice at e opposite to x see VQ-27.

    References
    ----------
    Fifty et al., "Restructuring Vector Quantization with the Rotation Trick", 2024, section 4.
    """

    def __call__(self, inputs: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
        """Return the chosen rows; the usual ``scale * R x`` rounds."""
        return with_gradient(turned_back, inputs, chosen)


@part
class DiVeQ(Estimator):
    """The gradient of the output passes on without its part in the direction from the input to the chosen row.

    The output is taken for ``x + ||e - x|| u`` with the constant direction u of e - x, without noise. What the original
    sends to e besides is left out.

    References
    ----------
    Vali, Bäckström, Solin, "DiVeQ: Differentiable Vector Quantization Using the Reparameterization Trick", 2025.
    """

    def __call__(self, inputs: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
        """Return the chosen rows; the usual ``x + ||e - x|| u`` rounds."""
        return with_gradient(without_direction, inputs, chosen)


@part
class NoGradient(Estimator):
    """No gradient passes."""

    def __call__(self, inputs: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
        """Return the chosen rows."""
        return tf.stop_gradient(tf.cast(chosen, inputs.dtype))


NAMES = {"straight-through": StraightThrough, "rotation": Rotation, "diveq": DiVeQ, "none": NoGradient}


def straight_through(x: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Return `chosen` bit for bit, with the identity as its gradient to `x` and none to `chosen`."""

    def forward(_: tf.Tensor, chosen: tf.Tensor) -> tuple[tf.Tensor, Any]:
        return tf.identity(chosen), lambda upstream: (upstream, None)

    return tf.custom_gradient(forward)(x, chosen)


def with_gradient(passed_on: Callable[..., tf.Tensor], inputs: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Return `chosen` bit for bit in the dtype of the inputs, with ``passed_on(upstream, inputs, chosen)`` to these.

    That is computed in the dtype of `chosen`; inputs and chosen are constants in it.
    """

    def forward(inputs: tf.Tensor, chosen: tf.Tensor) -> tuple[tf.Tensor, Any]:
        def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
            x, e = tf.stop_gradient(tf.cast(inputs, chosen.dtype)), tf.stop_gradient(chosen)
            return tf.cast(passed_on(tf.cast(upstream, chosen.dtype), x, e), inputs.dtype), None

        return tf.cast(chosen, inputs.dtype), backward

    return tf.custom_gradient(forward)(inputs, chosen)


def estimator_of(value: Any) -> Estimator:
    """Return the estimator that an argument stands for."""
    return resolved("estimator", value, Estimator, NAMES)  # type: ignore[type-abstract]
