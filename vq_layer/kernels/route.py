"""The route that pairs of vectors and embeddings take through the kernels, decided once for all of these."""

import functools
import math
from typing import Any, NamedTuple

import tensorflow as tf

from vq_layer.kernels import tuning
from vq_layer.kernels.branches import rarely
from vq_layer.kernels.compilation import Function, get_compilation, uses_xla
from vq_layer.shapes import static_shape, static_size


class Route(NamedTuple):
    """How pairs of vectors and embeddings are computed.

    Attributes
    ----------
    small : bool
        Whether it is known before a graph runs that the plain formula is used. If False, it may be used all the same.
    small_at_run_time : tf.Tensor or None
        Whether the plain formula is used, a scalar, where that is known only when a graph runs.
    xla : bool
        Whether pairs that are not small go through XLA.
    few : int or None
        A number of rows that holds all vectors, one of not many, where they are known to be few before a graph runs.
    """

    small: bool
    small_at_run_time: tf.Tensor | None
    xla: bool
    few: int | None

    def choose(self, small: Function, large: Function) -> Any:
        """Return `small()` or `large()`, both of which a graph holds if only its run tells."""
        if self.small:
            return small()
        if self.small_at_run_time is None:
            return large()
        branch = functools.partial(rarely, ~self.small_at_run_time, large, small)
        # The control flow of TensorFlow 1 admits no tape in a branch; in a function it is that of TensorFlow 2.
        return branch() if tf.compat.v1.control_flow_v2_enabled() else tf.function(branch, autograph=False)()


def route(vectors: tf.Tensor, emb_space: tf.Tensor) -> Route:
    """Return the route for all pairs of vectors and embeddings, ``[..., d], [n, d]``.

    The plain formula is for so few coordinates of all pairs as `Tuning.small` says, and for none if `set_compilation`
    chose "compiled".
    """
    most = tuning.TUNING.small // int(math.prod(static_shape(emb_space)))
    number, forced = static_size(static_shape(vectors)[:-1]), get_compilation() == "compiled"
    small = not forced and number is not None and number <= most
    unknown = not forced and number is None
    return Route(
        small=small,
        small_at_run_time=tf.reduce_prod(tf.shape(vectors)[:-1]) <= most if unknown else None,
        xla=not small and uses_xla(),
        few=None if number is None or number > tuning.TUNING.few else _holding(number),
    )


def _holding(number: int) -> int:
    """Return the smallest number of rows of a chunk of few, doubled as often as need be, that is not below."""
    rows = tuning.TUNING.few_rows
    while rows < number:
        rows *= 2
    return rows
