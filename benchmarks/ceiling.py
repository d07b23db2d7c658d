"""What the machine reaches at best on the same arithmetic: a plain vectorised loop, and a product of matrices."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

SIZE = 16_384  # coordinates of one thread: 64 KiB and as much for the sums, in the second cache
UNROLLED, GROUP = 64, 4  # numbers subtracted in a step; so many differences are joined before they join the sum
STEPS = 32
MATRIX = 2048


class Ceiling(NamedTuple):
    """A call and the number of arithmetic operations in it."""

    call: Callable[[], Any]
    operations: int


def loop(lookup_ord: float) -> Ceiling:
    """Return a loop that subtracts numbers from vectors in the cache, and joins the magnitudes or squares.

    It does what a distance must do for each coordinate, and nothing else: no search for the least, no loads from
    farther away. Compiled by XLA; one thread for each core.
    """
    size = tf.square if lookup_ord == 2 else tf.abs
    join = tf.maximum if np.isinf(lookup_ord) else tf.add
    threads = len(os.sched_getaffinity(0))
    pool = ThreadPoolExecutor(threads)
    coordinates, subtracted = tf.random.normal([SIZE]), tf.random.normal([STEPS, UNROLLED])

    @tf.function(jit_compile=True)
    def accumulate(coordinates: tf.Tensor, subtracted: tf.Tensor) -> tf.Tensor:
        def step(position: tf.Tensor, joined: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            for start in range(0, UNROLLED, GROUP):
                sizes = [size(coordinates - subtracted[position, start + i]) for i in range(GROUP)]
                joined = join(joined, join(join(sizes[0], sizes[1]), join(sizes[2], sizes[3])))
            return position + 1, joined

        return tf.while_loop(lambda position, _: position < STEPS, step, (0, tf.zeros_like(coordinates)))[1]

    def call() -> None:
        list(pool.map(lambda _: accumulate(coordinates, subtracted).numpy(), range(threads)))

    return Ceiling(call, 3 * threads * SIZE * STEPS * UNROLLED)


def product(_lookup_ord: float) -> Ceiling:
    """Return TensorFlow's product of two square matrices."""
    matrix = tf.random.normal([MATRIX, MATRIX])
    return Ceiling(lambda: tf.matmul(matrix, matrix).numpy(), 2 * MATRIX**3)


CEILINGS = {"loop": loop, "product": product}
