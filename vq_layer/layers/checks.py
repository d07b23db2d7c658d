"""Checks of what a layer is called with, before anything changes (VQ-16)."""

import numbers
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from vq_layer import validation
from vq_layer.shapes import static_shape

INTEGERS = (tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint16, tf.uint32, tf.uint64)


def check_layer_input(x: Any, q: int | None) -> None:
    """Require a dense tensor of a floating dtype, and a shape ``[batch, ..., q]``, any q where it is None."""
    check_dense("x", x)
    validation.check_floating(x)
    shape = tf.TensorShape(x.shape)
    check_layer_shape(shape)
    if q is not None and static_shape(x)[-1] != q:
        raise ValueError(f"the last axis of `x` must be {q}, as the layer was built for. Received: x.shape={shape}")


def check_layer_shape(x_shape: tf.TensorShape) -> None:
    """Require a known rank of at least 2, and a static last axis."""
    if x_shape.rank is None or x_shape.rank < 2:
        raise ValueError(
            f"`x` must have the shape [batch, ..., q], of a known rank of at least 2. Received: x.shape={x_shape}"
        )
    validation.check_last_axis(x_shape)


def check_policy(policy: keras.DTypePolicy) -> None:
    """Require a policy that computes in a floating dtype."""
    if tf.as_dtype(policy.compute_dtype) not in validation.FLOATING:
        raise ValueError(f"`dtype` must be floating, or a policy that computes so. Received: dtype={policy.name!r}")


def checked_mask(mask: Any, x: Any) -> Any:
    """Return a mask as a tensor, after requiring bool and the leading axes of x."""
    check_dense("mask", mask)
    mask = mask if isinstance(mask, tf.Tensor | keras.KerasTensor) else tf.convert_to_tensor(mask)
    validation.check_mask(mask, x)
    return mask


def check_codes(emb_index: tf.Tensor, num_splits: int) -> None:
    """Require an integer dtype and, where it is known, a last axis of num_splits."""
    _check_integers(emb_index)
    shape = tf.TensorShape(emb_index.shape)
    if shape.rank is not None and (shape.as_list() or (0,))[-1] not in (num_splits, None):
        raise ValueError(f"the last axis of `emb_index` must be num_splits={num_splits}. Received: shape {shape}")


def checked_batches(data: Any) -> Callable[[], Iterator[Any]]:
    """Return a function that gives the batches of data, once more each time; an array is one batch."""
    if hasattr(data, "__array__") or tf.is_tensor(data):
        return lambda: iter([data])
    if not isinstance(data, Iterable) or isinstance(data, Iterator | str | bytes | dict):
        raise TypeError(
            f"`data` must be an array, or batches that can be iterated over again, as a list or a `tf.data.Dataset`. "
            f"Received: {type(data).__name__}"
        )
    if isinstance(data, tf.data.Dataset) and data.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError("`data` must come to an end. Received: a `tf.data.Dataset` that repeats for ever")
    return lambda: (batch[0] if isinstance(batch, tuple) else batch for batch in data)


def check_residual_codes(emb_index: tf.Tensor, num_splits: int, num_stages: int) -> None:
    """Require an integer dtype, a known rank, and the last axes num_splits and from 1 to num_stages."""
    _check_integers(emb_index)
    shape = tf.TensorShape(emb_index.shape)
    splits, stages = shape.as_list()[-2:] if (shape.rank or 0) > 1 else (0, 0)
    if splits not in (num_splits, None) or stages not in range(1, num_stages + 1):
        raise ValueError(
            f"the last axes of `emb_index` must be num_splits={num_splits} and, static, from 1 to "
            f"num_stages={num_stages}. Received: shape {shape}"
        )


def check_built(layer: Any, method: str) -> None:
    """Require a layer that is built."""
    if not layer.built:
        raise ValueError(
            f"`{method}` needs a layer that is built: call it, `encode`, `initialize_from_batch` or `build` first. "
            f"Received: built=False"
        )


def check_holds_values(name: str, tensor: Any) -> None:
    """Require more than the symbol that stands for a tensor in a functional model."""
    if isinstance(tensor, keras.KerasTensor):
        raise ValueError(
            f"`{name}` must hold values. Received: {tensor}. In a functional model, use the method in the `call` of a "
            f"layer of your own."
        )


def check_dense(name: str, tensor: Any) -> None:
    """Require a dense tensor."""
    if isinstance(tensor, tf.RaggedTensor | tf.SparseTensor):
        raise TypeError(f"`{name}` must be a dense tensor. Received: {type(tensor).__name__}")


def check_training(training: Any) -> None:
    """Require a bool or None; a mask is easily put in its place."""
    if training is not None and not isinstance(training, bool | np.bool_ | numbers.Integral):
        raise TypeError(f"`training` must be a bool or None. Received: training={training!r}")


def _check_integers(emb_index: tf.Tensor) -> None:
    check_dense("emb_index", emb_index)
    dtype = tf.as_dtype(emb_index.dtype)
    if dtype not in INTEGERS:
        raise TypeError(f"`emb_index` must have an integer dtype. Received: emb_index.dtype={dtype.name}")
