"""The parts that a graph is built from: variables, their updates, and what the functions refuse or warn of."""

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import keras
import numpy as np
import tensorflow as tf

from vq_layer import validation
from vq_layer.assertions import labels_in_range
from vq_layer.core import quantizers
from vq_layer.core.quantizers import VQResult
from vq_layer.dtypes import comparison_dtype
from vq_layer.kernels.lookup import access_count
from vq_layer.parts import replacement
from vq_layer.parts import starts as initialization
from vq_layer.parts.replacement import ReplacementState
from vq_layer.shapes import static_shape

v1 = tf.compat.v1
F = TypeVar("F", bound=Callable[..., Any])


def require_graph(x: Any, layer: str) -> None:
    """Refuse to run outside a graph, where the Keras layer of this name is to be used."""
    if tf.executing_eagerly() or isinstance(x, keras.KerasTensor):
        raise _not_a_graph(layer)


def _not_a_graph(layer: str) -> RuntimeError:
    return RuntimeError(
        f"this function builds variables into a graph: call it inside `tf.Graph().as_default()` or "
        f"`tf.compat.v1.wrap_function`. Eagerly, in a Keras model or inside a `tf.function`, use the Keras layer "
        f"`vq_layer.{layer}`."
    )


def emb_space_shape(
    x: tf.Tensor, n: Any, num_splits: Any, dim_reduction: Any, num_dim_reduction_components: Any
) -> tuple[int, int]:
    """Validate what all three functions take, and return [n, d]."""
    validation.check_x(x)
    validation.check_num_embeds(n)
    d = validation.vector_size(x.shape, num_splits)
    validation.check_dim_reduction(dim_reduction, num_dim_reduction_components)
    validation.check_num_components(dim_reduction, num_dim_reduction_components, n, d)
    return int(n), d


def emb_space_variable(
    shape: tuple[int, int], x: tf.Tensor, initializer: Any, constant_init: bool, trainable: bool, layer: str
) -> tf.Variable:
    """Get the variable ``emb_space`` of the scope, in the comparison dtype of x."""
    try:
        return v1.get_variable(
            "emb_space",
            shape,
            comparison_dtype(x.dtype),
            initialization.initial_values(initializer, constant_init),
            trainable=trainable,
            use_resource=True,  # what was read from a reference variable may change when the variable does
        )
    except (AttributeError, ValueError) as error:
        # In a tf.function get_variable fails, on the first trace with the one, on a later trace with the other.
        if "Tensor.op is undefined" in str(error) or "tf.function only supports singleton" in str(error):
            raise _not_a_graph(layer) from error
        raise


def replacement_ops(
    result: VQResult, emb_space: tf.Variable, num_embeds_replaced: int, is_training: bool | tf.Tensor
) -> tuple[list[tf.Operation], tf.Operation]:
    """Build the state of a replacement; return the updates of a training pass and the op that replaces."""
    n, d = static_shape(emb_space)
    variables = ReplacementState(
        _zeros_variable("accumulated_usage_count", [n], tf.float32),
        _zeros_variable("distant_inputs", [num_embeds_replaced, d], emb_space.dtype),
        _zeros_variable("input_distances", [num_embeds_replaced], emb_space.dtype),
    )
    state = ReplacementState(*map(tf.convert_to_tensor, variables))
    updates = []
    if tf.is_tensor(is_training) or is_training:
        counts = access_count(result.emb_index, n)
        passed = replacement.accumulate_nearest(state, counts, result.vectors, result.nearest_distance)
        values = [tf.where(is_training, new, old) for new, old in zip(passed, state, strict=True)]
        updates = [variable.assign(value, read_value=False) for variable, value in zip(variables, values, strict=True)]
    outcome = replacement.replace_embeds(state, tf.convert_to_tensor(emb_space))
    replace = emb_space.assign(outcome.emb_space, read_value=False)
    with tf.control_dependencies([replace]):  # the zeros depend on nothing else that reads the state first
        zeroed = [
            variables.usage.assign(outcome.state.usage, read_value=False),
            variables.input_distances.assign(outcome.state.input_distances, read_value=False),
        ]
    return updates, tf.group(replace, *zeroed, name="replace_embeds")


def _zeros_variable(name: str, shape: list[int], dtype: tf.DType) -> tf.Variable:
    return v1.get_variable(name, shape, dtype, v1.zeros_initializer(), trainable=False, use_resource=True)


def after(updates: list[tf.Operation], value: tf.Tensor) -> tf.Tensor:
    """Return the value; who computes it, or a gradient through it, makes the updates first.

    The backward pass depends on them by itself: the gradient of a loss, and so a step of training, may need nothing of
    what the loss itself waits for.
    """
    if not updates:
        return value

    def wait(value: tf.Tensor) -> tf.Tensor:
        # A gradient may be built in another graph, as that of a branch is, out of whose reach the updates are.
        inside = updates[0].graph is v1.get_default_graph()
        with tf.control_dependencies(updates if inside else []):
            return tf.identity(value)

    return tf.custom_gradient(lambda value: (wait(value), wait))(value)


def warn_of_idle_replacement(function: F) -> F:
    """Let a function warn of a replacement that could never act, unless that is on purpose.

    A decorator, since the function itself cannot tell the default of `is_training` from the same value given on
    purpose, as where a graph is only to infer.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def warned(*args: Any, **kwargs: Any) -> Any:
        built = function(*args, **kwargs)
        reason = _why_idle(signature.bind(*args, **kwargs).arguments)
        if reason:
            warnings.warn(reason, stacklevel=2)
        return built

    return warned  # type: ignore[return-value]


def _why_idle(given: dict[str, Any]) -> str:
    """Return why the replacement that was asked for by the given arguments can never act; "" if it can."""
    replaced = given.get("num_embeds_replaced", 0)
    if replaced == 0:
        return ""
    if not given.get("return_endpoints", False):
        return (
            f"`num_embeds_replaced` is ignored without `return_endpoints=True`, which returns the op that replaces. "
            f"Received: num_embeds_replaced={replaced}, return_endpoints=False"
        )
    if "is_training" not in given:
        return (
            f"`is_training` must be given for a replacement: True, or a bool tensor that is True in training passes, "
            f"which gather what replaces; False where the graph is only to infer. "
            f"Received: num_embeds_replaced={replaced}, no is_training"
        )
    return ""


def emb_space_tensor(emb_space: tf.Variable, embedding_initializer: Any) -> tf.Tensor:
    """Return the embedding space for a lookup; it exists only if it is initialized from a batch where that is due."""
    value = tf.convert_to_tensor(emb_space)
    return initialization.require_batch(value) if initialization.is_batch(embedding_initializer) else value


def batch_init_op(
    x: tf.Tensor, emb_space: tf.Variable, num_splits: int, embedding_initializer: Any
) -> tf.Operation | None:
    """Build the op that initializes the embedding space from x; None unless that is asked for."""
    if not initialization.is_batch(embedding_initializer):
        return None
    rows = initialization.first_rows(quantizers.compared(x, emb_space, num_splits), static_shape(emb_space)[0])
    return emb_space.assign(rows, read_value=False)


def checked_labels(emb_labels: Any, n: int, num_classes: int) -> tf.Tensor:
    """Return the labels as a tensor that exists only if all are in range."""
    labels = emb_labels if tf.is_tensor(emb_labels) else np.asarray(emb_labels)  # lists: int64, as in the layer
    return labels_in_range(tf.ensure_shape(tf.convert_to_tensor(labels), [n]), num_classes)
