"""Initializers of Keras for embedding spaces, given values among them."""

import base64
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from vq_layer import validation
from vq_layer.shapes import static_shape


@keras.saving.register_keras_serializable(package="vq_layer")
class GivenEmbeddings:
    """An initializer of Keras that gives these very embeddings, as they are kept in its configuration.

    Parameters
    ----------
    values : array, shape [(num_splits,) n, d], float32 or float64
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> tf.Tensor:
        """Return them, for a weight of just their shape."""
        validation.check_constant(self.values, shape, "start")
        return tf.convert_to_tensor(self.values.astype(dtype or self.values.dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the bytes as text: a quarter as long as a list of numbers, and the same bit for bit."""
        values = self.values.astype(self.values.dtype.newbyteorder("<"))
        return {
            "shape": list(static_shape(values)),
            "dtype": values.dtype.name,
            "values": base64.b64encode(values.tobytes()).decode("ascii"),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "GivenEmbeddings":
        """Return the initializer of a configuration."""
        values = np.frombuffer(base64.b64decode(config["values"]), np.dtype(config["dtype"]).newbyteorder("<"))
        return cls(values.reshape(config["shape"]).astype(config["dtype"]))


def initializer_of(value: Any) -> Any:
    """Return the initializer of Keras that a value stands for."""
    if value is None:
        return keras.initializers.RandomNormal(stddev=1.0)
    if isinstance(value, list | tuple) or hasattr(value, "__array__"):
        return GivenEmbeddings(_as_given(value))
    try:
        initializer = keras.initializers.get(value)
    except ValueError as error:
        raise ValueError(
            f"`start` must be an initializer of Keras, its name, class or configuration, a function of shape and "
            f"dtype, an array of the shape [n, d], or FromBatch('k-means'). Received: start={value!r}"
        ) from error
    if isinstance(initializer, keras.initializers.Constant) and np.ndim(initializer.value) > 0:
        return GivenEmbeddings(_as_given(initializer.value))  # which Keras would broadcast
    return initializer


def _as_given(values: Any) -> NDArray[Any]:
    """Return a copy of an array-like of the shape [..., any n, any d], in float64 unless it is in float32."""
    array = np.asarray(values)
    validation.check_constant(array, (*[None] * max(array.ndim - 2, 0), None, None), "start")
    return np.array(array, np.float32 if array.dtype == np.float32 else np.float64)
