"""Trains models that XLA compiles as a whole, and says how many programs that took; XLA must be told to write them."""

import sys
from pathlib import Path

import keras
import numpy as np

import vq_layer

LAYERS = {
    "defaults": lambda: vq_layer.VectorQuantization(64),  # of which k-means tries several seeds
    "large": lambda: vq_layer.VectorQuantization(1024),
    "2018": lambda: vq_layer.presets.adversarial_2018(64, replacement=vq_layer.MostDistant(4, every=2)),
    "cosine": lambda: vq_layer.VectorQuantization(64, comparison="cosine"),
    "residual": lambda: vq_layer.ResidualVectorQuantization(64, 3, quantizer_dropout=True),
}


def main(folder: str) -> None:
    """Train for some steps with each layer; XLA writes its programs into the folder."""
    x = np.random.default_rng(0).normal(size=(320, 16)).astype(np.float32)
    before = 0
    for name, make in LAYERS.items():
        model = keras.Sequential([keras.layers.Dense(16), make(), keras.layers.Dense(16)])
        model.compile("adam", "mse", jit_compile=True)
        model.fit(x, x, batch_size=64, verbose=0)
        programs = len(list(Path(folder).glob("*before_optimizations.txt")))
        sys.stdout.write(f"{name} {programs - before}\n")
        before = programs


if __name__ == "__main__":
    main(sys.argv[1])
