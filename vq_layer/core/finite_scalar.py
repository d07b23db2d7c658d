"""Finite scalar quantization: a fixed grid in the place of a codebook (VQ-29)."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tensorflow as tf

from vq_layer.core.decoding import checked_index
from vq_layer.core.splitting import merge, split, split_mask
from vq_layer.dtypes import comparison_dtype
from vq_layer.kernels.lookup import counts
from vq_layer.non_finite import finite_rows, where_known
from vq_layer.parts.estimators import straight_through

LARGEST_COUNTED = 2**20  # with more vectors than this in the grid, no access count is an array

Levels = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class FiniteScalarResult:
    """What a pass gives; the counts are computed once, and only if asked for.

    Attributes
    ----------
    layer_out : tf.Tensor, shape and dtype of x
        Every vector replaced by one of the grid, NaN where it is not finite, or by itself where it is masked.
    emb_index : tf.Tensor, shape [batch, m], int64
        The index of that vector of the grid; -1 for a vector that does not count.
    n : int
        How many vectors the grid has.
    """

    layer_out: tf.Tensor
    emb_index: tf.Tensor
    n: int

    @cached_property
    def counts(self) -> tf.Tensor:
        """How often each vector of the grid was chosen, ``[n]``, int64."""
        return counts(self.emb_index, self.n)

    @cached_property
    def access_count(self) -> tf.Tensor | None:
        """The same as float32; None where the grid is too large for an array."""
        return tf.cast(self.counts, tf.float32) if self.n <= LARGEST_COUNTED else None


def finite_scalar_quantization(
    x: tf.Tensor, levels: Levels, num_splits: int = 1, mask: tf.Tensor | None = None
) -> FiniteScalarResult:
    """Replace every coordinate of x by one of few values: bound it, and round it.

    All is computed in the comparison dtype: half types cannot tell apart the indices of a grid of some size.

    Parameters
    ----------
    x : tf.Tensor, shape [batch, ..., q], floating dtype
    levels : tuple of d int
        How many values each coordinate of a vector can take; ``num_splits * d = q``.
    num_splits : int
    mask : tf.Tensor, bool, or None
        Which vectors count, of the shape of x without its last axis, or of a leading part of that. The others come out
        as they are, with the identity gradient.

    References
    ----------
    Mentzer, Minnen, Agustsson, Tschannen, "Finite Scalar Quantization: VQ-VAE Made Simple", 2023.
    """
    inputs = split(x, num_splits)
    finite = finite_rows(inputs)
    known = tf.expand_dims(finite, -1)
    bound = bounded(tf.where(known, inputs, 0), levels, x.dtype)  # what is not finite passes no gradient
    level = rounded(bound) + _half(levels)
    rows = straight_through(bound / tf.cast(_half(levels), bound.dtype), _rows(level, levels, bound.dtype))
    out, found = tf.cast(where_known(known, rows), x.dtype), finite
    if mask is not None:
        counted = split_mask(mask, x, num_splits)
        out, found = tf.where(tf.expand_dims(counted, -1), out, inputs), finite & counted
    return FiniteScalarResult(merge(out, x), tf.where(found, index_of(level, levels), -1), math.prod(levels))


def bounded(vectors: tf.Tensor, levels: Levels, dtype: tf.DType) -> tf.Tensor:
    """Return ``h tanh(z + s) - o`` of each coordinate, ``[..., d] -> [..., d]``, in the comparison dtype of `dtype`.

    For L levels the half-width h is ``(L - 1) / 2``, the offset o 0 if L is odd and 1/2 if it is even, and the shift s
    ``tan(o / h)``: the listing in the paper's appendix, without its epsilon.
    """
    half_width = (np.array(levels) - 1) / 2
    offset = np.where(np.array(levels) % 2 == 0, 0.5, 0)
    compared = tf.cast(vectors, comparison_dtype(dtype))
    h, o, s = (tf.constant(of, compared.dtype) for of in (half_width, offset, np.tan(offset / half_width)))
    return h * tf.tanh(compared + s) - o


def rounded(bound: tf.Tensor) -> tf.Tensor:
    """Return the nearest integers, and of two the even one, int64."""
    return tf.cast(tf.round(bound), tf.int64)


def index_of(level: tf.Tensor, levels: Levels) -> tf.Tensor:
    """Return the indices of levels, ``[..., d] -> [...]``, int64: of mixed radix, the first digit the lowest."""
    return tf.reduce_sum(level * _basis(levels), axis=-1)


def level_of(emb_index: tf.Tensor, levels: Levels) -> tf.Tensor:
    """Undo `index_of`, ``[...] -> [..., d]``."""
    return tf.expand_dims(emb_index, -1) // _basis(levels) % tf.constant(levels, tf.int64)


def decoded(emb_index: tf.Tensor, levels: Levels, dtype: tf.DType) -> tf.Tensor:
    """Return the vectors of the grid at the given indices, ``[...] -> [..., d]``; index -1 gives a row of NaN.

    Parameters
    ----------
    emb_index : tf.Tensor, shape [...], any integer dtype
    levels : tuple of d int
    dtype : tf.DType
        That of the inputs, and of what is returned.

    Raises
    ------
    tf.errors.InvalidArgumentError
        When it runs, for any other index outside [0, n). XLA raises nothing: such a row is NaN then.
    """
    index = checked_index(emb_index, math.prod(levels))
    rows = _rows(level_of(index, levels), levels, comparison_dtype(dtype))  # of -1, the last
    return tf.cast(where_known(tf.expand_dims(tf.not_equal(index, -1), -1), rows), dtype)


def _rows(level: tf.Tensor, levels: Levels, dtype: tf.DType) -> tf.Tensor:
    """Return the values of levels, ``[..., d] -> [..., d]``."""
    # Quotients from a table: compilers multiply by the reciprocal instead of dividing, which rounds otherwise.
    table = np.concatenate([(np.arange(number) - number // 2) / (number // 2) for number in levels])
    starts = np.cumsum([0, *levels[:-1]])
    return tf.gather(tf.constant(table, dtype), level + tf.constant(starts, tf.int64))


def _half(levels: Levels) -> tf.Tensor:
    return tf.constant(np.array(levels) // 2, tf.int64)


def _basis(levels: Levels) -> tf.Tensor:
    return tf.constant([math.prod(levels[:place]) for place in range(len(levels))], tf.int64)
