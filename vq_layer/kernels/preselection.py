"""Candidates for the most similar embeddings, by a matrix product, and a bound on all others (VQ-15).

Of each group of a few embeddings only the largest score is kept, and again of each group of groups. The k largest of
all scores lie in the k groups of the largest maxima. So a choice among few maxima takes the place of one among all
embeddings, and the scores of all pairs are never held.
"""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from vq_layer.kernels import tuning
from vq_layer.kernels.blocks import Blocks, cut
from vq_layer.kernels.similarity import normalize
from vq_layer.shapes import static_shape

# Sums of squares between which neither the squares of a vector nor its products lose more than a rounding.
_ORDINARY = (2.0**-60, 2.0**100)


class Plan(NamedTuple):
    """How embeddings are searched.

    Attributes
    ----------
    blocks : Blocks
    group : int
        How many embeddings a group has.
    chosen : int
        How many groups are chosen.
    fan : int
        How many groups a group of groups has.
    """

    blocks: Blocks
    group: int
    chosen: int
    fan: int

    @property
    def candidates(self) -> int:
        """The number of embeddings in the chosen groups."""
        return self.group * self.chosen


def plan(n: int, k: int) -> Plan | None:
    """Return how to find candidates for the k most similar of n embeddings; None where that would take most."""
    group, chosen = tuning.TUNING.group, k + tuning.TUNING.spare_groups
    if n <= 2 * group * chosen:
        return None
    # So that the choices among the groups of groups, and among the groups in them, are about as large.
    fan = 1 << (math.isqrt(n // (group * chosen)).bit_length() - 1)
    return Plan(cut(n, tuning.TUNING.score_block, group * fan), group, chosen, fan)


def margin(d: int, dtype: tf.DType) -> float:
    """Bound how much the similarity of an embedding may exceed its score.

    Both differ from the exact similarity by no more than ``gamma(3 d + 20) + 10 d t``, where u is the unit roundoff, t
    the smallest normal number, and ``gamma(k) = k u / (1 - k u)`` (Higham, "Accuracy and Stability of Numerical
    Algorithms", 2002, lemma 3.1). A coordinate of a unit vector has d / 2 + 4 roundings, and a sum of d products, in
    any order, d: the similarity has 2 d + 8. The score has as many, where the embeddings are normalized before, and
    the scale d / 2 for the sum of squares under the root, and 11 for the root, the reciprocal and the product, since a
    compiler may approximate the reciprocal of a root. They are relative to the sum of the magnitudes of the products,
    at most 1 by Cauchy and Schwarz. One more is for the sum that this bound is compared in.

    Per coordinate, up to 10 operations may be flushed to 0, none of which has a factor above 1. The scale of ordinary
    embeddings is at most 2^30, and t times that is small beside the roundings that d / 2 leaves over.
    """
    info = np.finfo(dtype.as_numpy_dtype)
    error = (3 * d + 20) * float(info.eps) / 2
    return 2 * (error / (1 - error) + 10 * d * float(info.smallest_normal))


def maxima(units: tf.Tensor, emb_space: tf.Tensor, plan: Plan) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the largest score of each group, and of each group of groups, -inf where no embedding is finite.

    ``[number, d], [n, d] -> [groups * number], [number, groups of groups]``; the former is flat, group by group.
    """
    blocks, number = plan.blocks, static_shape(units)[0]
    groups = blocks.size // plan.group
    shapes = [groups, number], [groups // plan.fan, number]

    def step(i: tf.Tensor, of_groups: tf.TensorArray, of_fans: tf.TensorArray) -> tuple[tf.Tensor, ...]:
        rows, scale = _scaled(blocks.rows(emb_space, i))
        scores = tf.matmul(rows, units, transpose_b=True) * scale
        counts = tf.expand_dims(blocks.counts(i), -1) & ~tf.math.is_nan(scores)
        scores = tf.where(counts, scores, -math.inf)
        largest = tf.reduce_max(tf.reshape(scores, [groups, plan.group, number]), axis=1)
        of_fan = tf.reduce_max(tf.reshape(largest, [-1, plan.fan, number]), axis=1)
        return of_groups.write(i, largest), of_fans.write(i, of_fan)

    start = [tf.TensorArray(units.dtype, blocks.number, element_shape=shape) for shape in shapes]
    of_groups, of_fans = blocks.fold(step, *start)
    return tf.reshape(of_groups.concat(), [-1]), tf.transpose(of_fans.concat())


def _scaled(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return vectors, ``[size, d]``, and factors, ``[size, 1]``, that bring them to norm 1, NaN if not finite."""
    squares = tf.matmul(tf.square(rows), tf.ones([static_shape(rows)[1], 1], rows.dtype))
    ordinary = tf.reduce_all((squares > _ORDINARY[0]) & (squares < _ORDINARY[1]))
    scaled: tuple[tf.Tensor, tf.Tensor] = tf.cond(
        ordinary, lambda: (rows, 1 / tf.sqrt(squares)), lambda: (normalize(rows), tf.ones_like(squares))
    )
    return scaled


def chosen(of_groups: tf.Tensor, of_fans: tf.Tensor, plan: Plan) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the groups of the largest maxima, ascending, ``[number, groups]``, and a bound on all others.

    ``[groups * number], [number, groups of groups]``, as `maxima` returns them; the bound is ``[number]``.
    """
    number = static_shape(of_fans)[0]
    fans = tf.sort(tf.math.top_k(of_fans, plan.chosen, sorted=False).indices)
    groups = tf.reshape(tf.expand_dims(fans * plan.fan, -1) + tf.range(plan.fan), [number, -1])
    largest = tf.gather(of_groups, groups * number + tf.expand_dims(tf.range(number), -1))
    best, places = tf.math.top_k(largest, plan.chosen)
    return tf.gather(groups, tf.sort(places), batch_dims=1), best[:, -1]
