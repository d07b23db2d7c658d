"""Checks of static facts before anything is built; each error names the argument, its rule and the value (VQ-16)."""

import math
import numbers
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

FLOATING = (tf.float64, tf.float32, tf.float16, tf.bfloat16)


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


def check_last_axis(x_shape: tf.TensorShape) -> None:
    """Require a static last axis."""
    if not x_shape.rank or x_shape.as_list()[-1] is None:
        raise ValueError(f"the last axis of `x` must be static. Received: x.shape={x_shape}")


def check_floating(x: tf.Tensor) -> None:
    """Require a floating dtype."""
    if tf.as_dtype(x.dtype) not in FLOATING:
        raise TypeError(f"`x` must have a floating dtype. Received: x.dtype={tf.as_dtype(x.dtype).name}")


def check_mask(mask: Any, x: Any) -> None:
    """Require bool and the leading axes of x, not its last."""
    if tf.as_dtype(mask.dtype) != tf.bool:
        raise TypeError(f"`mask` must be of the dtype bool. Received: mask.dtype={tf.as_dtype(mask.dtype).name}")
    shape, axes = tf.TensorShape(mask.shape), tf.TensorShape(x.shape)[:-1]
    if shape.rank is None or not 1 <= shape.rank <= axes.rank or not shape.is_compatible_with(axes[: shape.rank]):
        raise ValueError(
            f"`mask` must have the shape of `x` without its last axis, {axes}, or of a leading part of that. "
            f"Received: mask.shape={shape}"
        )


def check_num_embeds(n: Any) -> None:
    """Require a positive integer."""
    check_integer("n", n, minimum=1)


def check_num_splits(num_splits: Any) -> None:
    """Require a positive integer."""
    check_integer("num_splits", num_splits, minimum=1)


def check_levels(levels: Any) -> None:
    """Require a list or tuple of integers from 2 to 2^16, whose product is below 2^63."""
    if not isinstance(levels, list | tuple):
        raise TypeError(f"`levels` must be a list or tuple of integers. Received: levels={levels!r}")
    if not levels:
        raise ValueError(f"`levels` must hold at least one integer. Received: levels={levels}")
    for number in levels:
        if not isinstance(number, numbers.Integral) or isinstance(number, bool):
            raise TypeError(f"`levels` must hold integers. Received: levels={levels!r}")
        if not 2 <= int(number) <= 2**16:
            raise ValueError(f"`levels` must be from 2 to 2^16 each. Received: levels={levels}")
    if math.prod(map(int, levels)) >= 2**63:
        raise ValueError(f"the product of `levels` must be below 2^63. Received: levels={levels}")


def check_levels_fit(levels: tuple[int, ...], num_splits: int, x_shape: tf.TensorShape) -> None:
    """Require as many levels as a vector has coordinates: ``num_splits * len(levels) = q``."""
    check_last_axis(x_shape)
    q = x_shape.as_list()[-1]
    if len(levels) * num_splits != q:
        raise ValueError(
            f"`levels` must hold one for each of the q / num_splits coordinates of a vector. "
            f"Received: levels={list(levels)}, num_splits={num_splits}, x.shape={x_shape}"
        )


def check_lookup_ord(name: str, lookup_ord: Any) -> None:
    """Require a number of at least 1, or infinity."""
    check_number(name, lookup_ord, "a number of at least 1, or infinity", lambda p: p >= 1)


def check_weight(name: str, weight: Any) -> None:
    """Require a finite number."""
    check_number(name, weight, "finite", math.isfinite)


def check_weight_or_schedule(name: str, weight: Any) -> None:
    """Require a finite number or a scalar tensor of a floating dtype."""
    if not tf.is_tensor(weight):
        check_weight(name, weight)
    elif weight.shape.rank not in (0, None):
        raise ValueError(f"`{name}` must be a number or a scalar tensor. Received: {name}.shape={weight.shape}")
    elif not weight.dtype.is_floating:
        raise TypeError(f"`{name}` must be a number or a floating tensor. Received: {name}.dtype={weight.dtype.name}")


def check_constant(value: Any, shape: tuple[int | None, ...], name: str = "embedding_initializer") -> None:
    """Require that an embedding space that is given has the shape [n, d], and numbers; any size where it is None.

    With a codebook for each split it has one axis more.
    """
    received = value.shape if tf.is_tensor(value) else tf.TensorShape(np.shape(value))
    if not received.is_compatible_with(shape):
        axes = ("num_splits", "n", "d")[-len(shape) :]
        sizes = ", ".join(axis if size is None else str(size) for axis, size in zip(axes, shape, strict=True))
        known = f" = [{sizes}]" if any(size is not None for size in shape) else ""
        raise ValueError(
            f"the values of `{name}` must have the shape [{', '.join(axes)}]{known}. "
            f"Received: {tuple(received.as_list())}"
        )
    dtype = value.dtype if tf.is_tensor(value) else tf.as_dtype(np.asarray(value).dtype)
    if not (tf.as_dtype(dtype) in FLOATING or tf.as_dtype(dtype).is_integer):
        raise TypeError(f"the values of `{name}` must be numbers. Received: dtype {dtype}")


def check_one_of(name: str, value: Any, names: tuple[str, ...]) -> None:
    """Require one of some names."""
    if value not in names:
        known = " or ".join(map(repr, names))
        raise ValueError(f"`{name}` must be {known}. Received: {name}={value!r}")


def check_dim_reduction(
    dim_reduction: Any,
    num_components: Any,
    name: str = "dim_reduction",
    components_name: str = "num_dim_reduction_components",
) -> None:
    """Require a known mode, and a positive number of components."""
    if not isinstance(dim_reduction, str):
        raise TypeError(f"`{name}` must be a string. Received: {name}={dim_reduction!r}")
    check_one_of(name, dim_reduction, ("pca-batch", "pca-emb-space"))
    check_integer(components_name, num_components, minimum=1)


def check_num_components(dim_reduction: str, num_components: int, n: int, d: int | None, name: str) -> None:
    """Require no more components than can be fitted: d, and for "pca-emb-space" n - 1."""
    most = min(size for size in (d, n - 1 if dim_reduction == "pca-emb-space" else None, math.inf) if size is not None)
    if num_components > most:
        raise ValueError(
            f"`{name}` must be at most min(d, fitted rows - 1) = {most} with {dim_reduction!r}. "
            f"Received: {name}={num_components}, " + ("" if d is None else f"d={d}, ") + f"n={n}"
        )


def check_num_embeds_replaced(
    num_embeds_replaced: Any, n: int | None, name: str = "num_embeds_replaced", minimum: int = 0
) -> None:
    """Require an integer from the minimum to n."""
    check_integer(name, num_embeds_replaced, minimum)
    if n is not None and num_embeds_replaced > n:
        raise ValueError(f"`{name}` must be at most n={n}. Received: {name}={num_embeds_replaced}")


def check_every(every: Any, name: str = "every") -> None:
    """Require a positive integer."""
    check_integer(name, every, minimum=1)


def check_is_training(is_training: Any) -> None:
    """Require a bool or a scalar bool tensor."""
    if tf.is_tensor(is_training):
        if is_training.dtype != tf.bool or is_training.shape.rank not in (0, None):
            raise TypeError(f"`is_training` must be a bool or a scalar bool tensor. Received: {is_training}")
    elif not isinstance(is_training, bool | np.bool_):
        raise TypeError(f"`is_training` must be a bool or a scalar bool tensor. Received: is_training={is_training!r}")


def check_vote(num_classes: Any, k: Any, majority_threshold: Any, representative: Any) -> None:
    """Require positive num_classes and k, a threshold that is a number, a known representative."""
    check_integer("num_classes", num_classes, minimum=1)
    check_integer("k", k, minimum=1)
    _require_number("majority_threshold", majority_threshold)
    if math.isnan(majority_threshold):
        raise ValueError("`majority_threshold` must not be NaN. Received: majority_threshold=nan")
    check_one_of("representative", representative, ("first", "nearest"))


def check_voters(k: int, n: int) -> None:
    """Require no more voters than embeddings."""
    if k > n:
        raise ValueError(f"`k` must be at most n={n}. Received: k={k}")


def check_labels(emb_labels: Any, n: int | None, num_classes: int) -> None:
    """Require n labels of dtype int32 or int64 and, where they are known before anything runs, in [0, num_classes).

    Any number of labels where n is None.
    """
    known = None if tf.is_tensor(emb_labels) else np.asarray(emb_labels)
    dtype = emb_labels.dtype if known is None else tf.as_dtype(known.dtype)
    shape = emb_labels.shape if known is None else tf.TensorShape(known.shape)
    if dtype not in (tf.int32, tf.int64):
        raise TypeError(f"`emb_labels` must have the dtype int32 or int64. Received: emb_labels.dtype={dtype.name}")
    if not shape.is_compatible_with([n]):
        size = "" if n is None else f" = [{n}]"
        raise ValueError(f"`emb_labels` must have the shape [n]{size}. Received: emb_labels.shape={shape}")
    if known is None and not isinstance(emb_labels, tf.Variable):
        known = tf.get_static_value(emb_labels)
    if known is not None and known.size and (known.min() < 0 or known.max() >= num_classes):
        raise ValueError(
            f"`emb_labels` must lie in [0, num_classes) = [0, {num_classes}). "
            f"Received: labels from {known.min()} to {known.max()}"
        )


def check_integer(name: str, value: Any, minimum: int) -> None:
    """Require an integer from a minimum on."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(f"`{name}` must be an integer. Received: {name}={value!r}")
    if value < minimum:
        raise ValueError(f"`{name}` must be at least {minimum}. Received: {name}={value}")


def check_number(name: str, value: Any, rule: str, holds: Callable[[Any], bool]) -> None:
    """Require a number of which a rule holds, which is said in words; of NaN none does."""
    _require_number(name, value)
    if not holds(value):
        raise ValueError(f"`{name}` must be {rule}. Received: {name}={value!r}")


def _require_number(name: str, value: Any) -> None:
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f"`{name}` must be a number. Received: {name}={value!r}")
    try:
        float(value)
    except OverflowError as error:
        raise ValueError(f"`{name}` must fit into a float. Received: {name}={value!r}") from error
