"""The route that pairs of vectors and embeddings take through the kernels, decided once for all of these."""

import functools
import math
from typing import Any, NamedTuple

import tensorflow as tf

from vq_layer.kernels import tuning
from vq_layer.kernels.branches import rarely
from vq_layer.kernels.compilation import Function, is_forced, way_on
from vq_layer.kernels.surroundings import device_types, on_cpu
from vq_layer.shapes import static_shape, static_size


class Route(NamedTuple):
    """How pairs of vectors and embeddings are computed.

    Attributes
    ----------
    small : bool
        Whether it is known before a graph runs that the plain formula is used. If False, it may be used all the same.
    small_at_run_time : tf.Tensor or None
        Whether the plain formula is used, a scalar, where that is known only when a graph runs.
    way : str or None
        How pairs that are not small are computed, as `way_on` names it; None where only a run of the graph tells.
    few : int or None
        A number of rows that holds all vectors, one of not many, where they are known to be few before a graph runs.
    """

    small: bool
    small_at_run_time: tf.Tensor | None
    way: str | None
    few: int | None

    def choose(self, small: Function, large: Function) -> Any:
        """Return `small()` or `large(way)`, both of which a graph holds if only its run tells."""
        if self.small:
            return small()
        if self.small_at_run_time is None:
            return self.take(large)
        return _branch(~self.small_at_run_time, lambda: self.take(large), small)

    def take(self, large: Function) -> Any:
        """Return `large(way)`; a graph holds those of both types of device if only its run tells."""
        if self.way is not None:
            return large(self.way)
        return _branch(on_cpu(), lambda: large(way_on("CPU")), lambda: large(way_on("GPU")))


def route(vectors: tf.Tensor, emb_space: tf.Tensor) -> Route:
    """Return the route for all pairs of vectors and embeddings, ``[..., d], [n, d]``.

    The plain formula is for so few coordinates of all pairs as `Tuning.small` says, and for none if XLA is to compile
    small inputs, too.
    """
    most = tuning.TUNING.small // int(math.prod(static_shape(emb_space)))
    number, forced = static_size(static_shape(vectors)[:-1]), is_forced()
    small = not forced and number is not None and number <= most
    unknown = not forced and number is None
    return Route(
        small=small,
        small_at_run_time=tf.reduce_prod(tf.shape(vectors)[:-1]) <= most if unknown else None,
        way="plain" if small else _way(),
        few=None if number is None or number > tuning.TUNING.few else _holding(number),
    )


def _way() -> str | None:
    ways = {way_on(device) for device in device_types()}
    return ways.pop() if len(ways) == 1 else None


def _branch(needed: tf.Tensor, then: Function, otherwise: Function) -> Any:
    branch = functools.partial(rarely, needed, then, otherwise)
    # The control flow of TensorFlow 1 admits no tape in a branch; in a function it is that of TensorFlow 2.
    return branch() if tf.compat.v1.control_flow_v2_enabled() else tf.function(branch, autograph=False)()


def _holding(number: int) -> int:
    """Return the smallest number of rows of a chunk of few, doubled as often as need be, that is not below."""
    rows = tuning.TUNING.few_rows
    while rows < number:
        rows *= 2
    return rows
