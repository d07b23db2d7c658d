"""Work on chunks of rows of few sizes, so that XLA compiles few programs and the memory does not grow."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from vq_layer.kernels import tuning
from vq_layer.kernels.branches import rarely
from vq_layer.kernels.compilation import compiled
from vq_layer.shapes import static_shape

Kernel = Callable[..., Any]
Sizes = tuple[int, ...]  # the numbers of rows that chunks have, descending


def plain_sizes(pair: int) -> Sizes:
    """Return the size of chunks that are small, of rows that are each compared in so many coordinates."""
    return (max(tuning.TUNING.plain_chunk // pair, 1),)


def compiled_sizes(pair: int, few: int | None = None) -> Sizes:
    """Return the size of chunks for XLA; where the rows are known to be few, at most what holds all (`Route.few`)."""
    tuned = tuning.TUNING
    rows = min(max(1 << (tuned.compiled_chunk // pair).bit_length() >> 1, tuned.fewest_rows), tuned.most_rows)
    return (rows if few is None else min(rows, few),)


def fused_sizes(n: int, d: int) -> Sizes:
    """Return the sizes of chunks that hold their rows, ``[size, d]``, and all distances of these, ``[size, n]``."""
    largest = max(tuning.TUNING.fused_pairs // max(n, d), 1)
    sizes = (largest // tuning.TUNING.fused_step**i for i in range(3))
    return tuple(1 << (size.bit_length() - 1) for size in sizes if size)


def by_formula(way: str, kernel: Kernel, n: int, d: int) -> tuple[Kernel, Sizes]:
    """Return a kernel of the plain formula as it runs, "plain" or "fused", and the sizes of its chunks."""
    return (compiled(kernel), fused_sizes(n, d)) if way == "fused" else (kernel, plain_sizes(n * d))


def concatenated(kernel: Kernel, of_rows: Sequence[tf.Tensor], sizes: Sizes, *of_row: tf.TensorSpec) -> list[tf.Tensor]:
    """Return what the kernel gives for each row, ``[chunk, ...], ... -> list of [chunk, ...]``, for all.

    `of_rows` are the rows and what else belongs to each, ``[number, ...]``; `of_row` says what is given for one row.
    """
    parts = []
    for count, size, chunk in _parts(of_rows, sizes):
        # One element more than there are chunks, since XLA refuses a loop over none.
        shapes = [(size, *static_shape(spec)) for spec in of_row]
        start = [
            tf.TensorArray(spec.dtype, count + 1, element_shape=shape)
            for spec, shape in zip(of_row, shapes, strict=True)
        ]
        arrays = _each(count, lambda i, chunk, so_far: _written(so_far, i, kernel(*chunk)), chunk, start)
        stacked = [
            tf.reshape(array.stack(), [(count + 1) * size, *axes])
            for array, (_, *axes) in zip(arrays, shapes, strict=True)
        ]
        parts.append([rows_of_chunks[: count * size] for rows_of_chunks in stacked])
    return [tf.concat(of_both, axis=0)[: tf.shape(of_rows[0])[0]] for of_both in zip(*parts, strict=True)]


def _written(arrays: Iterable[tf.TensorArray], i: tf.Tensor, values: Iterable[tf.Tensor]) -> list[tf.TensorArray]:
    return [array.write(i, value) for array, value in zip(arrays, values, strict=True)]


def summed(kernel: Kernel, of_rows: Sequence[tf.Tensor], sizes: Sizes, start: list[tf.Tensor]) -> list[tf.Tensor]:
    """Return the sums of what the kernel gives for each chunk: ``[chunk, ...], ... -> list``, the shapes of `start`.

    `of_rows` are the rows and what else belongs to each, ``[number, ...]``. Zeros fill up the last chunk, the weights
    of its rows among them; they are to add nothing.
    """

    def add(_: tf.Tensor, chunk: list[tf.Tensor], so_far: list[tf.Tensor]) -> list[tf.Tensor]:
        return [total + term for total, term in zip(so_far, kernel(*chunk), strict=True)]

    for count, _, chunk in _parts(of_rows, sizes):
        start = _each(count, add, chunk, start)
    return start


def settled(
    results: Iterable[tf.Tensor], undecided: tf.Tensor, rows: tf.Tensor, settle: Kernel, size: int | None
) -> list[tf.Tensor]:
    """Return the results, each ``[number, ...]``, with what `settle` gives for the undecided rows, so many at a time.

    ``[size, d] -> list of [size, ...]``; all of them at once, however many, where the size is None.
    """
    results = list(results)

    def with_the_rest() -> list[tf.Tensor]:
        order = tf.cast(tf.where(undecided)[:, 0], tf.int32)  # their numbers
        if size is None:
            return with_some(order, results)
        count = tf.shape(order)[0]

        def step(i: tf.Tensor, *so_far: tf.Tensor) -> list[tf.Tensor]:
            some = tf.gather(order, tf.minimum(i + tf.range(size), count - 1))  # the last fills up, and is found anew
            return [i + size, *with_some(some, so_far)]

        return list(tf.while_loop(lambda i, *_: i < count, step, [0, *results])[1:])

    def with_some(some: tf.Tensor, so_far: Iterable[tf.Tensor]) -> list[tf.Tensor]:
        found = zip(so_far, settle(tf.gather(rows, some)), strict=True)
        return [tf.tensor_scatter_nd_update(old, some[:, None], new) for old, new in found]

    return list(rarely(tf.reduce_any(undecided), with_the_rest, lambda: list(map(tf.identity, results))))


def _each(count: tf.Tensor, take_in: Kernel, chunk: Kernel, start: list[Any]) -> list[Any]:
    """Take in one chunk after the other; several are computed at once."""
    step = lambda i, *so_far: [i + 1, *take_in(i, chunk(i), so_far)]  # noqa: E731
    return list(
        tf.while_loop(lambda i, *_: i < count, step, [0, *start], parallel_iterations=tuning.TUNING.chunks_at_once)[1:]
    )


def _parts(of_rows: Sequence[tf.Tensor], sizes: Sizes) -> Iterator[tuple[tf.Tensor, int, Kernel]]:
    """Cut each of ``[number, ...]`` into as many chunks of each size as fit; zeros fill up the last of all.

    Gives for each size the number of chunks, the size, and the function of a chunk's number that returns it.
    """
    left, begin = tf.shape(of_rows[0])[0], tf.constant(0)
    for size in sizes:
        count = -(-left // size) if size == sizes[-1] else left // size
        yield count, size, lambda i, begin=begin, size=size: [_chunk(rows, begin + i * size, size) for rows in of_rows]
        begin, left = begin + count * size, left - count * size


def _chunk(rows: tf.Tensor, begin: tf.Tensor, size: int) -> tf.Tensor:
    there = rows[begin : begin + size]
    axes = static_shape(rows)[1:]
    filled = tf.pad(there, [[0, size - tf.shape(there)[0]], *([0, 0] for _ in axes)])
    return tf.ensure_shape(filled, [size, *axes])
