"""The index of the nearest embedding by few large programs, as a GPU wants them (VQ-2, VQ-13, VQ-15)."""

import functools

import tensorflow as tf

from vq_layer.kernels import chunks
from vq_layer.kernels.arithmetic import leading_bits
from vq_layer.kernels.compilation import Function, compiled
from vq_layer.kernels.distances import pairwise_distance
from vq_layer.kernels.lookup import nearest
from vq_layer.kernels.norms import norm_of
from vq_layer.kernels.product import margin, moved, sums
from vq_layer.non_finite import finite_rows
from vq_layer.shapes import static_shape

_INDEX = tf.TensorSpec([], tf.int64)
_MARGINS = 3  # see `decided`


def nearest_index(rows: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    """Return the index of the nearest embedding: ``[number, d], [n, d] -> [number]``, int64.

    By the plain formula, which XLA fuses with its sum, or, where that pays, by a matrix product, and by the formula
    what rounding leaves in doubt.
    """
    n, d = static_shape(emb_space)
    sizes, product = chunks.fused_sizes(n, d), norm_of(lookup_ord).product
    differences = compiled(functools.partial(_by_differences, lookup_ord=lookup_ord))
    if product is None or not product.pays(n, d):
        return _of_all(differences, rows, emb_space, sizes)
    index = _of_all(compiled(decided), rows, emb_space, sizes)
    settle = lambda some: [differences(some, emb_space)]  # noqa: E731
    return chunks.settled([index], (index < 0) & finite_rows(rows), rows, settle, sizes[-1])[0]


def _of_all(kernel: Function, rows: tf.Tensor, emb_space: tf.Tensor, sizes: chunks.Sizes) -> tf.Tensor:
    return chunks.concatenated(lambda chunk: [kernel(chunk, emb_space)], [rows], sizes, _INDEX)[0]


def _by_differences(rows: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> tf.Tensor:
    return nearest(pairwise_distance(rows, emb_space, lookup_ord))


def decided(rows: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
    """Return the index of the nearest embedding under L2, -1 where the scores of `product` do not decide.

    A GPU may round what it multiplies to TensorFloat-32, of 11 bits, and cut the sums off. So both factors are split
    in two, and all products but that of the lesser parts are added in one matrix product. With u, A and S as in
    `margin`: 3 d sums that lose 2 u each, of products of at most A²/4 in sum, and the squares lose 3.3 d u A² at most,
    what is lost of the lesser parts, ``3 * 2^-20`` of a product, 24 u A², and two more operations 2 u A². With the
    distances by differences, ``(d + 2) u A²``, and the move to the mean, 2.1 u A², twice the sum is ``(8.6 d + 61) u
    A²``; of scores, which are half, ``(8.6 d + 61) u S``, less than three margins.

    Parameters
    ----------
    rows : tf.Tensor, shape [number, d]
        One that is not finite is not decided.
    emb_space : tf.Tensor, shape [n, d]

    Returns
    -------
    tf.Tensor, shape [number], int64
    """
    usable = finite_rows(emb_space)
    mean = tf.math.divide_no_nan(*sums(emb_space, usable))
    vectors, others = rows - mean, moved(emb_space, usable, mean)
    scores = _products(vectors, others.vectors) + others.bias
    most = tf.reduce_max(scores, axis=1)
    near = scores >= tf.expand_dims(most - _MARGINS * margin(vectors, tf.reduce_max(others.squares)), -1)
    alone = tf.equal(tf.math.count_nonzero(near, axis=1), 1) & (most > rows.dtype.min)
    return tf.where(alone, tf.argmax(near, axis=1), -1)


def _products(rows: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """Return the products of all pairs, ``[number, d], [n, d] -> [number, n]``."""
    if rows.dtype != tf.float32:
        return tf.matmul(rows, others, transpose_b=True)
    leading, of_others = leading_bits(rows), leading_bits(others)
    factors = [leading, leading, rows - leading], [of_others, others - of_others, of_others]
    return tf.matmul(*(tf.concat(parts, axis=1) for parts in factors), transpose_b=True)
