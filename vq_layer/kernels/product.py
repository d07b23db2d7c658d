"""The nearest embedding under L2 by a matrix product, where rounding leaves no doubt (VQ-15).

``||x - e||^2 = ||x||^2 + s`` with the score ``s = ||e||^2 - 2 <x, e>``. In many dimensions a matrix product takes a
fraction of the time of differences, but its errors grow with the norms, not with the distance: by itself it finds the
wrong embedding far from the origin. So both are moved to the mean of the embeddings first, and a vector is decided only
if no other embedding lies within the error of the least score.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from vq_layer.kernels import tuning
from vq_layer.kernels.blocks import Blocks, cut
from vq_layer.non_finite import finite_rows
from vq_layer.shapes import static_shape


class Product(NamedTuple):
    """How a matrix product finds the nearest embedding.

    Attributes
    ----------
    pays : callable, ``n, d -> bool``
        Whether that is faster than differences.
    prepare : callable, ``[n, d] -> ...``
        What it computes of the embeddings alone.
    decide : callable, ``[number, d], [n, d], ... -> [number]``
        The index of the nearest embedding, int32; -1 where rounding leaves a doubt.
    at_once : callable, ``[number, d], [n, d] -> [number]``
        The same of few pairs, whose scores are all held at once, int64.
    """

    pays: Callable[[int, int], bool]
    prepare: Callable[[tf.Tensor], tuple[tf.Tensor, ...]]
    decide: Callable[..., tf.Tensor]
    at_once: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def _pays(n: int, d: int) -> bool:
    return d >= tuning.TUNING.product_pays and n >= 2 * tuning.TUNING.strip


def centre(emb_space: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the mean of the finite embeddings, ``[d]``, and the largest norm of these from there.

    Block by block, since XLA copies what it reduces.
    """
    n, d = static_shape(emb_space)
    blocks = cut(n, tuning.TUNING.product_block)

    def add(i: tf.Tensor, total: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, ...]:
        block, usable = _block(blocks, emb_space, i)
        terms = tf.where(usable, block, 0), tf.cast(usable, emb_space.dtype)
        return total + tf.reduce_sum(terms[0], axis=0), count + tf.reduce_sum(terms[1])

    def enlarge(i: tf.Tensor, largest: tf.Tensor) -> tuple[tf.Tensor, ...]:
        block, usable = _block(blocks, emb_space, i)
        squares = tf.reduce_sum(tf.square(tf.where(usable, block - mean, 0)), axis=1)
        return (tf.maximum(largest, tf.reduce_max(squares)),)

    zero = tf.zeros([], emb_space.dtype)
    total, count = blocks.fold(add, tf.zeros([d], emb_space.dtype), zero)
    mean = tf.math.divide_no_nan(total, count)
    (largest,) = blocks.fold(enlarge, zero)
    return mean, tf.sqrt(largest)


def _block(blocks: Blocks, emb_space: tf.Tensor, i: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the embeddings of block i, ``[size, d]``, and which of them are finite and count, ``[size, 1]``."""
    block = blocks.rows(emb_space, i)
    return block, tf.expand_dims(finite_rows(block) & blocks.counts(i), -1)


def decided(rows: tf.Tensor, emb_space: tf.Tensor, mean: tf.Tensor, largest: tf.Tensor) -> tf.Tensor:
    """Return the index of the nearest embedding, -1 where the scores do not decide: ``[number, d] -> [number]``, int32.

    Parameters
    ----------
    rows : tf.Tensor, shape [number, d]
        One that is not finite is not decided.
    emb_space : tf.Tensor, shape [n, d]
        At least two strips of embeddings.
    mean, largest : tf.Tensor
        What `centre` returns.
    """
    (number, d), strip = static_shape(rows), tuning.TUNING.strip
    blocks, moved = cut(static_shape(emb_space)[0], tuning.TUNING.product_block, strip), rows - mean

    def over_block(i: tf.Tensor, *best: tf.Tensor) -> tuple[tf.Tensor, ...]:
        block, usable = _block(blocks, emb_space, i)
        block = tf.where(usable, block - mean, 0)
        squares = tf.where(usable[:, 0], tf.reduce_sum(tf.square(block), axis=1), math.inf)
        # Rows last, so that XLA takes many of them at once.
        products = tf.reshape(tf.matmul(block, moved, transpose_b=True), [-1, strip, number])
        of_steps = tf.reshape(squares, [-1, strip, 1])

        def step(j: tf.Tensor, *best: tf.Tensor) -> tuple[tf.Tensor, ...]:
            for offset, score in enumerate(tf.unstack(of_steps[j] - 2 * products[j])):
                best = _better(best, score, blocks.start(i) + j * strip + offset)
            return j + 1, *best

        return tuple(tf.while_loop(lambda j, *_: j < static_shape(products)[0], step, [0, *best])[1:])

    none = tf.fill([number], tf.constant(math.inf, rows.dtype))
    least, second, index = blocks.fold(over_block, none, none, tf.fill([number], -1))
    margin = _margin(d, rows.dtype, tf.norm(moved, axis=1) + largest)
    return tf.where(second > least + margin, index, -1)


def decided_at_once(rows: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
    """Return the index of the nearest embedding, -1 where the scores do not decide: ``[number, d] -> [number]``, int64.

    Arguments as of `decided`; any number of embeddings.
    """
    usable, largest = finite_rows(emb_space), rows.dtype.max
    of_usable = tf.expand_dims(usable, -1)
    total = tf.reduce_sum(tf.where(of_usable, emb_space, 0), axis=0)
    mean = tf.math.divide_no_nan(total, tf.reduce_sum(tf.cast(usable, rows.dtype)))
    moved, others = rows - mean, tf.where(of_usable, emb_space - mean, 0)
    squares = tf.reduce_sum(tf.square(others), axis=1)
    scores = tf.where(usable, squares, largest) - 2 * tf.matmul(moved, others, transpose_b=True)
    size = tf.norm(moved, axis=1, keepdims=True) + tf.sqrt(tf.reduce_max(squares))
    least = tf.reduce_min(scores, axis=1, keepdims=True)
    # 1 where scores <= the limit, else 0; to compare numbers takes TensorFlow three times as long.
    near = 1 - tf.nn.relu(tf.sign(scores - (least + _margin(static_shape(rows)[1], rows.dtype, size))))
    # How many are near, and the sum of their indices: by one more product, exact up to 2^24, faster than an argmin.
    of_each = tf.stack([tf.ones_like(squares), tf.range(static_shape(emb_space)[0], dtype=rows.dtype)], axis=1)
    count, index = tf.unstack(tf.matmul(near, of_each), axis=1)
    return tf.cast(tf.where(tf.equal(count, 1) & (least[:, 0] < largest), index, -1), tf.int64)


def _better(best: tuple[tf.Tensor, ...], score: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Return the least and the second least score, and the index of the least, with one score more."""
    least, second, nearest = best
    return (
        tf.minimum(least, score),
        tf.minimum(second, tf.maximum(least, score)),
        tf.where(score < least, index, nearest),
    )


def _margin(d: int, dtype: tf.DType, size: tf.Tensor) -> tf.Tensor:
    """Bound the difference of two scores whose order may not be that of computed distances.

    With u the unit roundoff, A the sum of both norms (`size`), and distances at most A: moving both to the mean changes
    a squared distance by 2.1 u A² at most. A score has d roundings in its square and its product, and two more, in all
    ``(d + 2) u A²``; a squared distance by differences ``(d + 2) u A²`` of its own, so that the same embedding is
    found by either. Twice the sum is ``(4 d + 13) u A²``, and what is left covers the rounding of A² and of the
    margin itself, and terms of second order. Each of some 5 d operations may flush its result to 0.
    """
    info = np.finfo(dtype.as_numpy_dtype)
    return (4 * d + 32) * float(info.eps) / 2 * tf.square(size) + 10 * d * float(info.smallest_normal)


L2_PRODUCT = Product(_pays, centre, decided, decided_at_once)
