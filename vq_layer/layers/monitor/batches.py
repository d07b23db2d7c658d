"""The data that a monitor passes through a model, batch by batch."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

BATCH = 32  # elements at once, of arrays


def check(data: Any) -> None:
    """Require a dataset, or arrays of the same length as `fit` takes them for x."""
    if isinstance(data, tf.data.Dataset):
        return
    shapes = [np.shape(array) for array in tf.nest.flatten(data)]
    lengths = {shape[0] if shape else 0 for shape in shapes}
    if len(lengths) != 1 or not min(lengths):
        raise ValueError(
            f"`data` must be a `tf.data.Dataset` of batches or, as `fit` takes it, an array, or a list, tuple or dict "
            f"of arrays of the same length, of at least 1. Received: {type(data).__name__} of shapes {shapes}"
        )


def batches_of(data: Any) -> Iterator[Any]:
    """Give the inputs of a model, batch by batch; of the tuples of a dataset, the first."""
    if isinstance(data, tf.data.Dataset):
        for batch in data:
            yield batch[0] if isinstance(batch, tuple) else batch
    else:
        for start in range(0, len(tf.nest.flatten(data)[0]), BATCH):
            yield tf.nest.map_structure(lambda array: array[start : start + BATCH], data)  # noqa: B023 - used at once


class Kept:
    """Batches that are read when they are first asked for, and kept."""

    def __init__(self, batches: Iterator[Any]) -> None:
        self._batches = batches
        self._read: list[Any] = []

    def __iter__(self) -> Iterator[Any]:
        yield from self._read
        for batch in self._batches:
            self._read.append(batch)
            yield batch
