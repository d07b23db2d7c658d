"""The functions for graphs: `tf.Graph` with a v1 `Session`, or `tf.compat.v1.wrap_function`."""

import inspect
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from vq_layer import quantizers, validation
from vq_layer.distances import comparison_dtype
from vq_layer.quantizers import VQEndpoints

v1 = tf.compat.v1


def vector_quantization(
    x: tf.Tensor,
    n: int,
    alpha: float | tf.Tensor = 0.1,
    beta: float | tf.Tensor = 1e-4,
    gamma: float | tf.Tensor = 1e-6,
    lookup_ord: float = 2,
    dim_reduction: str | None = None,
    num_dim_reduction_components: int = -1,
    embedding_initializer: Any = v1.random_normal_initializer,
    constant_init: bool = False,
    num_splits: int = 1,
    num_embeds_replaced: int = 0,
    is_training: bool | tf.Tensor = False,
    return_endpoints: bool = False,
    name: str = "vq",
) -> tf.Tensor | VQEndpoints:
    """Replace every vector of x by the nearest embedding of a trainable embedding space, in a graph.

    The embedding space is the variable ``<name>/emb_space`` of shape ``[n, d]``, ``d = q / num_splits``. The losses
    that train it, each a scalar, join the collection ``tf.compat.v1.GraphKeys.LOSSES`` in this order:

    - ``<name>/alpha_loss``: mean over all vectors of ``alpha * ||nearest embedding - vector||_p``;
    - ``<name>/beta_loss``: mean over all vectors of ``beta * sum over all embeddings of ||vector - embedding||_p``;
    - ``<name>/coulomb_loss``: ``-gamma * sum over all embeddings of the distance to the nearest other one``.

    Parameters
    ----------
    x : tf.Tensor, shape [batch, r, q], floating dtype
        The inputs; batch and r may be unknown, q is static.
    n : int
        The number of embeddings.
    alpha, beta, gamma : float or scalar tf.Tensor
        The weights of the losses. A loss whose weight is the number 0 is absent.
    lookup_ord : {1, 2, numpy.inf}
        The order p of the norm; L2 is not squared.
    dim_reduction : None
        Reserved.
    num_dim_reduction_components : int
        Reserved.
    embedding_initializer : initializer, its class, or the name of a Keras initializer
        How the embedding space starts; with `constant_init` the values themselves, of shape [n, d].
    constant_init : bool
        Whether `embedding_initializer` is a constant.
    num_splits : int
        How many vectors the last axis of x holds, a divisor of q.
    num_embeds_replaced : int
        Reserved; ignored without `return_endpoints`.
    is_training : bool or scalar bool tf.Tensor
        Whether this is a training pass.
    return_endpoints : bool
        Whether to return `VQEndpoints`.
    name : str
        The variable scope.

    Returns
    -------
    tf.Tensor, shape and dtype of x, or VQEndpoints
        Each vector of the output is a row of the embedding space, bit for bit. Ties go to the lowest index. A vector
        with a NaN or infinite coordinate comes out as NaN. The gradient to x is the identity.

    Raises
    ------
    ValueError, TypeError
        Where an argument breaks its rule; nothing has been built then.
    RuntimeError
        Outside a graph: eagerly, on a KerasTensor or inside a `tf.function`. Use `vq_layer.VectorQuantization` there.

    References
    ----------
    van den Oord, Vinyals, Kavukcuoglu, "Neural Discrete Representation Learning", 2017.
    """
    _require_graph(x, "vector_quantization", "VectorQuantization")
    x = tf.convert_to_tensor(x)
    validation.check_x(x)
    validation.check_num_embeds(n)
    d = validation.vector_size(x.shape, num_splits)
    validation.check_lookup_ord(lookup_ord)
    for weight_name, weight in (("alpha", alpha), ("beta", beta), ("gamma", gamma)):
        validation.check_weight_or_schedule(weight_name, weight)
    _require_landed(dim_reduction, embedding_initializer, num_embeds_replaced if return_endpoints else 0)
    del num_dim_reduction_components, is_training

    with v1.variable_scope(name):
        emb_space = _emb_space_variable(
            (n, d), comparison_dtype(x.dtype), embedding_initializer, constant_init, "vector_quantization"
        )
        result = quantizers.vector_quantization(
            x,
            tf.convert_to_tensor(emb_space),
            alpha=alpha,
            beta=beta,
            gamma=gamma,
            lookup_ord=lookup_ord,
            num_splits=num_splits,
            return_spacing=return_endpoints,
        )
        for loss_name, loss in result.losses.items():
            v1.add_to_collection(v1.GraphKeys.LOSSES, tf.identity(loss, name=loss_name))
        layer_out = tf.identity(result.layer_out, name="layer_out")
        tf.identity(result.emb_index, name="emb_index")
        access_count = tf.identity(result.access_count, name="access_count")

    if not return_endpoints:
        return layer_out
    return VQEndpoints(
        layer_out=layer_out,
        emb_space=emb_space,
        access_count=access_count,
        distance=result.distance,
        emb_spacing=result.emb_spacing,
        emb_closest_spacing=result.emb_closest_spacing,
        replace_embeds=None,
        emb_space_batch_init=None,
    )


def _require_landed(dim_reduction: Any, embedding_initializer: Any, num_embeds_replaced: Any) -> None:
    if dim_reduction is not None:
        raise NotImplementedError(f"`dim_reduction` is not available yet. Received: {dim_reduction!r}")
    if isinstance(embedding_initializer, str) and embedding_initializer == "batch":
        raise NotImplementedError("`embedding_initializer='batch'` is not available yet.")
    if num_embeds_replaced != 0:
        raise NotImplementedError(f"`num_embeds_replaced` is not available yet. Received: {num_embeds_replaced!r}")


def _require_graph(x: Any, function: str, layer: str) -> None:
    if tf.executing_eagerly() or isinstance(x, keras.KerasTensor):
        raise _not_a_graph(function, layer)


def _not_a_graph(function: str, layer: str) -> RuntimeError:
    return RuntimeError(
        f"`{function}` builds variables and losses into a graph: call it inside `tf.Graph().as_default()` or "
        f"`tf.compat.v1.wrap_function`. Eagerly, in a Keras model or inside a `tf.function`, use the Keras layer "
        f"`vq_layer.{layer}`."
    )


def _emb_space_variable(
    shape: tuple[int, int], dtype: tf.DType, initializer: Any, constant_init: bool, function: str
) -> tf.Variable:
    if constant_init:
        validation.check_constant(initializer, shape)
    as_initializer = _constant_initializer if constant_init else _as_initializer
    try:
        return v1.get_variable("emb_space", shape, dtype, as_initializer(initializer))
    except (AttributeError, ValueError) as error:
        # In a tf.function get_variable fails, on the first trace with the one, on a later trace with the other.
        if "Tensor.op is undefined" in str(error) or "tf.function only supports singleton" in str(error):
            raise _not_a_graph(function, "VectorQuantization") from error
        raise


def _as_initializer(initializer: Any) -> Any:
    if isinstance(initializer, str):
        return keras.initializers.get(initializer)
    return initializer() if inspect.isclass(initializer) else initializer


def _constant_initializer(value: Any) -> Callable[..., tf.Tensor]:
    # A callable, since wrap_function cannot lift a tensor of its graph into the variable's initial value.
    return lambda shape, dtype=None, partition_info=None: tf.convert_to_tensor(value, dtype)  # noqa: ARG005
