"""Trainings over the whole range of settings, to see that the defaults break down in none."""

import math
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.digits import Digits, autoencoder
from benchmarks.quality.layers import ours

STEPS = 200
BATCH_SIZE = 479  # a third of the images, for what is computed after the training
FILTERS = 16
POSITIONS = 4 * 4  # of the vectors of an image


class Setting(NamedTuple):
    """What is varied."""

    n: int
    d: int
    num_splits: int
    batch_size: int
    learning_rate: float
    policy: str
    comparison: str


class Outcome(NamedTuple):
    """What a training leaves.

    Attributes
    ----------
    loss : float
        That of the last epoch; not finite if that of any epoch is not.
    rms : float
        The root mean square of what the encoder puts out; NaN if any pixel of the output is not finite.
    codes : int
        How many are in use on the training set.
    fillable : int
        How many can be; see `fillable`.
    """

    loss: float
    rms: float
    codes: int
    fillable: int


# All pairs of n and d. The rest is spread so that each two values meet as evenly as 24 settings allow.
SETTINGS = (
    Setting(16, 1, 4, 128, 1e-3, "mixed_float16", "l1"),
    Setting(16, 2, 4, 512, 1e-2, "float32", "l2"),
    Setting(16, 4, 1, 32, 1e-2, "mixed_float16", "l1"),
    Setting(16, 8, 2, 8, 1e-3, "float32", "linf"),
    Setting(16, 16, 1, 128, 1e-4, "mixed_bfloat16", "l2"),
    Setting(16, 64, 2, 8, 1e-4, "mixed_bfloat16", "cosine"),
    Setting(64, 1, 2, 32, 1e-2, "mixed_bfloat16", "linf"),
    Setting(64, 2, 1, 8, 1e-4, "mixed_float16", "linf"),
    Setting(64, 4, 4, 8, 1e-3, "mixed_bfloat16", "l2"),
    Setting(64, 8, 4, 512, 1e-4, "mixed_bfloat16", "l1"),
    Setting(64, 16, 2, 512, 1e-3, "float32", "l1"),
    Setting(64, 64, 1, 128, 1e-2, "float32", "cosine"),
    Setting(256, 1, 1, 512, 1e-2, "mixed_bfloat16", "cosine"),
    Setting(256, 2, 2, 128, 1e-3, "mixed_bfloat16", "l1"),
    Setting(256, 4, 4, 128, 1e-4, "float32", "linf"),
    Setting(256, 8, 1, 32, 1e-3, "mixed_float16", "l2"),
    Setting(256, 16, 4, 8, 1e-2, "mixed_float16", "cosine"),
    Setting(256, 64, 2, 32, 1e-4, "float32", "l2"),
    Setting(1024, 1, 1, 8, 1e-4, "float32", "l1"),
    Setting(1024, 2, 4, 32, 1e-3, "float32", "cosine"),
    Setting(1024, 4, 2, 512, 1e-4, "mixed_float16", "cosine"),
    Setting(1024, 8, 2, 128, 1e-2, "mixed_float16", "l2"),
    Setting(1024, 16, 4, 32, 1e-2, "mixed_bfloat16", "linf"),
    Setting(1024, 64, 1, 512, 1e-3, "mixed_float16", "linf"),
)


def train(setting: Setting, digits: Digits, steps: int = STEPS) -> Outcome:
    """Train a small VQ-VAE of the digits for so many steps of at least n vectors each, to the end of an epoch."""
    keras.utils.set_random_seed(0)
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(setting.policy)
    try:
        layer = ours(setting.n, num_splits=setting.num_splits, comparison=setting.comparison)
        model = autoencoder(layer, setting.d * setting.num_splits, FILTERS)
        model.compile(optimizer=keras.optimizers.Adam(setting.learning_rate), loss="mse")
        # As dead codes are told: a step of fewer vectors than codes counts for less.
        rounds = max(1, setting.n / (setting.batch_size * POSITIONS * setting.num_splits))
        epochs = math.ceil(steps * rounds * setting.batch_size / len(digits.train))
        losses = model.fit(digits.train, digits.train, setting.batch_size, epochs, verbose=0).history["loss"]
    finally:
        keras.mixed_precision.set_dtype_policy(before)
    encoded, output = (
        it.predict(digits.train, BATCH_SIZE, verbose=0).astype(np.float32) for it in (model.layers[0], model)
    )
    vectors, emb_index = encoded.reshape(-1, setting.d), np.asarray(layer.encode(encoded))
    return Outcome(
        loss=losses[-1] if np.isfinite(losses).all() else math.nan,
        rms=float(np.sqrt(np.mean(np.square(vectors)))) if np.isfinite(output).all() else math.nan,
        codes=len(np.unique(emb_index[emb_index >= 0])),
        fillable=fillable(setting, vectors),
    )


def fillable(setting: Setting, vectors: NDArray[np.float32]) -> int:
    """Return how many codes can be nearest to some vector of ``[m, d]``: a code each, while there are codes.

    By cosine, vectors of one direction are one.

    Examples
    --------
    >>> setting = SETTINGS[0]._replace(n=3)
    >>> vectors = np.array([[1.0, 2.0], [2.0, 4.0], [0.0, 1.0], [0.0, 2.0]])
    >>> fillable(setting, vectors), fillable(setting._replace(comparison="cosine"), vectors)
    (3, 2)
    """
    if setting.comparison == "cosine":
        norm = np.linalg.norm(vectors, axis=-1, keepdims=True)
        vectors = np.divide(vectors, norm, out=np.zeros_like(vectors), where=norm > 0)
    return min(setting.n, len(np.unique(vectors, axis=0)))
