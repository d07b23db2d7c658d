"""The patches of a photograph, for which a layer learns codes with nothing before or after it."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from benchmarks.quality.layers import Residual, ours
from examples.demo.measures import psnr
from examples.demo.photograph import load_photograph, to_patches

BATCH_SIZE, EPOCHS = 1024, 20
LEARNING_RATE = 0.01
STAGE_EPOCHS = 5


class Learned(NamedTuple):
    """What a codebook makes of the patches.

    Attributes
    ----------
    psnr : float
        In dB.
    codes : int
        How many are in use.
    seconds : float
        What learning took, without the first step, which compiles.
    """

    psnr: float
    codes: int
    seconds: float


def load() -> NDArray[np.float32]:
    """Return the patches: ``[16960, 48]``, of values in 0..1."""
    return np.ascontiguousarray(to_patches(load_photograph()))


def by_kmeans(patches: NDArray[np.float32], n: int, seed: int) -> Learned:
    """Learn by scikit-learn's k-means from one k-means++ start."""
    start = time.perf_counter()
    found = KMeans(n, n_init=1, random_state=seed).fit(patches)
    seconds = time.perf_counter() - start
    return _learned(patches, found.cluster_centers_, found.labels_, seconds)


def by_layer(patches: NDArray[np.float32], n: int, seed: int, epochs: int = EPOCHS) -> Learned:
    """Learn by the layer alone."""
    keras.utils.set_random_seed(seed)
    layer = ours(n)
    seconds = train(layer, patches, seed, epochs)
    emb_index = np.ravel(layer.encode(patches))
    return _learned(patches, np.asarray(layer.emb_space), emb_index, seconds)


def errors_by_stages(
    patches: NDArray[np.float32], n: int, most: int, seed: int, advance: Callable[[], Any], epochs: int = STAGE_EPOCHS
) -> list[float]:
    """Return the mean square error of 1, 2, ... residual stages, each number trained for itself."""
    errors = []
    for num_stages in range(1, most + 1):
        keras.utils.set_random_seed(seed)
        layer = Residual(n, num_stages)
        train(layer, patches, seed, epochs)
        errors.append(float(np.mean(np.square(layer(patches) - patches))))
        advance()
    return errors


def train(layer: keras.layers.Layer, vectors: NDArray[np.float32], seed: int, epochs: int) -> float:
    """Train a layer by the losses that it adds; return the seconds that it took after the first step."""
    optimizer = keras.optimizers.Adam(LEARNING_RATE)

    @tf.function
    def step(batch: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            layer(batch, training=True)
            loss = tf.add_n(layer.losses)
        if layer.trainable_variables:
            optimizer.apply(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables)

    batches = list(_batches(vectors, seed, epochs))
    layer.build(vectors.shape)
    step(batches[0])
    start = time.perf_counter()
    for batch in batches[1:]:
        step(batch)
    return time.perf_counter() - start


def _batches(vectors: NDArray[np.float32], seed: int, epochs: int) -> Any:
    """Return full batches in an order that is new in every epoch: of another size a step would compile anew."""
    rng = np.random.default_rng(seed)
    size = min(BATCH_SIZE, len(vectors))
    for _ in range(epochs):
        shuffled = tf.constant(vectors[rng.permutation(len(vectors))])
        yield from (shuffled[start : start + size] for start in range(0, len(vectors) - size + 1, size))


def _learned(patches: NDArray[np.float32], codes: NDArray[Any], emb_index: NDArray[Any], seconds: float) -> Learned:
    return Learned(psnr(patches, codes[emb_index]), len(np.unique(emb_index)), seconds)
