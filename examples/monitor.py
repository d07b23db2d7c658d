"""A training watched
==================

After this example you can watch a codebook during training, and tell one that goes wrong from one that goes well.

Two VQ-VAEs of handwritten digits are trained as one model. They differ in their quantizers alone: one has the defaults,
the other nothing that holds its encoder near its embeddings, which start from a normal distribution and are never
replaced. `CodebookMonitor` tells them apart: it warns of one with what to try, draws both after each epoch, and writes
what TensorBoard shows. It prints the warnings and what the last epoch was like::

    python -m examples.monitor
    tensorboard --logdir out/monitor
"""

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

from vq_layer import CodebookMonitor, VectorQuantization

NUM_CODES, CHANNELS = 64, 16


def autoencoder(images: keras.KerasTensor, quantizer: VectorQuantization) -> keras.KerasTensor:
    """Return what comes out for images, ``[m, 8, 8, 1]``, by way of ``[m, 4, 4, 16]``."""
    conv = {"padding": "same", "activation": "relu"}
    hidden = layers.Conv2D(32, 3, strides=2, **conv)(layers.Conv2D(32, 3, **conv)(images))
    codes = quantizer(layers.Conv2D(CHANNELS, 1)(hidden))
    hidden = layers.Conv2DTranspose(32, 3, strides=2, **conv)(layers.Conv2D(32, 3, **conv)(codes))
    return layers.Conv2D(1, 3, padding="same")(hidden)


def main(arguments: Sequence[str] | None = None) -> list[str]:
    """Train both, print the warnings and the last epoch; return the warnings."""
    parser = argparse.ArgumentParser(description="Two VQ-VAEs of digits, watched.")
    parser.add_argument("--small", action="store_true", help="fewer epochs, for a try")
    parser.add_argument("--folder", type=Path, default=Path("out/monitor"), help="where the monitor writes and draws")
    options = parser.parse_args(arguments)
    keras.utils.set_random_seed(0)
    digits = (load_digits().images[..., np.newaxis] / 16).astype(np.float32)

    images = keras.Input((8, 8, 1))
    held = VectorQuantization(NUM_CODES, name="by_default")
    loose = VectorQuantization(NUM_CODES, losses=[], update="gradient", start=None, replacement=None, name="loose")
    model = keras.Model(images, [autoencoder(images, held), autoencoder(images, loose)])
    model.compile(keras.optimizers.Adam(1e-3), ["mse", "mse"])
    monitor = CodebookMonitor(options.folder, digits[:128], png=options.folder)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        epochs = 6 if options.small else 10
        logs = model.fit(digits, [digits, digits], epochs=epochs, verbose=0, callbacks=[monitor]).history
    told = [str(warning.message) for warning in caught]
    print("\n".join(told))
    for name in (held.name, loose.name):
        used, perplexity = logs[f"{name}_codebook_usage"][-1], logs[f"{name}_perplexity"][-1]
        print(f"{name}: {used:.0%} of {NUM_CODES} embeddings in use, perplexity {perplexity:.1f}")
    print(f"{options.folder}/epoch_{epochs:04}.png shows both")
    return told


if __name__ == "__main__":
    main()
