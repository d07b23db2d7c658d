"""Work on chunks of rows of few sizes, so that XLA compiles few programs and the memory does not grow."""

import math
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import tensorflow as tf

from vq_layer.kernels.compilation import SMALL

Kernel = Callable[..., Any]
Sizes = tuple[int, int]
COMPILED: Sizes = (2048, 128)  # the rows of a chunk, and those of a chunk of what is left
_AT_ONCE = os.cpu_count() or 1


def flat(vectors: tf.Tensor) -> tf.Tensor:
    """Return vectors as rows, ``[..., d] -> [number, d]``, the number static where it can be."""
    number = vectors.shape[:-1].num_elements()
    return tf.reshape(
        vectors, [tf.reduce_prod(tf.shape(vectors)[:-1]) if number is None else number, vectors.shape[-1]]
    )


def plain_sizes(pair: int) -> Sizes:
    """Return the sizes with which a chunk of rows, each of so many coordinates of pairs, is still small."""
    rows = max(SMALL // pair, 1)
    return rows, max(rows // 16, 1)


def concatenated(kernel: Kernel, rows: tf.Tensor, sizes: Sizes, *of_row: tf.TensorSpec) -> list[tf.Tensor]:
    """Return what the kernel gives for each row, ``[chunk, d] -> list of [chunk, ...]``, for all: ``[number, ...]``.

    `of_row` says what it gives for one row.
    """
    parts = []
    for count, size, chunk in _parts(rows, sizes):
        # One element more than there are chunks, since XLA refuses a loop over none.
        start = [tf.TensorArray(spec.dtype, count + 1, element_shape=[size, *spec.shape]) for spec in of_row]
        arrays = _each(count, lambda i, chunk, so_far: _written(so_far, i, kernel(chunk)), chunk, start)
        stacked = [tf.reshape(array.stack(), [(count + 1) * size, *array.element_shape[1:]]) for array in arrays]
        parts.append([rows_of_chunks[: count * size] for rows_of_chunks in stacked])
    return [tf.concat(of_both, axis=0)[: tf.shape(rows)[0]] for of_both in zip(*parts, strict=True)]


def _written(arrays: Iterable[tf.TensorArray], i: tf.Tensor, values: Iterable[tf.Tensor]) -> list[tf.TensorArray]:
    return [array.write(i, value) for array, value in zip(arrays, values, strict=True)]


def summed(kernel: Kernel, rows: tf.Tensor, sizes: Sizes, start: list[tf.Tensor]) -> list[tf.Tensor]:
    """Return the sums of what the kernel gives for each chunk: ``[chunk, d] -> list``, the shapes of `start`.

    Rows of NaN fill up the last chunk; they are to add nothing.
    """

    def add(_: tf.Tensor, chunk: tf.Tensor, so_far: list[tf.Tensor]) -> list[tf.Tensor]:
        return [total + term for total, term in zip(so_far, kernel(chunk), strict=True)]

    for count, _, chunk in _parts(rows, sizes):
        start = _each(count, add, chunk, start)
    return start


def _each(count: tf.Tensor, take_in: Kernel, chunk: Kernel, start: list[Any]) -> list[Any]:
    """Take in one chunk after the other; several are computed at once."""
    step = lambda i, *so_far: [i + 1, *take_in(i, chunk(i), so_far)]  # noqa: E731
    return list(tf.while_loop(lambda i, *_: i < count, step, [0, *start], parallel_iterations=_AT_ONCE)[1:])


def _parts(rows: tf.Tensor, sizes: Sizes) -> Iterator[tuple[tf.Tensor, int, Kernel]]:
    """Cut rows, ``[number, d]``, into chunks of the one size, and the rest, filled up with NaN, into the other.

    Gives for both the number of chunks, their size, and the function of a chunk's number that returns it.
    """
    number, d = tf.shape(rows)[0], rows.shape[1]
    filled = tf.pad(rows, [[0, sizes[0]], [0, 0]], constant_values=math.nan)
    begin: Any = 0
    for size, count in zip(sizes, (number // sizes[0], -(-(number % sizes[0]) // sizes[1])), strict=True):
        yield count, size, lambda i, begin=begin, size=size: tf.slice(filled, [begin + i * size, 0], [size, d])
        begin += count * size
