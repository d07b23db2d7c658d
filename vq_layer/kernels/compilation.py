"""How large lookups are computed: by XLA or not, and as it suits a processor or a GPU."""

import functools
import warnings
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.python.ops import control_flow_util

_MODES = ("auto", "plain", "compiled", "fused")
_chosen = "auto"

Function = Callable[..., Any]


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

    A `tf.function` is traced anew in each `tf.Graph`.
    """
    whole = tf.function(function, signature, autograph=False)

    @functools.cache
    def concrete() -> Function:
        with tf.Graph().as_default():  # of none that the function will be part of, and not eagerly
            return whole.get_concrete_function()  # type: ignore[no-any-return]

    def run(*arguments: tf.Tensor) -> Any:
        return concrete()(*arguments)

    return run


def inside_xla() -> bool:
    """Tell whether what is traced now is part of a program that XLA compiles as a whole (`jit_compile=True`)."""
    return bool(control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()))


def way_on(device: str) -> str:
    """Return how large inputs are computed on a type of device, "CPU" or "GPU": "plain", "compiled" or "fused"."""
    if _chosen != "auto":
        return _chosen
    if _is_instrumented() or not _xla_works(device):
        return "plain"
    return "fused" if device == "GPU" else "compiled"


def is_forced() -> bool:
    """Tell whether XLA is to compile small inputs, too."""
    return _chosen in ("compiled", "fused")


def _is_instrumented() -> bool:
    """Tell whether each operation gets others that check it (`tf.debugging`), which XLA cannot compile."""
    with tf.Graph().as_default() as graph:
        tf.constant(0.0)
    return len(graph.get_operations()) > 1


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
