"""The types of device that what is computed here may run on, of which a graph may be told only when it runs."""

import tensorflow as tf


def possible_types() -> tuple[str, ...]:
    """Return the types of device that operations of the current scope may run on, "CPU" and "GPU"."""
    with_gpu = bool(tf.config.get_visible_devices("GPU"))
    return types_of(tf.zeros([]).device, with_gpu) if with_gpu else ("CPU",)


def types_of(device: str, with_gpu: bool) -> tuple[str, ...]:
    """Return the same for operations of a device, as their attribute `device` names it, where a GPU is visible or not.

    In a graph it is empty outside of all scopes, and in a `tf.function` whatever the scope that calls it.
    """
    named = tf.DeviceSpec.from_string(device).device_type
    if named is None and with_gpu:
        return ("CPU", "GPU")
    return ("GPU",) if named == "GPU" and with_gpu else ("CPU",)


def products_are_exact() -> bool:
    """Tell whether no matrix product of the current scope may be rounded to fewer bits, as a GPU does."""
    return "GPU" not in possible_types()


def on_cpu() -> tf.Tensor:
    """Tell, when it runs, whether this runs on a processor, ``[]``; False in what XLA compiles as a whole."""
    return tf.equal(tf.raw_ops.DeviceIndex(device_names=["CPU"]), 0)
