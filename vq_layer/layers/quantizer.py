"""What the Keras layers share."""

import math
import warnings
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from vq_layer import validation
from vq_layer.core import quantizers
from vq_layer.core.decoding import decoded
from vq_layer.dtypes import comparison_dtype
from vq_layer.parts import starts as initialization
from vq_layer.parts.estimators import straight_through
from vq_layer.shapes import static_shape, unflattened


class Quantizer(keras.layers.Layer):
    """What the layers share: the embedding space and its initialization, encoding and decoding."""

    def __init__(
        self,
        n: int,
        *,
        dim_reduction: str | None,
        num_dim_reduction_components: int,
        embedding_initializer: Any,
        num_splits: int,
        return_endpoints: bool,
        trainable_emb_space: bool,
        **kwargs: Any,
    ) -> None:
        validation.check_num_embeds(n)
        validation.check_num_splits(num_splits)
        validation.check_dim_reduction(dim_reduction, num_dim_reduction_components)
        super().__init__(**kwargs)
        self.n = int(n)
        self.dim_reduction = dim_reduction
        self.num_dim_reduction_components = num_dim_reduction_components
        if dim_reduction is not None:
            self.num_dim_reduction_components = int(num_dim_reduction_components)
        self.initializes_from_batch = initialization.is_batch(embedding_initializer)
        self.embedding_initializer = initialization.layer_initializer(embedding_initializer, self.n)
        self._awaits_inference = self.initializes_from_batch
        self.num_splits = int(num_splits)
        self.return_endpoints = bool(return_endpoints)
        self._trainable_emb_space = trainable_emb_space
        self.supports_masking = True  # the mask of x is that of the output
        # XLA drops the assertions of both, and its singular value decomposition is slow.
        self.supports_jit = dim_reduction is None and not self.initializes_from_batch

    def build(self, input_shape: Any) -> None:
        """Create the weights for inputs of this shape, ``[batch, ..., q]``."""
        x_shape = tf.TensorShape(input_shape)
        validation.check_layer_shape(x_shape)
        d = validation.vector_size(x_shape, self.num_splits)
        validation.check_num_components(self.dim_reduction, self.num_dim_reduction_components, self.n, d)
        self.emb_space = self.add_state(
            "emb_space",
            (self.n, d),
            initialization.of_the_right_shape(self.embedding_initializer),
            trainable=self._trainable_emb_space,
        )
        if self.initializes_from_batch:
            self.initialized = self.add_state("initialized", (), "zeros", dtype="bool")

    def add_state(
        self, name: str, shape: tuple[int, ...], initializer: Any = "zeros", dtype: str = "", trainable: bool = False
    ) -> Any:
        """Add a weight of the comparison dtype, or another, that a mixed policy does not cast."""
        dtype = dtype or comparison_dtype(tf.as_dtype(self.compute_dtype)).name
        return self.add_weight(
            name=name, shape=shape, initializer=initializer, dtype=dtype, trainable=trainable, autocast=False
        )

    @property
    def comparison(self) -> dict[str, Any]:
        """How vectors are cut from x, and in which space they are compared: arguments of `quantizers`."""
        return {
            "dim_reduction": self.dim_reduction,
            "num_dim_reduction_components": self.num_dim_reduction_components,
            "num_splits": self.num_splits,
        }

    def __call__(self, x: Any = None, training: bool | None = None, *, inputs: Any = None, **kwargs: Any) -> Any:
        """Quantize x, ``[batch, ..., q]``; return the output, or the endpoints with `return_endpoints`.

        `inputs` is the name by which other layers of Keras take x, and works, too.
        """
        if (x is None) == (inputs is None):
            raise TypeError("a call takes `x`, or `inputs` in its place. Received: " + ("both", "neither")[x is None])
        x = self._checked(inputs if x is None else x)
        if training is not None:
            kwargs["training"] = training
        result = super().__call__(x, **kwargs)
        return self._endpoints(result) if self.return_endpoints else result

    def _endpoints(self, of_call: tuple[tf.Tensor, ...]) -> Any:
        """Return the named tuple of all endpoints from those that `call` returns."""
        raise NotImplementedError

    def prepared_emb_space(self, x: tf.Tensor, training: bool | None) -> tf.Tensor:
        """Return the embedding space, or what x initializes it to if this is the first training batch."""
        validation.check_floating(x)
        emb_space = tf.convert_to_tensor(self.emb_space)
        if not self._initializes(training):
            self._warn_if_not_initialized()
            return emb_space
        vectors = quantizers.compared(x, emb_space, self.num_splits)
        initialized = tf.convert_to_tensor(self.initialized)
        rows = tf.cond(initialized, lambda: emb_space, lambda: initialization.first_rows(vectors, self.n))
        return straight_through(emb_space, rows)

    def keep_emb_space(self, emb_space: tf.Tensor, training: bool | None, checked: tf.Tensor) -> None:
        """Keep what a training batch initializes the embedding space to, once `checked` is computed, which may fail."""
        if self._initializes(training):
            with tf.control_dependencies([emb_space, checked]):
                self.emb_space.assign(tf.identity(emb_space))
                self.initialized.assign(True)

    def _initializes(self, training: bool | None) -> bool:
        """Tell whether this pass may initialize the embedding space: it trains, and the layer is not frozen."""
        return bool(self.initializes_from_batch and training and self.trainable)

    def _warn_if_not_initialized(self) -> None:
        """At the first inference, warn of the zeros that "batch" begins with; in a graph, when it is built."""
        if not self._awaits_inference or _is_being_built():
            return
        with tf.init_scope():
            if not tf.executing_eagerly():  # in a graph of version 1, which cannot know
                return
            self._awaits_inference = False
            fresh = not self.initialized.value.is_initialized()  # a weight that a `tf.function` is creating
            zero = fresh or not (self.initialized.numpy() or self.emb_space.numpy().any())
        if zero:
            warnings.warn(
                f"all embeddings of the layer '{self.name}' are zero: with `embedding_initializer='batch'` they come "
                f"from the first training batch, which has not been yet. Call it with `training=True` while it is not "
                f"frozen, or call `initialize_from_batch`.",
                stacklevel=3,
            )

    def initialize_from_batch(self, x: Any) -> None:
        """Set the embedding space to the first n vectors of x, ``[batch, ..., q]``, row-major; of a frozen layer, too.

        Raises
        ------
        tf.errors.InvalidArgumentError
            Where there are fewer than n, or one of them has a NaN or infinite coordinate. Nothing has changed then.
        """
        x = self._built_for(x)
        vectors = quantizers.compared(x, tf.convert_to_tensor(self.emb_space), self.num_splits)
        rows = initialization.first_rows(vectors, self.n)
        self.emb_space.assign(rows)
        if self.initializes_from_batch:
            with tf.control_dependencies([rows]):
                self.initialized.assign(True)

    def _emb_index(self, x: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
        """Return the indices that x is encoded by, ``[batch, m]``."""
        raise NotImplementedError

    def _checked(self, x: Any) -> Any:
        """Return x as a tensor, after the checks that can do without its values."""
        x = _as_tensor(x)
        validation.check_layer_input(x, self._q if self.built else None)
        return x

    def _built_for(self, x: Any) -> tf.Tensor:
        """Return x as a call converts it, with the layer built for it."""
        validation.check_holds_values("x", x)
        x = self._checked(x)
        x = self.dtype_policy.convert_input(x, self.autocast, self.input_dtype)
        if not self.built:
            self.build(x.shape)
        return x

    @property
    def _q(self) -> int:
        """The size of the last axis of the input."""
        return int(self.num_splits * static_shape(self.emb_space)[-1])

    def encode(self, x: Any) -> tf.Tensor:
        """Return the indices of the embeddings that the vectors of x are replaced by, int64.

        ``[..., q] -> [..., num_splits]``; -1 for a vector with a NaN or infinite coordinate. Builds the layer if it is
        not built yet.

        Raises
        ------
        ValueError, TypeError
            Where a call would refuse x; lists and arrays of floats are taken as well.
        """
        x = self._built_for(x)
        self._warn_if_not_initialized()
        index = self._emb_index(x, tf.convert_to_tensor(self.emb_space))
        return unflattened(index, x, self.num_splits)

    def decode(self, emb_index: Any) -> tf.Tensor:
        """Return the vectors at the given indices: ``[..., num_splits] -> [..., q]``; a row of NaN for -1.

        The indices may be of any integer dtype.

        Raises
        ------
        ValueError, TypeError
            If the last axis is not `num_splits`, the dtype no integer, or the layer not built.
        tf.errors.InvalidArgumentError
            For any other index outside [0, n). Compiled by XLA, which raises nothing, it gives a row of NaN.
        """
        validation.check_built(self, "decode")
        validation.check_holds_values("emb_index", emb_index)
        emb_index = _as_tensor(emb_index)
        validation.check_codes(emb_index, self.num_splits)
        self._warn_if_not_initialized()
        chosen = tf.cast(decoded(tf.convert_to_tensor(self.emb_space), emb_index), self.compute_dtype)
        return unflattened(chosen, emb_index, self._q)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, serializable."""
        initializer = keras.initializers.serialize(self.embedding_initializer)
        return {
            **super().get_config(),
            "n": self.n,
            "dim_reduction": self.dim_reduction,
            "num_dim_reduction_components": self.num_dim_reduction_components,
            "embedding_initializer": "batch" if self.initializes_from_batch else initializer,
            "num_splits": self.num_splits,
            "return_endpoints": self.return_endpoints,
        }


def in_json(number: float) -> float | str:
    """Return a number as a configuration keeps it: JSON knows no infinity."""
    return str(number) if math.isinf(number) else number


def number_of(kept: Any) -> Any:
    """Return what a configuration keeps by `in_json`, and anything else as it is."""
    return float(kept) if isinstance(kept, str) and kept in ("inf", "-inf") else kept


def _is_being_built() -> bool:
    """Tell whether Keras only asks for shapes, as it does to build a model: weights may have no values yet."""
    with keras.StatelessScope(initialize_variables=False) as scope:
        return scope.original_scope is not None  # of the scope that was open before


def _as_tensor(values: Any) -> Any:
    """Return a list, an array or a variable as a tensor; a list of numbers in the dtype that NumPy gives it."""
    if isinstance(values, tf.Tensor | tf.RaggedTensor | tf.SparseTensor | keras.KerasTensor):
        return values
    of_tensors = any(tf.is_tensor(value) for value in tf.nest.flatten(values))
    return tf.convert_to_tensor(values if of_tensors or hasattr(values, "__array__") else np.asarray(values))
