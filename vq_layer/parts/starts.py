"""How an embedding space starts: from an initializer, given values or a batch (VQ-12)."""

from abc import abstractmethod
from typing import Any, ClassVar

import keras
import tensorflow as tf

from vq_layer import validation
from vq_layer.assertions import required
from vq_layer.kernels import k_means
from vq_layer.kernels.branches import rarely
from vq_layer.non_finite import finite_rows, where_known
from vq_layer.parts.comparisons import Comparison
from vq_layer.parts.estimators import straight_through
from vq_layer.parts.initializers import GivenEmbeddings, initializer_of
from vq_layer.parts.part import Part, State, Variable, part
from vq_layer.shapes import flat, static_shape

__all__ = ["FromBatch", "FromInitializer"]


def first_rows(vectors: tf.Tensor, n: int) -> tf.Tensor:
    """Return the first n vectors, row-major, as an embedding space: ``[batch, m, d] -> [n, d]``.

    Raises
    ------
    tf.errors.InvalidArgumentError
        When it runs, where there are fewer than n, or one of them has a NaN or infinite coordinate.
    """
    flat = tf.reshape(vectors, [-1, static_shape(vectors)[-1]])
    number = tf.shape(flat)[0]
    enough = f"`x` must hold at least n={n} vectors to initialize the embedding space from. Received, so many:"
    with required(number >= n, enough, number):
        # Not `flat[:n]`, whose number of rows a graph optimizer infers from that of `emb_space`, and drops the check.
        rows = tf.gather(flat, tf.range(n))
    finite = f"the first n={n} vectors of `x` must be finite to initialize the embedding space from. Received:"
    with required(tf.reduce_all(finite_rows(rows)), finite, rows):
        return tf.identity(rows)


class Start(Part):
    """What an embedding space begins with."""

    from_inputs: ClassVar[bool] = False  # whether the embeddings are inputs

    @property
    @abstractmethod
    def initializer(self) -> Any:
        """What gives the first values: a function of shape and dtype."""

    def begin(self, state: State, vectors: tf.Tensor, counted: tf.Tensor | None, comparison: Comparison) -> State:
        """Return the state with which a training pass begins.

        Parameters
        ----------
        state : dict of str to tf.Tensor
        vectors : tf.Tensor, shape [batch, m, d]
        counted : tf.Tensor, shape [batch, m], bool, or None
            Which vectors a mask leaves; None for all.
        comparison : Comparison
        """
        del vectors, counted, comparison
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


METHODS = ("first", "sample", "k-means")


@part
class FromBatch(Start):
    """From the first training batch; zero until then.

    Parameters
    ----------
    method : {"first", "sample", "k-means"}
        Its first n vectors, row-major; n of them drawn at random; or the means that k-means finds among them. Vectors
        that a mask leaves out do not count. For the last two, neither do those that are not finite; where fewer than n
        are left, embeddings are equal, and where none is, the start waits for the next batch.
    iterations : int
        How many of Lloyd's steps k-means takes at most, after seeds are chosen by k-means++. It goes by L2, under any
        norm; under `Cosine` the vectors are scaled to norm 1 first, and the embeddings at last.
    seed : int
        What is drawn is the same for equal seeds.

    Raises
    ------
    tf.errors.InvalidArgumentError
        When it runs, by "first", where there are fewer than n, or one of them has a NaN or infinite coordinate.

    References
    ----------
    Lloyd, "Least Squares Quantization in PCM", 1982. Arthur, Vassilvitskii, "k-means++: The Advantages of Careful
    Seeding", 2007. Under `Cosine`: Dhillon, Modha, "Concept Decompositions for Large Sparse Text Data", 2001.
    """

    method: str = "first"
    iterations: int = 10
    seed: int = 0

    from_inputs: ClassVar[bool] = True

    def __post_init__(self) -> None:
        validation.check_one_of("FromBatch.method", self.method, METHODS)
        for name, minimum in (("iterations", 0), ("seed", 0)):
            validation.check_integer(f"FromBatch.{name}", getattr(self, name), minimum)
            object.__setattr__(self, name, int(getattr(self, name)))

    @property
    def supports_jit(self) -> bool:  # type: ignore[override]
        """Whether nothing is asserted, which XLA drops."""
        return self.method != "first"

    @property
    def initializer(self) -> Any:
        """Zeros."""
        return keras.initializers.Zeros()

    def variables(self, n: int, d: int, dtype: tf.DType) -> dict[str, Variable]:
        """Return whether it has begun."""
        del n, d, dtype
        return {"initialized": Variable((), tf.bool)}

    def begin(self, state: State, vectors: tf.Tensor, counted: tf.Tensor | None, comparison: Comparison) -> State:
        """Return the state with which a training pass begins."""
        emb_space, n = state["emb_space"], static_shape(state["emb_space"])[0]
        as_before = tf.identity(emb_space), state["initialized"]

        def begun() -> tuple[tf.Tensor, tf.Tensor]:
            if self.method == "first":
                return first_rows(known(vectors, counted), n), tf.constant(True)
            rows = flat(vectors if counted is None else where_known(tf.expand_dims(counted, -1), vectors))
            some = tf.reduce_any(finite_rows(rows))
            return tf.cond(some, lambda: self.drawn(rows, n, comparison), lambda: tf.identity(emb_space)), some

        rows, initialized = rarely(~state["initialized"], begun, lambda: as_before)
        return {**state, "emb_space": straight_through(emb_space, rows), "initialized": initialized}

    def drawn(self, rows: tf.Tensor, n: int, comparison: Comparison) -> tf.Tensor:
        """Return the embeddings that it makes of rows, some of them finite, ``[number, d] -> [n, d]``."""
        if self.method == "sample":
            return k_means.sample(rows, n, self.seed)
        rows = comparison.scaled(rows)
        seed = tf.constant(self.seed, tf.int64)
        return comparison.scaled(k_means.centres_of(rows, seed, n=n, iterations=self.iterations))


def started(state: State, emb_space: tf.Tensor) -> State:
    """Return a state with an embedding space, ``[n, d]``, as if it had started with it."""
    initialized = {"initialized": tf.constant(True)} if "initialized" in state else {}
    return {**state, "emb_space": emb_space, **initialized}


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
