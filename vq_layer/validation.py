"""Checks of static facts before anything is built; each error names the argument, its rule and the value (VQ-16)."""

import math
import numbers
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from vq_layer.shapes import static_shape

FLOATING = (tf.float64, tf.float32, tf.float16, tf.bfloat16)
INTEGERS = (tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint16, tf.uint32, tf.uint64)


def vector_size(x_shape: tf.TensorShape, num_splits: Any) -> int:
    """Return d, the size of one vector, after checking that `num_splits` divides the static last axis of x."""
    check_num_splits(num_splits)
    check_last_axis(x_shape)
    q = x_shape.as_list()[-1]
    if q == 0 or q % num_splits != 0:
        raise ValueError(
            f"`num_splits` must divide the last axis of `x`, which must not be empty. "
            f"Received: num_splits={num_splits}, x.shape={x_shape}"
        )
    return int(q // num_splits)


def check_x(x: tf.Tensor) -> None:
    """Require the shape [batch, r, q] and a floating dtype."""
    if x.shape.rank != 3:
        raise ValueError(f"`x` must have the shape [batch, r, q]. Received: x.shape={x.shape}")
    check_floating(x)


def check_layer_input(x: Any, q: int | None) -> None:
    """Require a dense tensor of a floating dtype, and a shape ``[batch, ..., q]``, any q where it is None."""
    check_dense("x", x)
    check_floating(x)
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
    check_last_axis(x_shape)


def check_last_axis(x_shape: tf.TensorShape) -> None:
    """Require a static last axis."""
    if not x_shape.rank or x_shape.as_list()[-1] is None:
        raise ValueError(f"the last axis of `x` must be static. Received: x.shape={x_shape}")


def check_codes(emb_index: tf.Tensor, num_splits: int) -> None:
    """Require an integer dtype and, where it is known, a last axis of num_splits."""
    check_dense("emb_index", emb_index)
    if emb_index.dtype not in INTEGERS:
        raise TypeError(f"`emb_index` must have an integer dtype. Received: emb_index.dtype={emb_index.dtype.name}")
    if emb_index.shape.rank is not None and (static_shape(emb_index) or (0,))[-1] not in (num_splits, None):
        raise ValueError(
            f"the last axis of `emb_index` must be num_splits={num_splits}. Received: shape {emb_index.shape}"
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


def check_floating(x: tf.Tensor) -> None:
    """Require a floating dtype."""
    if tf.as_dtype(x.dtype) not in FLOATING:
        raise TypeError(f"`x` must have a floating dtype. Received: x.dtype={tf.as_dtype(x.dtype).name}")


def check_num_embeds(n: Any) -> None:
    """Require a positive integer."""
    _require_integer("n", n, minimum=1)


def check_num_splits(num_splits: Any) -> None:
    """Require a positive integer."""
    _require_integer("num_splits", num_splits, minimum=1)


def check_lookup_ord(lookup_ord: Any) -> None:
    """Require 1, 2 or infinity."""
    _require_number("lookup_ord", lookup_ord)
    if lookup_ord not in (1, 2, math.inf):
        raise ValueError(f"`lookup_ord` must be one of 1, 2 and inf. Received: lookup_ord={lookup_ord!r}")


def check_weight(name: str, weight: Any) -> None:
    """Require a finite number."""
    _require_number(name, weight)
    if not math.isfinite(weight):
        raise ValueError(f"`{name}` must be finite. Received: {name}={weight!r}")


def check_weight_or_schedule(name: str, weight: Any) -> None:
    """Require a finite number or a scalar tensor of a floating dtype."""
    if not tf.is_tensor(weight):
        check_weight(name, weight)
    elif weight.shape.rank not in (0, None):
        raise ValueError(f"`{name}` must be a number or a scalar tensor. Received: {name}.shape={weight.shape}")
    elif not weight.dtype.is_floating:
        raise TypeError(f"`{name}` must be a number or a floating tensor. Received: {name}.dtype={weight.dtype.name}")


def check_constant(value: Any, shape: tuple[int, int | None]) -> None:
    """Require that an embedding space that is given has the shape [n, d], and numbers; any d where it is None."""
    received = value.shape if tf.is_tensor(value) else tf.TensorShape(np.shape(value))
    if not received.is_compatible_with(shape):
        rule = f"[n, d] = [{shape[0]}, {'d' if shape[1] is None else shape[1]}]"
        raise ValueError(
            f"the values of `embedding_initializer` must have the shape {rule}. Received: {tuple(received.as_list())}"
        )
    dtype = value.dtype if tf.is_tensor(value) else tf.as_dtype(np.asarray(value).dtype)
    if not (tf.as_dtype(dtype) in FLOATING or tf.as_dtype(dtype).is_integer):
        raise TypeError(f"the values of `embedding_initializer` must be numbers. Received: dtype {dtype}")


def check_dim_reduction(dim_reduction: Any, num_dim_reduction_components: Any) -> None:
    """Require a known mode, and a positive number of components with it."""
    if dim_reduction is None:
        return
    if not isinstance(dim_reduction, str):
        raise TypeError(f"`dim_reduction` must be None or a string. Received: dim_reduction={dim_reduction!r}")
    if dim_reduction not in ("pca-batch", "pca-emb-space"):
        raise ValueError(
            f"`dim_reduction` must be None, 'pca-batch' or 'pca-emb-space'. Received: dim_reduction={dim_reduction!r}"
        )
    _require_integer("num_dim_reduction_components", num_dim_reduction_components, minimum=1)


def check_num_components(dim_reduction: str | None, num_dim_reduction_components: int, n: int, d: int) -> None:
    """Require no more components than can be fitted: d, and for "pca-emb-space" n - 1."""
    if dim_reduction is None:
        return
    most = min(d, n - 1) if dim_reduction == "pca-emb-space" else d
    if num_dim_reduction_components > most:
        raise ValueError(
            f"`num_dim_reduction_components` must be at most min(d, fitted rows - 1) = {most} with "
            f"dim_reduction={dim_reduction!r}. "
            f"Received: num_dim_reduction_components={num_dim_reduction_components}, d={d}, n={n}"
        )


def check_num_embeds_replaced(num_embeds_replaced: Any, n: int) -> None:
    """Require an integer from 0 to n."""
    _require_integer("num_embeds_replaced", num_embeds_replaced, minimum=0)
    if num_embeds_replaced > n:
        raise ValueError(
            f"`num_embeds_replaced` must be at most n={n}. Received: num_embeds_replaced={num_embeds_replaced}"
        )


def check_every(every: Any) -> None:
    """Require a positive integer."""
    _require_integer("every", every, minimum=1)


def check_is_training(is_training: Any) -> None:
    """Require a bool or a scalar bool tensor."""
    if tf.is_tensor(is_training):
        if is_training.dtype != tf.bool or is_training.shape.rank not in (0, None):
            raise TypeError(f"`is_training` must be a bool or a scalar bool tensor. Received: {is_training}")
    elif not isinstance(is_training, bool | np.bool_):
        raise TypeError(f"`is_training` must be a bool or a scalar bool tensor. Received: is_training={is_training!r}")


def check_vote(
    n: int, num_classes: Any, k: Any, majority_threshold: Any, representative: Any, embedding_initializer: Any
) -> None:
    """Require positive num_classes, 1 <= k <= n, a threshold that is a number, a known representative."""
    _require_integer("num_classes", num_classes, minimum=1)
    _require_integer("k", k, minimum=1)
    if k > n:
        raise ValueError(f"`k` must be at most n={n}. Received: k={k}")
    _require_number("majority_threshold", majority_threshold)
    if math.isnan(majority_threshold):
        raise ValueError("`majority_threshold` must not be NaN. Received: majority_threshold=nan")
    if representative not in ("first", "nearest"):
        raise ValueError(f"`representative` must be 'first' or 'nearest'. Received: representative={representative!r}")
    if isinstance(embedding_initializer, str) and embedding_initializer == "batch":
        raise ValueError(
            "`embedding_initializer` must not be 'batch' with labels, which would mean nothing for inputs. "
            "Received: embedding_initializer='batch'"
        )


def check_labels(emb_labels: Any, n: int, num_classes: int) -> None:
    """Require n labels of dtype int32 or int64 and, where they are known before anything runs, in [0, num_classes)."""
    known = None if tf.is_tensor(emb_labels) else np.asarray(emb_labels)
    dtype = emb_labels.dtype if known is None else tf.as_dtype(known.dtype)
    shape = emb_labels.shape if known is None else tf.TensorShape(known.shape)
    if dtype not in (tf.int32, tf.int64):
        raise TypeError(f"`emb_labels` must have the dtype int32 or int64. Received: emb_labels.dtype={dtype.name}")
    if not shape.is_compatible_with([n]):
        raise ValueError(f"`emb_labels` must have the shape [n] = [{n}]. Received: emb_labels.shape={shape}")
    if known is None and not isinstance(emb_labels, tf.Variable):
        known = tf.get_static_value(emb_labels)
    if known is not None and (known.min() < 0 or known.max() >= num_classes):
        raise ValueError(
            f"`emb_labels` must lie in [0, num_classes) = [0, {num_classes}). "
            f"Received: labels from {known.min()} to {known.max()}"
        )


def _require_integer(name: str, value: Any, minimum: int) -> None:
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(f"`{name}` must be an integer. Received: {name}={value!r}")
    if value < minimum:
        raise ValueError(f"`{name}` must be at least {minimum}. Received: {name}={value}")


def _require_number(name: str, value: Any) -> None:
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f"`{name}` must be a number. Received: {name}={value!r}")
    try:
        float(value)
    except OverflowError as error:
        raise ValueError(f"`{name}` must fit into a float. Received: {name}={value!r}") from error
