"""Replicas in threads, each of which waits for the others: what a strategy of `tf.distribute` does, in less time."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import tensorflow as tf

from vq_layer.core.replicas import Replicas


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Make calls of layers, each in a thread and as a replica of its own, and return what they return."""
    barrier, said, here = threading.Barrier(len(calls), timeout=60), [None] * len(calls), threading.local()

    def run(replica: int) -> Any:
        def total(value: tf.Tensor) -> tf.Tensor:
            said[replica] = value
            barrier.wait()  # until all have said theirs
            value = tf.add_n(list(said))
            barrier.wait()  # until all have heard
            return value

        here.replicas = Replicas(len(calls), tf.constant(replica), total)
        try:
            return calls[replica]()
        except BaseException:
            barrier.abort()
            raise

    with (
        mock.patch("vq_layer.layers.quantizer.replicas_here", side_effect=lambda _: here.replicas),
        ThreadPoolExecutor(len(calls)) as threads,
    ):
        return list(threads.map(run, range(len(calls))))
