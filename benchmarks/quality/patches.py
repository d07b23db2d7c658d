"""The patches of a photograph, for which a layer learns codes with nothing before or after it."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from benchmarks.quality.layers import ours, residual
from examples.demo.measures import psnr
from examples.demo.photograph import load_photograph, to_patches
from vq_layer import FromBatch, MovingAverage

BATCH_SIZE, EPOCHS = 2048, 20
DECAY = 0.8  # of batches that are large beside the number of codes


class Learned(NamedTuple):
    """What a codebook makes of the patches.

    Attributes
    ----------
    psnr : float
        In dB.
    codes : int
        How many are in use.
    seconds : float
        What learning took, without any compilation.
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
    """Learn by the layer alone, in passes of training."""
    keras.utils.set_random_seed(seed)
    layer = ours(n, update=MovingAverage(DECAY), start=FromBatch("k-means", seed=seed))
    seconds = train(layer, patches, seed, epochs)
    return _learned(patches, np.asarray(layer.emb_space), np.ravel(layer.encode(patches)), seconds)


def errors_by_stages(
    patches: NDArray[np.float32], n: int, most: int, seed: int, advance: Callable[[], Any], epochs: int = EPOCHS
) -> list[float]:
    """Return the mean square error of 1, 2, ... residual stages, each number trained for itself."""
    errors = []
    for num_stages in range(1, most + 1):
        keras.utils.set_random_seed(seed)
        layer = residual(n, num_stages)
        train(layer, patches, seed, epochs)
        errors.append(float(np.mean(np.square(layer(patches) - patches))))
        advance()
    return errors


def train(layer: keras.layers.Layer, vectors: NDArray[np.float32], seed: int, epochs: int) -> float:
    """Show the vectors to a layer, which learns by itself, in batches; return the seconds, compilation left out."""

    @tf.function
    def step(batch: tf.Tensor) -> None:
        layer(batch, training=True)

    layer.build(vectors.shape)
    first = layer.get_weights()
    step(next(_batches(vectors, seed, epochs)))
    layer.set_weights(first)
    start = time.perf_counter()
    for batch in _batches(vectors, seed, epochs):
        step(batch)
    return time.perf_counter() - start


def _batches(vectors: NDArray[np.float32], seed: int, epochs: int) -> Iterator[tf.Tensor]:
    """Return full batches in an order that is new in every epoch: of another size a step would compile anew."""
    rng = np.random.default_rng(seed)
    size = min(BATCH_SIZE, len(vectors))
    for _ in range(epochs):
        shuffled = tf.constant(vectors[rng.permutation(len(vectors))])
        yield from (shuffled[start : start + size] for start in range(0, len(vectors) - size + 1, size))


def _learned(patches: NDArray[np.float32], codes: NDArray[Any], emb_index: NDArray[Any], seconds: float) -> Learned:
    return Learned(psnr(patches, codes[emb_index]), len(np.unique(emb_index)), seconds)
