"""One training on two devices
===========================

After this example you can train by `fit` under `tf.distribute.MirroredStrategy`, and say how that differs from one
device.

Each replica sees half of every batch, and they learn what one learns from the whole of it. It prints, for a VQ-VAE of
handwritten digits, the logs of both trainings, whether the copies of the codebook are identical, and by how much they
differ from the codebook of the training on one device: by rounding, since sums are added in another order, which
training makes larger step by step. Without two GPUs it divides the processor into two devices. That must come before
anything else runs, so this page shows it without running it::

    python -m examples.two_devices
"""

import argparse
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from vq_layer import VectorQuantization

BATCH = 64  # of both replicas together


class Outcome(NamedTuple):
    """What comes of a training.

    Attributes
    ----------
    logs : dict of str to float
        Those of the last epoch.
    copies : list of dict of str to array
        The state of the codebook of each replica, by name.
    """

    logs: dict[str, float]
    copies: list[dict[str, NDArray[Any]]]


def two_devices() -> list[str]:
    """Return the names of two GPUs, or of two halves of the processor; nothing may have run on it before."""
    gpus = tf.config.list_logical_devices("GPU") if len(tf.config.list_physical_devices("GPU")) > 1 else []
    if len(gpus) > 1:
        return [gpu.name for gpu in gpus[:2]]
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    return ["CPU:0", "CPU:1"]


def model_of_digits() -> tuple[keras.Model, VectorQuantization]:
    """Return a VQ-VAE, compiled, and its codes."""
    keras.utils.set_random_seed(0)
    conv = {"padding": "same", "activation": "relu"}
    codes = VectorQuantization(64, name="codes")
    model = keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(32, 4, strides=2, **conv),
            layers.Conv2D(16, 1),
            codes,
            layers.Conv2DTranspose(32, 4, strides=2, **conv),
            layers.Conv2D(1, 3, padding="same"),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    return model, codes


def train(strategy: tf.distribute.Strategy, epochs: int) -> Outcome:
    """Train under a strategy."""
    digits = load_digits().images[..., np.newaxis].astype(np.float32) / 16
    train, held_out = digits[:1408], digits[1408:]  # whole batches: `fit` weighs replicas alike, whatever their rows
    with strategy.scope():
        model, codes = model_of_digits()
    data = {"batch_size": BATCH, "shuffle": False, "validation_data": (held_out, held_out)}
    history = model.fit(train, train, epochs=epochs, verbose=0, **data).history
    values = {name: strategy.experimental_local_results(getattr(codes, name).value) for name in codes.state}
    copies = [{name: of[i].numpy() for name, of in values.items()} for i in range(strategy.num_replicas_in_sync)]
    return Outcome({name: of_epochs[-1] for name, of_epochs in history.items()}, copies)


def main(arguments: Sequence[str] | None = None) -> tuple[Outcome, Outcome]:
    """Train on one device and on two, and say how they differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="train for two epochs")
    parser.add_argument("--epochs", type=int, default=20)
    chosen = parser.parse_args(arguments)
    devices, epochs = two_devices(), 2 if chosen.small else chosen.epochs
    one = train(tf.distribute.OneDeviceStrategy(devices[0]), epochs)
    two = train(tf.distribute.MirroredStrategy(devices), epochs)
    for name in one.logs:
        print(f"{name:24} one device {one.logs[name]:.6f}   two {two.logs[name]:.6f}")
    first, second = two.copies
    identical = all(np.array_equal(first[name], second[name]) for name in first)
    difference = np.abs(first["emb_space"] - one.copies[0]["emb_space"]).max()
    print(f"the codebooks of the two replicas are {'identical' if identical else 'NOT identical'};")
    print(f"from that of one device they differ by {difference:.1e} at most, of {np.abs(first['emb_space']).max():.2f}")
    return one, two


if __name__ == "__main__":
    main()
