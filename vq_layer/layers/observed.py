"""What the layers of a model find in an eager pass, for who looks on."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import keras
import tensorflow as tf


class Observed(NamedTuple):
    """A pass of a layer.

    Attributes
    ----------
    layer : keras.layers.Layer
    x : tf.Tensor, shape [batch, ..., q]
        Its input.
    result : Result or FiniteScalarResult
        What it found.
    """

    layer: keras.layers.Layer
    x: tf.Tensor
    result: Any


_OBSERVED: ContextVar[list[Observed] | None] = ContextVar("observed", default=None)


@contextmanager
def observing() -> Iterator[list[Observed]]:
    """Return a list of the eager passes that layers make from now on, in order, which grows until the end."""
    passes: list[Observed] = []
    token = _OBSERVED.set(passes)
    try:
        yield passes
    finally:
        _OBSERVED.reset(token)


def is_observed() -> bool:
    """Tell whether anybody looks on."""
    return _OBSERVED.get() is not None


def observe(layer: keras.layers.Layer, x: tf.Tensor, result: Any) -> None:
    """Show a pass of a layer to who looks on, if anybody does."""
    passes = _OBSERVED.get()
    if passes is not None and tf.executing_eagerly():
        passes.append(Observed(layer, x, result))
