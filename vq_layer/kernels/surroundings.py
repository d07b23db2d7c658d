"""What is around an operation: XLA, which compiles it as part of a whole, and the types of device it may run on."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.ops import control_flow_util


class Surroundings(NamedTuple):
    """What is around an operation.

    Attributes
    ----------
    inside_xla : bool
        Whether it is part of a program that XLA compiles as a whole (`jit_compile=True`).
    device_types : tuple of str
        The types of device that it may run on, "CPU" and "GPU".
    is_checked : bool
        Whether it gets others that check it (`tf.debugging`), which XLA cannot compile.
    """

    inside_xla: bool
    device_types: tuple[str, ...]
    is_checked: bool


_assumed: ContextVar[Surroundings | None] = ContextVar("_assumed", default=None)


def surroundings() -> Surroundings:
    """Return what is around an operation that is made now."""
    return Surroundings(inside_xla(), device_types(), is_checked())


@contextmanager
def assuming(there: Surroundings) -> Iterator[None]:
    """Let what is made now be made for the surroundings of the place where it will be used."""
    before = _assumed.set(there)
    try:
        yield
    finally:
        _assumed.reset(before)


def inside_xla() -> bool:
    """Tell whether what is traced now is part of a program that XLA compiles as a whole."""
    assumed = _assumed.get()
    traced = control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())
    return bool(traced or (assumed and assumed.inside_xla))


def device_types() -> tuple[str, ...]:
    """Return the types of device that an operation may run on that is made now."""
    assumed = _assumed.get()
    if assumed:
        return assumed.device_types
    with_gpu = bool(tf.config.get_visible_devices("GPU"))
    return types_of(tf.zeros([]).device, with_gpu) if with_gpu else ("CPU",)


def is_checked() -> bool:
    """Tell whether each operation gets others that check it (`tf.debugging`), which XLA cannot compile."""
    return bool(context.context().op_callbacks)


def types_of(device: str, with_gpu: bool) -> tuple[str, ...]:
    """Return the types that operations of a device may run on, as their `device` names it, with a GPU visible or not.

    In a graph it is empty outside of all scopes, and in a `tf.function` whatever the scope that calls it.
    """
    named = tf.DeviceSpec.from_string(device).device_type
    if named is None and with_gpu:
        return ("CPU", "GPU")
    return ("GPU",) if named == "GPU" and with_gpu else ("CPU",)


def products_are_exact() -> bool:
    """Tell whether no matrix product that is made now may be rounded to fewer bits, as a GPU does."""
    return "GPU" not in device_types()


def on_cpu() -> tf.Tensor:
    """Tell, when it runs, whether this runs on a processor, ``[]``; False in what XLA compiles as a whole."""
    return tf.equal(tf.raw_ops.DeviceIndex(device_names=["CPU"]), 0)
