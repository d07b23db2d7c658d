"""What a call computes only if its losses are asked for.

Keras has no public way to add a loss that is not computed yet. Its hooks, and how it finds the layers of a model and
the one whose call is outermost, are used here and nowhere else.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf


@dataclass(frozen=True)
class _Kept:  # an object that Keras does not track
    graph: Any
    value: Any


class LossesOnDemand(keras.layers.Layer):
    """A layer that puts work off until `losses`, of itself or of a model that it is part of, is read.

    As the losses themselves, what was put off in an earlier outermost call is forgotten when the next one begins.
    """

    _kept: Any = None
    _open_calls = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._put_off: deque[tuple[Any, Callable[[], Any]]] = deque()  # a list would be tracked by Keras

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the layer, as any other of Keras."""
        self._open_calls += 1
        try:
            return super().__call__(*args, **kwargs)
        finally:
            self._open_calls -= 1

    def when_losses_are_read(self, work: Callable[[], Any]) -> None:
        """Put off work, which may add losses, until they are read in the same graph, or eagerly."""
        self._put_off.append((_graph(), work))

    def keep(self, value: Any) -> None:
        """Keep a value for what follows in the same graph, or eagerly, until the next outermost call begins."""
        self._kept = _Kept(_graph(), value)

    @property
    def kept(self) -> Any:
        """What was kept, or None."""
        return self._kept.value if self._kept is not None and self._kept.graph is _graph() else None

    def outermost_layer(self) -> keras.layers.Layer:
        """Return, inside `call`, the layer or the model whose call led to this one."""
        outermost = self._get_call_context().entry_layer
        if not self._open_calls:  # but `call` was run: if that began this context, no one else ends it
            self._maybe_reset_call_context()
        return outermost

    def _get_own_losses(self) -> list[tf.Tensor]:
        while self._put_off:
            graph, work = self._put_off[0]
            if graph is None:
                with nullcontext() if tf.executing_eagerly() else tf.init_scope():
                    work()
            elif graph is _graph():  # the tensors of another graph are of no use in this one
                work()
            self._put_off.popleft()  # not before: what fails is not done
        losses: list[tf.Tensor] = super()._get_own_losses()
        # Eagerly, the tensors of a graph that was traced, as by `fit`, are of no use.
        return [loss for loss in losses if hasattr(loss, "numpy")] if tf.executing_eagerly() else losses

    def _clear_losses(self) -> None:
        self._put_off.clear()
        self._kept = None
        super()._clear_losses()


@contextmanager
def losses_apart(outermost: keras.layers.Layer) -> Iterator[None]:
    """Leave the losses of a model that is being called as they are, whatever happens within.

    Where replicas of one process wait for one another, each runs in a thread of its own, one at a time. Meanwhile
    another may begin to call the same layers, which forget their losses then, and add its own to them.
    """
    layers = flattened(outermost)
    losses = [list(layer._losses) for layer in layers]
    put_off = [(layer, layer._kept, list(layer._put_off)) for layer in layers if isinstance(layer, LossesOnDemand)]
    try:
        yield
    finally:
        for layer, own in zip(layers, losses, strict=True):
            layer._losses[:] = own
        for layer, kept, work in put_off:
            layer._kept = kept
            layer._put_off.clear()
            layer._put_off.extend(work)


def flattened(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """Return a layer or a model and all that are in it, at any depth, each once."""
    layers: list[keras.layers.Layer] = layer._flatten_layers()
    return layers


def _graph() -> Any:
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
