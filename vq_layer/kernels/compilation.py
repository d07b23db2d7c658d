"""How large lookups are computed: by XLA or not, and as it suits a processor or a GPU."""

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import tensorflow as tf

from vq_layer.kernels import tuning
from vq_layer.kernels.surroundings import Surroundings, assuming, is_checked, surroundings
from vq_layer.shapes import static_shape

_MODES = ("auto", "plain", "compiled", "fused")
_chosen = "auto"
_KEPT = 64  # graphs that calls of a function may share, each of about a megabyte

Function = Callable[..., Any]
R = TypeVar("R")


def set_compilation(mode: str) -> None:
    """Choose how lookups and their training are computed; layers and graphs built before may keep what they have.

    Parameters
    ----------
    mode : {"auto", "plain", "compiled", "fused"}
        "auto", the default, uses XLA for large inputs where it works and no operation is checked by `tf.debugging`: as
        "compiled" where they are computed on a processor, as "fused" on a GPU. "plain" never uses XLA. "compiled"
        always does, for small inputs too, by programs written for a processor, but for what a matrix product finds
        without, and so does "fused", by few large ones; in these two it is an error if XLA cannot compile. On a GPU
        that rounds to TensorFloat-32, "compiled" may find wrong embeddings. Large inputs are taken in chunks in every
        mode, so that memory does not grow with the number of pairs.

    Raises
    ------
    ValueError
        For any other mode.
    """
    if mode not in _MODES:
        raise ValueError(f"`mode` must be one of {_MODES}. Received: mode={mode!r}")
    global _chosen  # noqa: PLW0603
    _chosen = mode


def get_compilation() -> str:
    """Return what `set_compilation` chose."""
    return _chosen


def compiled(function: Function) -> Function:
    """Return the function compiled by XLA, anew for each combination of shapes."""
    return tf.function(function, jit_compile=True, autograph=False)  # type: ignore[no-any-return]


def specs(dtype: tf.DType, *shapes: list[int | None]) -> list[tf.TensorSpec]:
    """Return the specs of arguments of one dtype."""
    return [tf.TensorSpec(shape, dtype) for shape in shapes]


def traced(function: Function, *signature: tf.TensorSpec) -> Function:
    """Return the function as a graph, built once for all arguments of this signature, and for all graphs it is part of.

    Once for each of their surroundings, that is. A `tf.function` is traced anew in each `tf.Graph`. What it returns can
    be waited for: a control dependency on a call is one on its effects alone, once TensorFlow has put it in place.
    """

    @functools.cache
    def concrete(there: Surroundings) -> Function:
        whole = tf.function(function, signature, autograph=False)
        with tf.Graph().as_default(), assuming(there):  # of none that the function will be part of, and not eagerly
            return whole.get_concrete_function()  # type: ignore[no-any-return]

    def run(*arguments: tf.Tensor) -> Any:
        results = concrete(surroundings())(*arguments)
        return results if tf.executing_eagerly() else tf.nest.map_structure(tf.identity, results)

    return run


def shared(function: Callable[..., R]) -> Callable[..., R]:
    """Return the function of tensors as a graph, which all calls share that are alike: calls in loops, layers, models.

    Alike are those whose tensors have equal static shapes and dtypes, and whose arguments by keyword are equal. The
    graphs of the latest are kept, so that memory does not grow with each new shape.
    """

    @functools.lru_cache(_KEPT)
    def of(signature: tuple[tf.TensorSpec, ...], constants: frozenset[tuple[str, Any]], *read: Any) -> Function:
        del read  # what the function may look at
        return traced(functools.partial(function, **dict(constants)), *signature)

    @functools.wraps(function)
    def call(*tensors: tf.Tensor, **constants: Any) -> R:
        signature = tuple(tf.TensorSpec(static_shape(it), it.dtype) for it in tensors)
        graph = of(signature, frozenset(constants.items()), _chosen, tuning.TUNING)
        return graph(*tensors)  # type: ignore[no-any-return]

    return call


def way_on(device: str) -> str:
    """Return how large inputs are computed on a type of device, "CPU" or "GPU": "plain", "compiled" or "fused"."""
    if _chosen != "auto":
        return _chosen
    if is_checked() or not _xla_works(device):
        return "plain"
    return "fused" if device == "GPU" else "compiled"


def is_forced() -> bool:
    """Tell whether XLA is to compile small inputs, too."""
    return _chosen in ("compiled", "fused")


@functools.cache
def _xla_works(device: str) -> bool:
    """Compile and run a small loop on a type of device; warn if that fails."""
    loop = compiled(lambda x: tf.while_loop(lambda i, _: i < 2, lambda i, x: (i + 1, x + 1), [0, x])[1])
    try:
        with tf.Graph().as_default(), tf.device(f"/{device}:0"), tf.compat.v1.Session() as session:
            session.run(loop(tf.zeros([2])))
    except Exception as error:  # whatever a compiler fails with
        warnings.warn(f"XLA does not work here; large lookups will be slower: {error}", RuntimeWarning, stacklevel=2)
        return False
    return True
