"""Principal component analysis for a lookup in fewer dimensions (VQ-8)."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from vq_layer.assertions import required
from vq_layer.kernels.arithmetic import unfused
from vq_layer.non_finite import finite_rows, where_known
from vq_layer.shapes import static_shape


class Projection(NamedTuple):
    """A mean, ``[d]``, and principal axes, ``[d, components]``, float64; null axes are zero."""

    mean: tf.Tensor
    axes: tf.Tensor

    def apply(self, vectors: tf.Tensor) -> tf.Tensor:
        """Project vectors: ``[..., d] -> [..., components]``, computed in float64, dtype kept; NaN where not finite.

        One reduction for each component in place of a matrix product: that may round a row by its position, and then
        an input that equals an embedding would not be at distance 0 from it.
        """
        centred = tf.cast(vectors, tf.float64) - self.mean
        components = [tf.reduce_sum(unfused(centred * axis), axis=-1) for axis in tf.unstack(self.axes, axis=-1)]
        projected = tf.cast(tf.stack(components, axis=-1), vectors.dtype)
        return where_known(tf.expand_dims(finite_rows(vectors), -1), projected)  # which `unfused` would make finite


def projection(vectors: tf.Tensor, emb_space: tf.Tensor, dim_reduction: str, num_components: int) -> Projection:
    """Return the projection that both vectors and embeddings go through, a constant under differentiation.

    Fitted on the finite rows of ``emb_space`` for "pca-emb-space", on those followed by the finite vectors for
    "pca-batch".

    Parameters
    ----------
    vectors : tf.Tensor, shape [batch, m, d]
    emb_space : tf.Tensor, shape [n, d], the comparison dtype
    dim_reduction : {"pca-batch", "pca-emb-space"}
    num_components : int
        Static, at most d.

    Raises
    ------
    tf.errors.InvalidArgumentError
        When it runs, with more components than ``min(d, fitted rows - 1)``.
    """
    rows = emb_space
    if dim_reduction == "pca-batch":
        rows = tf.concat([emb_space, tf.reshape(vectors, [-1, static_shape(emb_space)[-1]])], axis=0)
    return Projection(*map(tf.stop_gradient, fit(tf.boolean_mask(rows, finite_rows(rows)), int(num_components))))


def fit(rows: tf.Tensor, num_components: int) -> Projection:
    """Fit the top principal axes of the rows, ``[number, d]``, all of them finite.

    The right singular vectors of the centred rows, in float64. A QR decomposition first: its triangle has the same
    ones, and is small. An axis whose singular value is below ``max(number, d) * u * largest``, with u the unit roundoff
    of the dtype of the rows, is null.
    """
    number, d = tf.shape(rows)[0], static_shape(rows)[-1]
    rule = "`PCA.components`, or `num_dim_reduction_components`, must be less than the number of finite rows to fit"
    with required(number > num_components, f"{rule}. Received: {num_components}, and so many rows:", number):
        exact = tf.cast(rows, tf.float64)
    mean = tf.reduce_mean(exact, axis=0)
    centred = exact - mean
    centred -= tf.reduce_mean(centred, axis=0)  # the rounding of a mean far from 0 would count as an axis
    scaled = tf.math.divide_no_nan(centred, tf.reduce_max(tf.abs(centred)))  # the decomposition squares its entries
    singular, _, axes = tf.linalg.svd(tf.linalg.qr(scaled).r)
    singular, axes = singular[:num_components], axes[:, :num_components]
    unit_roundoff = float(np.finfo(rows.dtype.as_numpy_dtype).eps) / 2
    null = singular < tf.cast(tf.maximum(number, d), tf.float64) * unit_roundoff * singular[0]
    kept = tf.where(null | tf.equal(singular, 0), tf.zeros_like(axes), axes)
    return Projection(mean, tf.ensure_shape(kept, [d, num_components]))
