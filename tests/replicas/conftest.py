"""Two devices, into which the processor is divided before anything has run on it."""

import pytest
import tensorflow as tf


@pytest.fixture(scope="session")
def strategy():
    """Return a strategy of two replicas; these tests have a process of their own, where nothing has run before."""
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
