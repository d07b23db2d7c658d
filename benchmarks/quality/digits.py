"""A VQ-VAE of small handwritten digits, with one quantizer or another in its middle."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.stats import entropy
from sklearn.datasets import load_digits

CHANNELS, NUM_EMBEDS = 16, 64
NUM_TRAINING = 1437
BATCH_SIZE, LEARNING_RATE = 64, 1e-3
FILTERS = 32

Quantizers = Mapping[str, Callable[[], keras.layers.Layer]]


class Digits(NamedTuple):
    """The images, ``[number, 8, 8, 1]``, of values in 0..1."""

    train: NDArray[np.float32]
    test: NDArray[np.float32]


class Outcome(NamedTuple):
    """What a training leaves.

    Attributes
    ----------
    error : float
        The mean square error of the reconstruction of a pixel, over the test set.
    rms : float
        The root mean square of what the encoder puts out there.
    codes : int or None
        How many codes are in use there; None without any.
    perplexity : float or None
    seconds : list of float
        What each epoch took.
    """

    error: float
    rms: float
    codes: int | None
    perplexity: float | None
    seconds: list[float]


def load() -> Digits:
    """Return scikit-learn's digits in one fixed order, 1,437 to train on and 360 to test on."""
    images = load_digits().images[..., None].astype(np.float32) / 16
    images = images[np.random.default_rng(0).permutation(len(images))]
    return Digits(train=images[:NUM_TRAINING], test=images[NUM_TRAINING:])


def autoencoder(quantizer: keras.layers.Layer, channels: int = CHANNELS, filters: int = FILTERS) -> keras.Sequential:
    """Return encoder, quantizer and decoder: ``[8, 8, 1] -> [4, 4, channels] -> [8, 8, 1]``."""
    layers = keras.layers
    encoder = [
        layers.Conv2D(filters, 3, padding="same", activation="relu"),
        layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2D(channels, 1),
    ]
    decoder = [
        layers.Conv2D(filters, 3, padding="same", activation="relu"),
        layers.Conv2DTranspose(filters, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2D(1, 3, padding="same"),
    ]
    return keras.Sequential([keras.Input((8, 8, 1)), keras.Sequential(encoder), quantizer, keras.Sequential(decoder)])


def compare(
    quantizers: Quantizers, digits: Digits, seed: int, epochs: int, advance: Callable[[], Any]
) -> dict[str, Outcome]:
    """Train a model around each quantizer, all from the same weights on the same batches.

    They take turns, an epoch each, so that a slow minute of the machine falls on all alike.
    """
    models = {name: _compiled(make, seed) for name, make in quantizers.items()}
    seconds: dict[str, list[float]] = {name: [] for name in quantizers}
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        x = digits.train[rng.permutation(len(digits.train))]
        for name, model in models.items():
            start = time.perf_counter()
            model.fit(x, x, batch_size=BATCH_SIZE, shuffle=False, verbose=0)
            seconds[name].append(time.perf_counter() - start)
            advance()
    return {name: _outcome(model, digits.test, seconds[name]) for name, model in models.items()}


def _compiled(make: Callable[[], keras.layers.Layer], seed: int) -> keras.Sequential:
    keras.utils.set_random_seed(seed)
    model = autoencoder(make())
    # Never XLA, which Keras would take for some of them alone, and which made the convolutions slower here.
    model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), loss="mse", jit_compile=False)
    return model


def _outcome(model: keras.Sequential, images: NDArray[np.float32], seconds: list[float]) -> Outcome:
    encoder, quantizer, _ = model.layers
    vectors = encoder(images)
    codes = perplexity = None
    if hasattr(quantizer, "encode"):
        count = np.bincount(np.ravel(quantizer.encode(vectors)))
        codes, perplexity = int(np.count_nonzero(count)), float(np.exp(entropy(count)))
    return Outcome(
        error=float(np.mean(np.square(model(images) - images))),
        rms=float(np.sqrt(np.mean(np.square(vectors)))),
        codes=codes,
        perplexity=perplexity,
        seconds=seconds,
    )
