"""The parts that a graph is built from: variables, their updates, and what the functions refuse or warn of."""

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import keras
import tensorflow as tf

from vq_layer import validation
from vq_layer.core.quantizer import Quantizer, gathered, replaced, trained
from vq_layer.core.results import Result
from vq_layer.core.splitting import split
from vq_layer.dtypes import comparison_dtype
from vq_layer.graph import starting
from vq_layer.parts import replacement, starts
from vq_layer.parts.comparisons import PCA, Comparison
from vq_layer.parts.part import State
from vq_layer.parts.replacement import MostDistant, Replacement
from vq_layer.shapes import static_shape

v1 = tf.compat.v1
F = TypeVar("F", bound=Callable[..., Any])
OF_2018 = ("emb_space", "accumulated_usage_count", "distant_inputs", "input_distances")


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


def vector_size(x: tf.Tensor, n: Any, num_splits: Any, dim_reduction: Any, num_dim_reduction_components: Any) -> int:
    """Validate what all three functions take, and return d."""
    validation.check_x(x)
    validation.check_num_embeds(n)
    d = validation.vector_size(x.shape, num_splits)
    if dim_reduction is not None:
        validation.check_dim_reduction(dim_reduction, num_dim_reduction_components)
        validation.check_num_components(
            dim_reduction, num_dim_reduction_components, n, d, "num_dim_reduction_components"
        )
    return d


def in_space(comparison: Comparison, dim_reduction: str | None, num_components: int) -> Comparison:
    """Return the comparison in the space that a `dim_reduction` names."""
    return comparison if dim_reduction is None else PCA(comparison, dim_reduction, num_components)


class Kept(NamedTuple):
    """The variables of a graph by name, and the state: what is read of them, and what else the parts declare."""

    variables: dict[str, tf.Variable]
    state: State

    def assign(self, new: State, when: Any = True) -> list[tf.Operation]:
        """Return ops that assign what of the state is new, all of it computed before, where `when` holds."""
        values = {
            name: value if when is True else tf.where(when, value, self.state[name])
            for name, value in new.items()
            if name in self.variables
        }
        with tf.control_dependencies(list(values.values())):
            return [
                self.variables[name].assign(tf.cast(value, self.variables[name].dtype), read_value=False)
                for name, value in values.items()
            ]


def created(
    quantizer: Quantizer, d: int, x: tf.Tensor, initializer: Any, constant_init: bool, trainable: bool, layer: str
) -> Kept:
    """Create the variables that the parts declare in the scope, and read them.

    A replacement that does not act by itself keeps only those of 2018, so that its checkpoints can be restored; what
    else it keeps begins anew with each run. The counts of 2018 are float32.
    """
    by_rules = {name for rule in quantizer.rules for name in rule.variables(quantizer.n, d, tf.float32)}
    if quantizer.replacement is not None and quantizer.replacement.every is None:
        by_rules -= {"passes_since_replacement"}
    variables: dict[str, tf.Variable] = {}
    state: State = {}
    for name, it in quantizer.variables(d, comparison_dtype(x.dtype)).items():
        shape = static_shape(it)
        if name not in ("emb_space", *by_rules):
            is_named = isinstance(it.initial, str)
            given = keras.initializers.get(it.initial)(shape, it.dtype.name) if is_named else it.initial
            state[name] = tf.ensure_shape(tf.convert_to_tensor(given), shape)
            continue
        is_emb_space = name == "emb_space"
        own = {"zeros": v1.zeros_initializer(), "ones": v1.ones_initializer()}
        initial = starting.initial_values(initializer, constant_init) if is_emb_space else own[it.initial]
        dtype = tf.float32 if name in OF_2018 and not it.dtype.is_floating else it.dtype
        variables[name] = _variable(name, shape, dtype, initial, is_emb_space and trainable, layer)
        state[name] = tf.cast(tf.convert_to_tensor(variables[name]), it.dtype)
    if starting.is_batch(initializer):
        state["emb_space"] = starting.require_batch(state["emb_space"])
    return Kept(variables, state)


def _variable(
    name: str, shape: tuple[int, ...], dtype: tf.DType, initializer: Any, trainable: bool, layer: str
) -> tf.Variable:
    try:
        # As a resource: what was read from a reference variable may change when the variable does.
        return v1.get_variable(name, shape, dtype, initializer, trainable=trainable, use_resource=True)
    except (AttributeError, ValueError) as error:
        # In a tf.function get_variable fails, on the first trace with the one, on a later trace with the other.
        if "Tensor.op is undefined" in str(error) or "tf.function only supports singleton" in str(error):
            raise _not_a_graph(layer) from error
        raise


def replacement_of(value: Any, num_embeds_replaced: int, return_endpoints: bool) -> Replacement | None:
    """Return the replacement that is asked for, as in 2018 by a number or by a part."""
    part = replacement.replacement_of(value)
    if part is not None and num_embeds_replaced > 0:
        raise ValueError(
            f"`replacement` takes the place of `num_embeds_replaced`: give one of the two. "
            f"Received: replacement={part}, num_embeds_replaced={num_embeds_replaced}"
        )
    return MostDistant(num_embeds_replaced) if num_embeds_replaced > 0 and return_endpoints else part


def training_ops(
    result: Result, quantizer: Quantizer, kept: Kept, is_training: bool | tf.Tensor
) -> tuple[list[tf.Operation], tf.Operation | None]:
    """Return the updates of a training pass, and the op that replaces, None where nothing does."""
    learns = tf.is_tensor(is_training) or bool(is_training)
    new = trained(result, quantizer, gathered(result, quantizer.rules))[0] if learns else {}
    updates = kept.assign(new, is_training if tf.is_tensor(is_training) else True)
    if quantizer.replacement is None:
        return updates, None
    return updates, tf.group(*kept.assign(replaced(kept.state, quantizer).state), name="replace_embeds")


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


# What acts in training passes, and the values with which it does not.
IDLE = {"num_embeds_replaced": 0, "update": "gradient", "replacement": None}


def warn_of_idle_replacement(function: F) -> F:
    """Let a function warn of a replacement or an update that could never act, unless that is on purpose.

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
    """Return why what the given arguments ask for can never act; "" if it can."""
    replaced = given.get("num_embeds_replaced", 0)
    if replaced and not given.get("return_endpoints", False):
        return (
            f"`num_embeds_replaced` is ignored without `return_endpoints=True`, which returns the op that replaces. "
            f"Received: num_embeds_replaced={replaced}, return_endpoints=False"
        )
    acting = {name: given[name] for name, idle in IDLE.items() if given.get(name, idle) != idle}
    if acting and "is_training" not in given:
        received = ", ".join(f"{name}={value}" for name, value in acting.items())
        return (
            f"`is_training` must be given for what training passes do: True, or a bool tensor that is True in these; "
            f"False where the graph is only to infer. Received: {received}, no is_training"
        )
    return ""


def batch_init_op(
    x: tf.Tensor, emb_space: tf.Variable, num_splits: int, embedding_initializer: Any
) -> tf.Operation | None:
    """Build the op that initializes the embedding space from x; None unless that is asked for."""
    if not starting.is_batch(embedding_initializer):
        return None
    vectors = tf.stop_gradient(tf.cast(split(x, num_splits), emb_space.dtype))
    return emb_space.assign(starts.first_rows(vectors, static_shape(emb_space)[0]), read_value=False)
