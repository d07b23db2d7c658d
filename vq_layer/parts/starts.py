"""Initialization of the embedding space: from an initializer, a constant or a batch (VQ-12)."""

import base64
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from vq_layer import validation
from vq_layer.assertions import required
from vq_layer.non_finite import finite_rows
from vq_layer.shapes import static_shape

_BITS = {tf.float32: tf.int32, tf.float64: tf.int64}  # as integers, 1 in the least positive number


def first_rows(vectors: tf.Tensor, n: int) -> tf.Tensor:
    """Return the first n vectors, row-major, as an embedding space: ``[batch, m, d] -> [n, d]``.

    Raises
    ------
    tf.errors.InvalidArgumentError
        When it runs, where there are fewer than n, or one of them has a NaN or infinite coordinate.
    """
    flat = tf.reshape(vectors, [-1, static_shape(vectors)[-1]])
    enough = f"`x` must hold at least n={n} vectors to initialize the embedding space from"
    with required(tf.shape(flat)[0] >= n, enough):
        # Not `flat[:n]`, whose number of rows a graph optimizer infers from that of `emb_space`, and drops the check.
        rows = tf.gather(flat, tf.range(n))
    finite = f"the first n={n} vectors of `x` must be finite to initialize the embedding space from"
    with required(tf.reduce_all(finite_rows(rows)), finite, rows):
        return tf.identity(rows)


def initial_values(initializer: Any, constant: bool) -> Any:
    """Return what gives a variable its first embedding space: a callable of shape and dtype, or its class.

    Parameters
    ----------
    initializer : initializer, its class, the name of a Keras initializer, "batch", or a constant
        "batch" starts with a mark that `require_batch` knows, all but zero.
    constant : bool
        Whether it is a constant.
    """
    if constant:
        # A callable, since `wrap_function` cannot lift a tensor of its graph into the variable's initial value.
        return lambda shape, dtype=None, partition_info=None: tf.convert_to_tensor(initializer, dtype)  # noqa: ARG005
    if isinstance(initializer, str):
        return _marked if is_batch(initializer) else keras.initializers.get(initializer)
    return initializer


def _marked(shape: Any, dtype: tf.DType, partition_info: Any = None) -> tf.Tensor:
    """Return an embedding space of which every number is the least positive one: no batch makes them all so."""
    del partition_info
    return tf.bitcast(tf.ones(shape, _BITS[dtype]), dtype)


def require_batch(emb_space: tf.Tensor) -> tf.Tensor:
    """Return an embedding space that exists only if it is no longer as "batch" lets it start (VQ-12).

    Raises
    ------
    tf.errors.InvalidArgumentError
        When it runs, where it is.
    """
    # By its bits, since a processor may take the least number for 0.
    initialized = tf.reduce_any(tf.not_equal(tf.bitcast(emb_space, _BITS[emb_space.dtype]), 1))
    message = (
        "the embedding space of `embedding_initializer='batch'` is not initialized: run the endpoint "
        "`emb_space_batch_init`, or restore a checkpoint, before anything that looks up in it"
    )
    with required(initialized, message):
        return tf.identity(emb_space)


def is_batch(initializer: Any) -> bool:
    """Tell whether the embedding space is to be initialized from a batch."""
    return isinstance(initializer, str) and initializer == "batch"


@keras.saving.register_keras_serializable(package="vq_layer")
class GivenEmbeddings:
    """An initializer of Keras that gives these very embeddings, as they are kept in its configuration.

    Parameters
    ----------
    values : array, shape [n, d], float32 or float64
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values

    def __call__(self, shape: tuple[int, int], dtype: Any = None) -> tf.Tensor:
        """Return them, for a weight of just their shape."""
        validation.check_constant(self.values, shape)
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


def layer_initializer(embedding_initializer: Any, n: int) -> Any:
    """Return the initializer that an argument of a layer stands for; "batch" is one of zeros.

    Parameters
    ----------
    embedding_initializer : None, Keras initializer, its name, class or configuration, callable, array, or "batch"
        None is a normal distribution of standard deviation 1.
    n : int
        The number of rows that an array must have.
    """
    if embedding_initializer is None:
        return keras.initializers.RandomNormal(stddev=1.0)
    if is_batch(embedding_initializer):
        return keras.initializers.Zeros()
    if isinstance(embedding_initializer, list | tuple) or hasattr(embedding_initializer, "__array__"):
        return GivenEmbeddings(_as_given(embedding_initializer, n))
    try:
        initializer = keras.initializers.get(embedding_initializer)
    except ValueError as error:
        raise ValueError(
            f"`embedding_initializer` must be an initializer of Keras, its name, class or configuration, a function of "
            f"shape and dtype, an array of the shape [n, d], or 'batch'. "
            f"Received: embedding_initializer={embedding_initializer!r}"
        ) from error
    if isinstance(initializer, keras.initializers.Constant) and np.ndim(initializer.value) > 0:
        return GivenEmbeddings(_as_given(initializer.value, n))  # which Keras would broadcast
    return initializer


def of_the_right_shape(initializer: Any) -> Callable[..., tf.Tensor]:
    """Return the initializer with a check of the shape of what it gives."""

    def initial_embeddings(shape: tuple[int, int], dtype: Any = None) -> tf.Tensor:
        values = initializer(shape, dtype=dtype)
        validation.check_constant(values, shape)
        return values

    return initial_embeddings


def _as_given(values: Any, n: int) -> NDArray[Any]:
    """Return a copy of an array-like of the shape [n, any d], in float64 unless it is in float32."""
    array = np.asarray(values)
    validation.check_constant(array, (n, None))
    return np.array(array, np.float32 if array.dtype == np.float32 else np.float64)
