"""The nearest embedding under L2 by a matrix product, where rounding leaves no doubt (VQ-15).

``||x - e||^2 = ||x||^2 - 2 s`` with the score ``s = <x, e> - ||e||^2 / 2``. In many dimensions a matrix product takes a
fraction of the time of differences, but its errors grow with the norms, not with the distance: by itself it finds the
wrong embedding far from the origin. So many are moved to the mean of the embeddings first, and a vector is decided only
if no other embedding lies within the error of the largest score.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from vq_layer.kernels import largest, tuning
from vq_layer.kernels.blocks import Blocks, cut
from vq_layer.non_finite import finite_rows
from vq_layer.shapes import static_shape

Find = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


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
        The same of few pairs, whose scores are all held at once.
    """

    pays: Callable[[int, int], bool]
    prepare: Callable[[tf.Tensor], tuple[tf.Tensor, ...]]
    decide: Callable[..., tf.Tensor]
    at_once: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


class Others(NamedTuple):
    """Embeddings that vectors are multiplied with, ``[size, d]``, zero where they do not count.

    Attributes
    ----------
    vectors : tf.Tensor, shape [size, d]
    squares : tf.Tensor, shape [size]
        Their squared norms.
    bias : tf.Tensor, shape [size]
        What a score has beside the product; the least number of the dtype where they do not count.
    """

    vectors: tf.Tensor
    squares: tf.Tensor
    bias: tf.Tensor


def _pays(n: int, d: int) -> bool:
    return d >= tuning.TUNING.product_pays and n >= 2 * tuning.TUNING.strip


def prepare(emb_space: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Return the mean of the finite embeddings, ``[d]``, the largest squared norm from there, and their `Others`.

    The last only if they are one block; else block by block, which holds no copy of them all.
    """
    blocks, d = _blocks(emb_space), static_shape(emb_space)[1]

    def add(i: tf.Tensor, total: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, ...]:
        block, usable = _block(blocks, emb_space, i)
        of_block = sums(block, usable)
        return total + of_block[0], count + of_block[1]

    zero = tf.zeros([], emb_space.dtype)
    mean = tf.math.divide_no_nan(*blocks.fold(add, tf.zeros([d], emb_space.dtype), zero))
    if blocks.number == 1:
        others = _filled(moved(*_block(blocks, emb_space, tf.constant(0)), mean))
        return mean, tf.reduce_max(others.squares), *others

    def enlarge(i: tf.Tensor, norm: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return (tf.maximum(norm, tf.reduce_max(moved(*_block(blocks, emb_space, i), mean).squares)),)

    return mean, *blocks.fold(enlarge, zero)


def _blocks(emb_space: tf.Tensor) -> Blocks:
    return cut(static_shape(emb_space)[0], tuning.TUNING.product_block)


def _block(blocks: Blocks, emb_space: tf.Tensor, i: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the embeddings of block i, ``[size, d]``, and which of them are finite and count, ``[size]``."""
    if blocks.number == 1:
        return emb_space, finite_rows(emb_space)
    block = blocks.rows(emb_space, i)
    return block, finite_rows(block) & blocks.counts(i)


def sums(block: tf.Tensor, usable: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the sum of the embeddings that are usable, ``[size, d], [size] -> [d]``, and their number."""
    of_usable = tf.where(tf.expand_dims(usable, -1), block, 0)
    return tf.reduce_sum(of_usable, axis=0), tf.reduce_sum(tf.cast(usable, block.dtype))


def moved(block: tf.Tensor, usable: tf.Tensor, mean: float | tf.Tensor) -> Others:
    """Return embeddings, ``[size, d]``, some of them usable, as they are multiplied with vectors moved likewise."""
    vectors = tf.where(tf.expand_dims(usable, -1), block - mean, 0)
    squares = tf.reduce_sum(tf.square(vectors), axis=1)
    return Others(vectors, squares, tf.where(usable, -squares / 2, block.dtype.min))


def decided(rows: tf.Tensor, emb_space: tf.Tensor, mean: tf.Tensor, norm: tf.Tensor, *others: tf.Tensor) -> tf.Tensor:
    """Return the index of the nearest embedding, -1 where the scores do not decide: ``[number, d] -> [number]``, int32.

    Parameters
    ----------
    rows : tf.Tensor, shape [number, d]
        One that is not finite is not decided.
    emb_space : tf.Tensor, shape [n, d]
    mean, norm, *others : tf.Tensor
        What `prepare` returns.
    """
    blocks, vectors = _blocks(emb_space), rows - mean
    doubt = margin(vectors, norm)
    if others:
        return _nearest_of(vectors, Others(*others), doubt, largest.in_a_grid)[1]

    def over_block(i: tf.Tensor, most: tf.Tensor, second: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, ...]:
        of_block = _filled(moved(*_block(blocks, emb_space, i), mean))
        score, place = _nearest_of(vectors, of_block, doubt, largest.in_a_grid)
        return (
            tf.maximum(most, score),
            tf.maximum(second, tf.minimum(most, score)),
            tf.where(score > most, tf.where(place < 0, -1, place + blocks.start(i)), index),
        )

    none = tf.fill(tf.shape(rows)[:1], rows.dtype.min)
    most, second, index = blocks.fold(over_block, none, none, tf.fill(tf.shape(rows)[:1], -1))
    return tf.where(most - second > doubt, index, -1)


def decided_at_once(rows: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
    """Return the index of the nearest embedding, -1 where the scores do not decide: ``[number, d] -> [number]``, int32.

    Where they are, not moved: few pairs that are far from the origin are soon compared by differences.
    """
    others = moved(emb_space, finite_rows(emb_space), 0)
    return _nearest_of(rows, others, margin(rows, tf.reduce_max(others.squares)), largest.in_a_row)[1]


def _nearest_of(vectors: tf.Tensor, others: Others, doubt: tf.Tensor, find: Find) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the largest score of each vector, and its index, int32, -1 where another is in doubt, within that much."""
    scores = tf.nn.bias_add(tf.matmul(vectors, others.vectors, transpose_b=True), others.bias)
    most, index = find(scores, doubt)
    return most, tf.where((most > vectors.dtype.min) & (doubt < vectors.dtype.max), index, -1)


def _filled(others: Others) -> Others:
    """Return the embeddings with some that do not count behind them, as many as `largest.in_a_grid` needs."""
    more = largest.filling(static_shape(others.vectors)[0])
    if not more:
        return others
    no_bias = tf.fill([more], others.bias.dtype.min)
    none = tf.zeros([more, static_shape(others.vectors)[1]], others.vectors.dtype)
    return Others(*(tf.concat(pair, axis=0) for pair in zip(others, (none, none[:, 0], no_bias), strict=True)))


def others_of(units: tf.Tensor) -> Others:
    """Return unit vectors, of which some may be NaN, as `most_similar` takes them: ``[n, d]``."""
    usable = finite_rows(units)
    squares = tf.cast(usable, units.dtype)
    return _filled(Others(tf.where(tf.expand_dims(usable, -1), units, 0), squares, (1 - squares) * units.dtype.min))


def most_similar(units: tf.Tensor, others: Others) -> tf.Tensor:
    """Return the index of the largest product, -1 where rounding may decide: ``[number, d] -> [number]``, int32.

    Either sum, of the products of unit vectors in whatever order, has d roundings.
    """
    d, info = static_shape(units)[1], np.finfo(units.dtype.as_numpy_dtype)
    doubt = (4 * d + 32) * float(info.eps) / 2 + 6 * d * float(info.smallest_normal)
    margins = tf.fill(tf.shape(units)[:1], tf.constant(doubt, units.dtype))
    return _nearest_of(units, others, margins, largest.in_a_grid)[1]


def margin(vectors: tf.Tensor, norm: tf.Tensor) -> tf.Tensor:
    """Bound how much two scores differ whose order may not be that of computed distances: ``[number, d] -> [number]``.

    With u the unit roundoff, S the sum of the squared norms of a vector and the largest embedding, and A that of the
    norms, whose square is at most 2 S: moving both to the mean changes a squared distance by 2.1 u A² at most. Twice a
    score has d roundings in its square and its product, and two more, in all ``(d + 2) u A²``; a squared distance by
    differences ``(d + 2) u A²`` of its own, so that the same embedding is found by either. Twice the sum is
    ``(4 d + 13) u A²``, half of that for scores, and what is left covers the rounding of S and of the margin itself,
    and terms of second order. Each of some 5 d operations may flush its result to 0, and so may the last, which tells
    whether a score is within the margin.
    """
    d, info = static_shape(vectors)[1], np.finfo(vectors.dtype.as_numpy_dtype)
    of_both = tf.reduce_sum(tf.square(vectors), axis=1) + norm
    return (4 * d + 32) * float(info.eps) / 2 * of_both + 6 * d * float(info.smallest_normal)


L2_PRODUCT = Product(_pays, prepare, decided, decided_at_once)
