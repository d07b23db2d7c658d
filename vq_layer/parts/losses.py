"""The losses: each a function of a pass, and a weight (VQ-5, VQ-18).

None but `Commitment` reaches the inputs: a pass has their vectors with the gradient stopped.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import tensorflow as tf

from vq_layer import validation
from vq_layer.kernels.distances import norm
from vq_layer.non_finite import finite_rows
from vq_layer.parts.part import Part, part, resolved
from vq_layer.parts.passes import Pass
from vq_layer.shapes import static_shape

__all__ = ["Alpha", "Beta", "Codebook", "Commitment", "Coulomb"]


class Loss(Part):
    """A scalar that training makes small."""

    name: ClassVar[str]
    weight: Any
    trains_emb_space: ClassVar[bool] = True  # whether its gradient reaches the embeddings

    def __post_init__(self) -> None:
        validation.check_weight_or_schedule(f"{type(self).__name__}.weight", self.weight)
        if not tf.is_tensor(self.weight):
            object.__setattr__(self, "weight", float(self.weight))

    @property
    def is_absent(self) -> bool:
        """Whether its weight is the number 0, not a tensor that may hold it."""
        return not tf.is_tensor(self.weight) and bool(self.weight == 0)

    def __call__(self, it: Pass) -> tf.Tensor:
        """Return the loss of a pass, a scalar of the comparison dtype."""
        dtype = it.emb_space.dtype
        # A Python float must not pass through tf.cast, which would round it to float32 first.
        weight = tf.cast(self.weight, dtype) if tf.is_tensor(self.weight) else tf.constant(self.weight, dtype)
        return self.weighted(it, weight)

    @abstractmethod
    def weighted(self, it: Pass, weight: tf.Tensor) -> tf.Tensor:
        """Return the loss of a pass, times the weight."""


@part
class Alpha(Loss):
    """Pull each chosen embedding towards its inputs: mean over all vectors of ``weight * ||chosen - vector||_p``."""

    weight: Any = 0.1
    name: ClassVar[str] = "alpha_loss"
    needs_norm: ClassVar[bool] = True

    def weighted(self, it: Pass, weight: tf.Tensor) -> tf.Tensor:
        """Return the loss of a pass, times the weight."""
        return alpha_loss(it.vectors, it.chosen, it.search.lookup_ord, weight)


@part
class Beta(Loss):
    """Pull every embedding towards every input: mean over all vectors of ``weight * sum of all distances``."""

    weight: Any = 1e-4
    name: ClassVar[str] = "beta_loss"
    needs_norm: ClassVar[bool] = True

    def weighted(self, it: Pass, weight: tf.Tensor) -> tf.Tensor:
        """Return the loss of a pass, times the weight."""
        return beta_loss_of_sum(it.search.total, it.found, weight)


@part
class Coulomb(Loss):
    """Push the embeddings apart: ``-weight * sum over all embeddings of the distance to the nearest other one``."""

    weight: Any = 1e-6
    name: ClassVar[str] = "coulomb_loss"
    needs_norm: ClassVar[bool] = True

    def weighted(self, it: Pass, weight: tf.Tensor) -> tf.Tensor:
        """Return the loss of a pass, times the weight."""
        return coulomb_loss(it.emb_closest_spacing, weight)


@part
class Codebook(Loss):
    """Pull each chosen embedding towards its inputs: ``weight * mean of (chosen - vector)^2``.

    The mean is over the vectors that found an embedding, and over their coordinates; 0 when there are none.

    References
    ----------
    van den Oord, Vinyals, Kavukcuoglu, "Neural Discrete Representation Learning", 2017, equation 3, second term.
    """

    weight: Any = 1.0
    name: ClassVar[str] = "codebook_loss"

    def weighted(self, it: Pass, weight: tf.Tensor) -> tf.Tensor:
        """Return the loss of a pass, times the weight."""
        return weight * mean_square(it.chosen - it.vectors, it.found)


@part
class Commitment(Loss):
    """Pull each input towards its embedding, a constant here: ``weight * mean of (input - chosen)^2``.

    The mean is that of `Codebook`. It is the one loss that reaches the inputs, and it does not reach the embeddings.

    References
    ----------
    van den Oord, Vinyals, Kavukcuoglu, "Neural Discrete Representation Learning", 2017, equation 3, third term.
    """

    weight: Any = 0.25
    name: ClassVar[str] = "commitment_loss"
    trains_emb_space: ClassVar[bool] = False

    def weighted(self, it: Pass, weight: tf.Tensor) -> tf.Tensor:
        """Return the loss of a pass, times the weight."""
        inputs, chosen = tf.cast(it.inputs, weight.dtype), tf.stop_gradient(it.chosen)
        return weight * mean_square(inputs - chosen, it.found)


NAMES: dict[str, Callable[[], Loss]] = {
    "alpha": Alpha,
    "beta": Beta,
    "coulomb": Coulomb,
    "codebook": Codebook,
    "commitment": Commitment,
}


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


def mean_square(difference: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
    """Return the mean square of the coordinates of the vectors that are flagged, ``[batch, m, d], [batch, m] -> []``.

    0 when none is flagged; no gradient passes to the others.
    """
    counts, d = tf.cast(found, difference.dtype), static_shape(difference)[-1]
    # 0 for NaN times 0, in a third of the time of a `tf.where`.
    counted = tf.math.multiply_no_nan(difference, tf.expand_dims(counts, -1))
    return tf.math.divide_no_nan(2 * tf.nn.l2_loss(counted), d * tf.reduce_sum(counts))


def _mean(values: tf.Tensor, counted: tf.Tensor) -> tf.Tensor:
    return tf.math.divide_no_nan(tf.reduce_sum(values), tf.reduce_sum(tf.cast(counted, values.dtype)))


def losses_of(value: Any) -> tuple[Loss, ...]:
    """Return the losses that an argument stands for: one, several, or None."""
    if value is None:
        return ()
    several = isinstance(value, Iterable) and not isinstance(value, str | dict)
    return tuple(resolved("losses", it, Loss, NAMES) for it in (value if several else [value]))  # type: ignore[type-abstract]
