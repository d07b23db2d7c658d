"""Static shapes: what is known of the axes of a tensor before anything runs."""

import math
from typing import Any

import tensorflow as tf


def static_shape(tensor: Any) -> tuple[Any, ...]:
    """Return the size of each axis of a tensor, a variable or a spec of known rank; None where it is unknown.

    All of the package asks here: in a program that called `tf.compat.v1.disable_v2_tensorshape`, or
    `disable_v2_behavior`, the entries of a `shape` are no integers, and an unknown one is not None.
    """
    return tuple(tf.TensorShape(tensor.shape).as_list())


def static_size(axes: tuple[Any, ...]) -> Any:
    """Return the product of the sizes of axes; None where one is unknown."""
    return None if None in axes else math.prod(axes)
