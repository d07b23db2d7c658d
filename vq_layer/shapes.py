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


def flat(vectors: tf.Tensor) -> tf.Tensor:
    """Return vectors as rows, ``[..., d] -> [number, d]``, the number static where it can be."""
    *axes, d = static_shape(vectors)
    number = static_size(tuple(axes))
    return tf.reshape(vectors, [tf.reduce_prod(tf.shape(vectors)[:-1]) if number is None else number, d])


def unflattened(of_rows: tf.Tensor, vectors: tf.Tensor, *last: int) -> tf.Tensor:
    """Reshape what belongs to the rows of ``flat(vectors)``: to the axes of `vectors` but the last, and then `last`."""
    axes = static_shape(vectors)[:-1]
    shape = tf.concat([tf.shape(vectors)[:-1], last], axis=0) if None in axes else [*axes, *last]
    return tf.reshape(of_rows, shape)
