"""Whether large lookups run compiled by XLA."""

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from vq_layer.shapes import static_shape, static_size

_MODES = ("auto", "plain", "compiled")
_chosen = "auto"
SMALL = 1 << 20  # coordinates of all pairs up to which the plain formula takes a few milliseconds and megabytes

Function = Callable[..., Any]


def set_compilation(mode: str) -> None:
    """Choose how lookups and their training are computed; layers and graphs built before may keep what they have.

    Parameters
    ----------
    mode : {"auto", "plain", "compiled"}
        "auto", the default, uses XLA for large inputs where it works, no GPU is present and no operation is checked by
        `tf.debugging`, "plain" never, and "compiled" always, for small inputs too. Only in the last mode is it an error
        if XLA cannot compile. Large inputs are taken in chunks in every mode, so that memory does not grow with the
        number of pairs.

    Raises
    ------
    ValueError
        For any other mode.
    """
    if mode not in _MODES:
        raise ValueError(f"`mode` must be one of {_MODES}, not {mode!r}")
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


def uses_xla() -> bool:
    """Tell whether large inputs are to go through XLA."""
    return _chosen == "compiled" or (_chosen == "auto" and not _is_instrumented() and _xla_works())


def _is_instrumented() -> bool:
    """Tell whether each operation gets others that check it (`tf.debugging`), which XLA cannot compile."""
    with tf.Graph().as_default() as graph:
        tf.constant(0.0)
    return len(graph.get_operations()) > 1


@functools.cache
def _xla_works() -> bool:
    """Compile and run a small loop; warn if that fails. Loops over chunks would be slow on a GPU."""
    if tf.config.list_physical_devices("GPU"):
        return False
    loop = compiled(lambda x: tf.while_loop(lambda i, _: i < 2, lambda i, x: (i + 1, x + 1), [0, x])[1])
    try:
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            session.run(loop(tf.zeros([2])))
    except Exception as error:  # whatever a compiler fails with
        warnings.warn(f"XLA does not work here; large lookups will be slower: {error}", RuntimeWarning, stacklevel=2)
        return False
    return True


def is_small(vectors: tf.Tensor, emb_space: tf.Tensor) -> bool:
    """Tell whether the plain formula is to be used, as far as is known before a graph runs; see `by_size`."""
    number = static_size(static_shape(vectors)[:-1])
    return _chosen != "compiled" and number is not None and number <= _most(emb_space)


def by_size(rows: tf.Tensor, emb_space: tf.Tensor, small: Function, large: Function) -> Any:
    """Return `small()` or, above `SMALL` coordinates of all pairs, `large()`.

    Parameters
    ----------
    rows : tf.Tensor, shape [number, d]
    emb_space : tf.Tensor, shape [n, d]
    """
    if is_small(rows, emb_space):
        return small()
    if _chosen == "compiled" or static_shape(rows)[0] is not None:
        return large()
    choose = functools.partial(tf.cond, tf.shape(rows)[0] <= _most(emb_space), small, large)
    # The control flow of TensorFlow 1 admits no tape in a branch; in a function it is that of TensorFlow 2.
    return choose() if tf.compat.v1.control_flow_v2_enabled() else tf.function(choose, autograph=False)()


def _most(emb_space: tf.Tensor) -> int:
    """Return the number of vectors up to which an input is small."""
    return SMALL // int(math.prod(static_shape(emb_space)))


class Route:
    """Shim."""

    def __init__(self, v: tf.Tensor, e: tf.Tensor) -> None:
        self.small = is_small(v, e)


def route(vectors: tf.Tensor, emb_space: tf.Tensor) -> Route:
    """Shim."""
    return Route(vectors, emb_space)
