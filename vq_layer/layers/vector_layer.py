"""What all layers share, whatever they put in the place of the vectors of their input."""

import reprlib
from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from vq_layer import validation
from vq_layer.layers import checks
from vq_layer.layers.metrics import CodebookUsage, DeadShare, MeanLoss, Perplexity, unique_names
from vq_layer.layers.on_demand import LossesOnDemand, flattened, losses_apart
from vq_layer.shapes import static_shape
from vq_layer.tracing import as_it_stands


class VectorLayer(LossesOnDemand):
    """A layer that replaces the vectors of its input, ``[batch, ..., q]``, and may count by which.

    Parameters
    ----------
    return_endpoints : bool
        Whether a call returns `Endpoints`.
    **kwargs
        Those of `keras.layers.Layer`.
    """

    def __init__(self, return_endpoints: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        checks.check_policy(self.dtype_policy)
        self.return_endpoints = bool(return_endpoints)
        self.supports_masking = True  # the mask of x is that of the output
        self._watched: list[Any] = []

    def watch(self, num_codebooks: int, n: int, losses: Iterable[str] = (), tells_dead: bool = False) -> None:
        """Have metrics of the usage of so many codebooks of size n, of losses by name, and of what is dead."""
        counted = Perplexity(num_codebooks, n)
        self._watched = [counted, CodebookUsage(counted), *(MeanLoss(name, num_codebooks, counted) for name in losses)]
        if tells_dead:
            self._watched.append(DeadShare())

    @property
    def access_counts(self) -> list[tf.Tensor]:
        """What its metrics counted of each codebook since their last reset, ``[n]``, float64; none without metrics."""
        return tf.unstack(self._watched[0].of_codebooks()) if self._watched else []

    @property
    def told(self) -> dict[str, tf.Tensor]:
        """What its metrics tell since their last reset, by the names of the quantities; nothing without metrics."""
        return {metric.quantity: metric.result() for metric in self._watched}

    def count(
        self, increments: Callable[[], list[tf.Tensor | None]], outermost: keras.layers.Layer, training: bool | None
    ) -> None:
        """Add the increments of a call to the metrics; those of an inference, only if its losses are read.

        In a call that began with the outermost layer.
        """

        def count() -> None:
            _name_metrics(outermost)
            with losses_apart(outermost):  # replicas may wait for one another to update a metric
                for metric, increment in zip(self._watched, increments(), strict=True):
                    metric.add(increment)

        if training:
            count()
        else:
            self.when_losses_are_read(count)

    @as_it_stands
    def __call__(
        self,
        x: Any = None,
        training: bool | None = None,
        mask: Any = None,
        *,
        inputs: Any = None,
        method: str | None = None,
        q: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Quantize x, ``[batch, ..., q]``; return the output, or the endpoints with `return_endpoints`.

        Parameters
        ----------
        x : tensor, shape [batch, ..., q]
            `inputs` is the name by which other layers of Keras take it, and works, too.
        training : bool or None
            Whether this is a pass of training; that of Keras if it is not given.
        mask : tensor, bool, or None
            Which vectors count, of the shape of x without its last axis, or of a leading part of that; that of Keras if
            it is not given. The others come out as they are, and are otherwise as if they were not there.
        method : {"encode", "decode"} or None
            What a functional model, for which `encode` or `decode` made a node, calls in the place of a pass.
        q : int or None
            With "decode", the size of the last axis of what comes out: a copy of the model builds a layer by it.
        """
        if (x is None) == (inputs is None):
            raise TypeError("a call takes `x`, or `inputs` in its place. Received: " + ("both", "neither")[x is None])
        x = inputs if x is None else x
        if method is not None:
            return self._call_method(x, method, q)
        x = self._checked(x)
        checks.check_training(training)
        if training is not None:
            kwargs["training"] = training
        if mask is not None:
            kwargs["mask"] = checks.checked_mask(mask, x)
        return super().__call__(x, **kwargs)

    def _call_method(self, x: Any, method: str, q: int | None) -> Any:
        """Return ``encode(x)`` or ``decode(x)``, as a node of a functional model where x is a symbol."""
        validation.check_one_of("method", method, ("encode", "decode"))
        if method == "encode":
            return super().__call__(self._checked(x), method=method)
        if not self.built and q is not None:
            self.build((None, q))
        checks.check_built(self, method)  # else Keras builds it for vectors of the shape of the indices
        return super().__call__(x, method=method, q=self._q)

    def call(
        self,
        x: tf.Tensor,
        training: bool | None = None,
        mask: Any = None,
        method: str | None = None,
        q: int | None = None,
    ) -> Any:
        """Quantize x, or do what `method` says; see `__call__`."""
        del q  # it built the layer
        return self.quantized(x, training, mask) if method is None else getattr(self, method)(x)

    @abstractmethod
    def quantized(self, x: tf.Tensor, training: bool | None, mask: Any) -> Any:
        """Return the output, or the endpoints, of a pass over x as it is, and do what goes with it."""

    def compute_output_spec(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return shapes and dtypes of what a call returns, as `keras.KerasTensor`; builds nothing."""
        x = self.dtype_policy.convert_input(x, self.autocast, self.input_dtype)
        layer = self if self.built else self._twin(x)
        if self.return_endpoints or kwargs.get("method") is not None:
            return keras.Operation.compute_output_spec(layer, x, *args, **kwargs)  # which traces `call`
        if kwargs.get("mask") is not None:
            checks.checked_mask(kwargs["mask"], x)
        return keras.KerasTensor(static_shape(layer._checked(x)), x.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of what a call returns; with endpoints, those by their names. Builds and changes nothing."""
        x = self._checked(keras.KerasTensor(tuple(input_shape), self.compute_dtype))
        return keras.tree.map_structure(static_shape, self._twin(x).compute_output_spec(x))

    def _twin(self, x: Any) -> "VectorLayer":
        """Return a layer of the same configuration, built for x: what is traced in it leaves nothing in this one."""
        twin: VectorLayer = self.from_config(self.get_config())
        twin.build(x.shape)
        return twin

    def _checked(self, x: Any) -> Any:
        """Return x as a tensor, after the checks that can do without its values."""
        x = as_tensor("x", x)
        checks.check_layer_input(x, self._q if self.built else None)
        return x

    def _built_for(self, x: Any) -> tf.Tensor:
        """Return x as a call converts it, with the layer built for it."""
        checks.check_holds_values("x", x)
        x = self._checked(x)
        x = self.dtype_policy.convert_input(x, self.autocast, self.input_dtype)
        if not self.built:
            self.build(x.shape)
        return x

    @property
    @abstractmethod
    def _q(self) -> int:
        """The size of the last axis of the input."""


def _name_metrics(outermost: keras.layers.Layer) -> None:
    """Name the metrics after their layers if the outermost layer holds several such layers."""
    layers = [layer for layer in flattened(outermost) if isinstance(layer, VectorLayer) and layer._watched]
    if len(layers) > 1:
        for layer, name in zip(layers, unique_names([it.name for it in layers]), strict=True):
            for metric in layer._watched:
                metric.name_after(name)


def as_tensor(name: str, values: Any) -> Any:
    """Return a list, an array or a variable as a tensor; a list of numbers in the dtype that NumPy gives it."""
    if isinstance(values, tf.Tensor | tf.RaggedTensor | tf.SparseTensor | keras.KerasTensor):
        return values
    of_tensors = any(tf.is_tensor(value) for value in tf.nest.flatten(values))
    try:
        return tf.convert_to_tensor(values if of_tensors or hasattr(values, "__array__") else np.asarray(values))
    except (TypeError, ValueError) as error:
        rule = f"`{name}` must be a tensor, an array, or a list of numbers in rows of one length"
        raise TypeError(f"{rule}. Received: {reprlib.repr(values)}") from error
