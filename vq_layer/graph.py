"""The parts that a graph is built from: variables, their updates, and checks of what only a run knows."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from vq_layer import initialization, quantizers, replacement, validation
from vq_layer.assertions import labels_in_range
from vq_layer.distances import comparison_dtype
from vq_layer.lookup import access_count
from vq_layer.quantizers import VQResult
from vq_layer.replacement import ReplacementState

v1 = tf.compat.v1


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
    n, d = emb_space.shape
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
    return v1.get_variable(name, shape, dtype, v1.zeros_initializer(), trainable=False)


def batch_init_op(
    x: tf.Tensor, emb_space: tf.Variable, num_splits: int, embedding_initializer: Any
) -> tf.Operation | None:
    """Build the op that initializes the embedding space from x; None unless that is asked for."""
    if not initialization.is_batch(embedding_initializer):
        return None
    rows = initialization.first_rows(quantizers.compared(x, emb_space, num_splits), emb_space.shape[0])
    return emb_space.assign(rows, read_value=False)


def checked_labels(emb_labels: Any, n: int, num_classes: int) -> tf.Tensor:
    """Return the labels as a tensor that exists only if all are in range."""
    labels = emb_labels if tf.is_tensor(emb_labels) else np.asarray(emb_labels)  # lists: int64, as in the layer
    return labels_in_range(tf.ensure_shape(tf.convert_to_tensor(labels), [n]), num_classes)
