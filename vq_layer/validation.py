"""Checks of static facts before anything is built; each error names the argument, its rule and the value (VQ-16)."""

import math
import numbers
from typing import Any

import numpy as np
import tensorflow as tf


def vector_size(x_shape: tf.TensorShape, num_splits: Any) -> int:
    """Return d, the size of one vector, after checking that `num_splits` divides the static last axis of x."""
    check_num_splits(num_splits)
    q = x_shape[-1]
    if q is None:
        raise ValueError(f"the last axis of `x` must be static. Received: x.shape={x_shape}")
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


def check_floating(x: tf.Tensor) -> None:
    """Require a floating dtype."""
    if not tf.as_dtype(x.dtype).is_floating:
        raise TypeError(f"`x` must have a floating dtype. Received: x.dtype={tf.as_dtype(x.dtype).name}")


def check_num_embeds(n: Any) -> None:
    """Require a positive integer."""
    _require_integer("n", n, minimum=1)


def check_num_splits(num_splits: Any) -> None:
    """Require a positive integer."""
    _require_integer("num_splits", num_splits, minimum=1)


def check_lookup_ord(lookup_ord: Any) -> None:
    """Require 1, 2 or infinity."""
    if not _is_number(lookup_ord):
        raise TypeError(f"`lookup_ord` must be a number. Received: lookup_ord={lookup_ord!r}")
    if lookup_ord not in (1, 2, math.inf):
        raise ValueError(f"`lookup_ord` must be one of 1, 2 and inf. Received: lookup_ord={lookup_ord!r}")


def check_weight(name: str, weight: Any) -> None:
    """Require a finite number."""
    if not _is_number(weight):
        raise TypeError(f"`{name}` must be a number. Received: {name}={weight!r}")
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


def check_constant(value: Any, shape: tuple[int, int]) -> None:
    """Require that a constant embedding space has the shape [n, d]."""
    received = tuple(np.shape(value)) if not tf.is_tensor(value) else value.shape
    if not tf.TensorShape(received).is_compatible_with(shape):
        raise ValueError(
            f"a constant `embedding_initializer` must have the shape [n, d] = {list(shape)}. Received: {received}"
        )


def _require_integer(name: str, value: Any, minimum: int) -> None:
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(f"`{name}` must be an integer. Received: {name}={value!r}")
    if value < minimum:
        raise ValueError(f"`{name}` must be at least {minimum}. Received: {name}={value}")


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
