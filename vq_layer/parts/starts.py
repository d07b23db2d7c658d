"""How an embedding space starts: from an initializer, given values or a batch (VQ-12)."""

from abc import abstractmethod
from typing import Any, ClassVar

import keras
import tensorflow as tf

from vq_layer import validation
from vq_layer.assertions import required
from vq_layer.non_finite import finite_rows
from vq_layer.parts.estimators import straight_through
from vq_layer.parts.initializers import GivenEmbeddings, initializer_of
from vq_layer.parts.part import Part, State, Variable, part
from vq_layer.shapes import static_shape

__all__ = ["FromBatch"]


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


class Start(Part):
    """What an embedding space begins with."""

    from_inputs: ClassVar[bool] = False  # whether the embeddings are inputs

    @property
    @abstractmethod
    def initializer(self) -> Any:
        """What gives the first values: a function of shape and dtype."""

    def begin(self, state: State, vectors: tf.Tensor, counted: tf.Tensor | None) -> State:
        """Return the state with which a training pass begins.

        Parameters
        ----------
        state : dict of str to tf.Tensor
        vectors : tf.Tensor, shape [batch, m, d]
        counted : tf.Tensor, shape [batch, m], bool, or None
            Which vectors a mask leaves; None for all.
        """
        del vectors, counted
        return state


@part
class FromInitializer(Start):
    """From an initializer of Keras, or given values.

    Parameters
    ----------
    values : None, Keras initializer, its name, class or configuration, function, array, tensor or list
        None is a normal distribution of standard deviation 1. Given values have the shape [n, d], or, with a codebook
        per split, [num_splits, n, d]; the configuration keeps them.
    """

    values: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", initializer_of(self.values))

    def check_sizes(self, n: int, d: int | None) -> None:
        """Raise a ValueError where the given values are not n."""
        if isinstance(self.values, GivenEmbeddings):
            validation.check_constant(self.values.values, (*static_shape(self.values.values)[:-2], n, d), "start")

    @property
    def initializer(self) -> Any:
        """What gives the first values, with a check of their shape."""

        def initial_embeddings(shape: tuple[int, ...], dtype: Any = None) -> tf.Tensor:
            values = self.values(shape, dtype=dtype)
            validation.check_constant(values, shape, "start")
            return values

        return initial_embeddings


@part
class FromBatch(Start):
    """From the first training batch; zero until then.

    Parameters
    ----------
    method : {"first"}
        Its first n vectors, row-major, those that a mask leaves out not counted.

    Raises
    ------
    tf.errors.InvalidArgumentError
        When it runs, where there are fewer than n, or one of them has a NaN or infinite coordinate.
    """

    method: str = "first"

    supports_jit: ClassVar[bool] = False  # XLA drops the assertions
    from_inputs: ClassVar[bool] = True

    def __post_init__(self) -> None:
        validation.check_one_of("FromBatch.method", self.method, ("first",))

    @property
    def initializer(self) -> Any:
        """Zeros."""
        return keras.initializers.Zeros()

    def variables(self, n: int, d: int, dtype: tf.DType) -> dict[str, Variable]:
        """Return whether it has begun."""
        del n, d, dtype
        return {"initialized": Variable((), tf.bool)}

    def begin(self, state: State, vectors: tf.Tensor, counted: tf.Tensor | None) -> State:
        """Return the state with which a training pass begins."""
        emb_space, n = state["emb_space"], static_shape(state["emb_space"])[0]
        rows = tf.cond(state["initialized"], lambda: emb_space, lambda: first_rows(known(vectors, counted), n))
        return {**state, "emb_space": straight_through(emb_space, rows), "initialized": tf.constant(True)}


def started(state: State, inputs: tf.Tensor) -> State:
    """Return a state with the first n vectors, ``[batch, m, d]``, for the embeddings."""
    emb_space = state["emb_space"]
    rows = first_rows(tf.stop_gradient(tf.cast(inputs, emb_space.dtype)), static_shape(emb_space)[0])
    return {**state, "emb_space": rows, **({"initialized": tf.constant(True)} if "initialized" in state else {})}


def known(vectors: tf.Tensor, counted: tf.Tensor | None) -> tf.Tensor:
    """Return the vectors that a mask leaves, ``[batch, m, d], [batch, m] -> [number, d]``."""
    return vectors if counted is None else tf.boolean_mask(vectors, counted)


def start_of(value: Any) -> Start:
    """Return the start that an argument of a layer stands for."""
    if isinstance(value, dict) and value.get("class_name") in (FromBatch.__name__, FromInitializer.__name__):
        value = keras.saving.deserialize_keras_object(value)
    if isinstance(value, type) and issubclass(value, Start):
        value = value()
    return value if isinstance(value, Start) else FromInitializer(value)
