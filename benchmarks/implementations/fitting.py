"""`fit` of a model around a quantizer, a step at a call."""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

import keras
import tensorflow as tf

from benchmarks.data import Data
from benchmarks.implementations import Call
from benchmarks.settings import Setting


def fitted(quantizer: keras.layers.Layer, setting: Setting, data: Data) -> Call:
    """Return a call that lets the `fit` of a model go on by a step: a dense layer, the quantizer, a dense layer."""
    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input(data.x.shape[1:]), dense(setting.d), quantizer, dense(setting.d)])
    model.compile(optimizer="adam", loss="mse", jit_compile=setting.jit_compile)
    batches = tf.data.Dataset.from_tensors((data.x, data.x)).repeat()

    def run(pause: Callable[[], None]) -> None:
        pausing = keras.callbacks.LambdaCallback(on_train_batch_end=lambda *_, **__: pause())
        model.fit(batches, shuffle=False, verbose=0, callbacks=[pausing])

    return in_parts(run)


def in_parts(run: Callable[[Callable[[], None]], Any]) -> Call:
    """Return a call that lets a function go on, in a thread of its own, until it pauses next.

    So several that have no end take turns.

    Examples
    --------
    >>> seen = []
    >>> def count(pause):
    ...     for i in range(3):
    ...         seen.append(i)
    ...         pause()
    >>> call = in_parts(count)
    >>> call(), call(), seen
    ([], [], [0, 1])
    """
    turns: SimpleQueue[None] = SimpleQueue()
    ends: SimpleQueue[BaseException | None] = SimpleQueue()

    def pause() -> None:
        ends.put(None)
        turns.get()

    def whole() -> None:
        turns.get()
        try:
            run(pause)
            raise RuntimeError("it has come to its end")
        except BaseException as error:
            ends.put(error)

    def call() -> list[Any]:
        turns.put(None)
        error = ends.get()
        if error is not None:
            raise error
        return []

    Thread(target=whole, daemon=True).start()
    return call
