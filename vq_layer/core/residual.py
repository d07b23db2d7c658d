"""Residual quantization: each stage quantizes what the stages before it left (VQ-28). Pure, given the stages."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

import tensorflow as tf

from vq_layer.core.decoding import decoded_by
from vq_layer.core.quantizer import Quantizer
from vq_layer.core.results import Result
from vq_layer.core.splitting import merge, split, split_mask
from vq_layer.parts.estimators import Estimator
from vq_layer.parts.part import State
from vq_layer.shapes import static_shape


class Stage(Protocol):
    """A pass of a quantizer over what is left."""

    def __call__(self, x: tf.Tensor, *, mask: tf.Tensor | None) -> Result:
        """Quantize x, ``[batch, ..., q]``, of the comparison dtype."""


class ResidualResult:
    """What a pass through all stages gives.

    Parameters
    ----------
    layer_out : tf.Tensor, shape and dtype of x
    stages : list of Result
        That of each stage over what was left for it.
    """

    def __init__(self, layer_out: tf.Tensor, stages: list[Result]) -> None:
        self.layer_out, self.stages = layer_out, stages

    @cached_property
    def emb_index(self) -> tf.Tensor:
        """The index of the embedding of each vector in each stage, ``[batch, m, stages]``, int64; -1 for none."""
        return tf.stack([it.emb_index for it in self.stages], axis=-1)


def quantize_residual(
    x: tf.Tensor,
    stages: Sequence[Stage],
    *,
    dtype: tf.DType,
    num_splits: int,
    estimator: Estimator,
    mask: tf.Tensor | None = None,
    num_stages: tf.Tensor | None = None,
) -> ResidualResult:
    """Replace every vector of x by a sum of embeddings, one of each stage.

    ``[16, 32, 64]`` in 4 splits are 128 vectors of size 16 in each element of the batch; with 8 stages their indices
    are ``[16, 128, 8]``.

    Parameters
    ----------
    x : tf.Tensor, shape [batch, ..., q], floating dtype
    stages : sequence of functions
        Each makes a pass over what the ones before it left.
    dtype : tf.DType
        The comparison dtype.
    num_splits : int
    estimator : Estimator
        How the gradient of the output passes to x: that of the sum, as if it were one row.
    mask : tf.Tensor, bool, or None
        As in `vq_layer.core.quantizer.looked_up`.
    num_stages : tf.Tensor, shape [batch], integers, or None
        Through how many stages each element of the batch goes; None for all.
    """
    wide = tf.cast(x, dtype)
    results: list[Result] = []
    total = None
    for i, stage in enumerate(stages):
        left = wide if total is None else wide - merge(total, x)
        results.append(stage(left, mask=_reaching(i, mask, num_stages)))
        rows = tf.stop_gradient(results[i].chosen)
        total = rows if total is None else added(total, rows, results[i].emb_index)
    return ResidualResult(_output(x, total, num_splits, estimator, mask), results)


def added(total: tf.Tensor, rows: tf.Tensor, emb_index: tf.Tensor) -> tf.Tensor:
    """Add the rows of a stage to the sum of those before, ``[..., d]``, where its index, ``[...]``, is not -1."""
    return tf.where(tf.expand_dims(tf.equal(emb_index, -1), -1), total, total + rows)


def decoded(emb_index: tf.Tensor, stages: Sequence[tuple[State, Quantizer]]) -> tf.Tensor:
    """Return the sums of the embeddings at indices of the first k stages.

    ``[..., num_splits, k] -> [..., num_splits, d]``; -1 gives a row of NaN in the first stage, and nothing in another.
    """
    codes = tf.unstack(emb_index, axis=-1)
    total, *others = [decoded_by(code, *stage) for code, stage in zip(codes, stages, strict=False)]
    for code, rows in zip(codes[1:], others, strict=True):
        total = added(total, rows, code)
    return total


def _reaching(i: int, mask: tf.Tensor | None, num_stages: tf.Tensor | None) -> tf.Tensor | None:
    """Return the mask of stage i: what is masked, and elements of the batch that go through fewer stages."""
    if num_stages is None or i == 0:
        return mask
    reached = num_stages > i
    if mask is None:
        return reached
    return mask & tf.reshape(reached, [-1, *[1] * (len(static_shape(mask)) - 1)])


def _output(x: tf.Tensor, total: Any, num_splits: int, estimator: Estimator, mask: tf.Tensor | None) -> tf.Tensor:
    inputs = split(x, num_splits)
    output = estimator(inputs, total)
    if mask is not None:
        output = tf.where(tf.expand_dims(split_mask(mask, x, num_splits), -1), output, inputs)
    return merge(output, x)
