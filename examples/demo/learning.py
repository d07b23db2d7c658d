"""Two ways to learn a codebook: the Keras layer under `fit`, and k-means."""

import math
import time
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2, vq
from sklearn.cluster import kmeans_plusplus

from examples.demo.measures import Quantization, Training
from examples.demo.progress import FitProgress, progress_bar
from vq_layer import Alpha, VectorQuantization

EPOCHS = 10
BATCH_SIZE = 256
# alpha-loss draws each code to the vectors that chose it: all that codes need which lie in the data from the start.
LOSS = Alpha(1.0)
LEARNING_RATE = 0.012  # at first: a step of Adam is some three of 255 shades in every coordinate
LAST_LEARNING_RATE = 1e-4
KMEANS_ITERATIONS = 50


def first_codes(vectors: NDArray[np.float32], n: int, seed: int) -> NDArray[np.float32]:
    """Choose n of the vectors by k-means++: each in proportion to its squared distance from those chosen before.

    References
    ----------
    Arthur, Vassilvitskii, "k-means++: the advantages of careful seeding", 2007.
    """
    # scikit-learn's, because SciPy's own takes some fifteen times as long for the same start.
    chosen, _ = kmeans_plusplus(vectors, n, random_state=seed)
    return chosen


def learn_with_layer(vectors: NDArray[np.float32], first: NDArray[np.float32], seed: int) -> Quantization:
    """Learn a codebook by `fit` with Adam; the only objective is the loss that the layer adds.

    Parameters
    ----------
    vectors : numpy.ndarray, shape [m, d], float32
    first : numpy.ndarray, shape [n, d], float32
        The codes to start from.
    seed : int
        Of the order of the batches: the same seed gives the same codebook on the same machine.
    """
    layer = VectorQuantization(len(first), losses=LOSS)
    return train("VectorQuantization", layer, vectors, first, seed, EPOCHS, LEARNING_RATE).quantization


def train(
    name: str,
    layer: VectorQuantization,
    vectors: NDArray[np.float32],
    emb_space: NDArray,
    seed: int,
    epochs: int,
    learning_rate: float,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Training:
    """Train a layer alone by `fit` with Adam.

    Parameters
    ----------
    name : str
        Of the quantization.
    layer : VectorQuantization
    vectors : numpy.ndarray, shape [m, d], float32
    emb_space : numpy.ndarray, shape [n, d]
        The codes to start from.
    seed : int
        Of the order of the batches.
    epochs : int
    learning_rate : float
        Of the first step. It falls in a straight line to `LAST_LEARNING_RATE`.
    callbacks : sequence of keras.callbacks.Callback
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    model = keras.Sequential([keras.Input(vectors.shape[1:]), layer])
    layer.emb_space.assign(emb_space)
    model.compile(optimizer=keras.optimizers.Adam(_falling(learning_rate, len(vectors), epochs), beta_2=0.99))
    start = time.perf_counter()
    with progress_bar() as progress:
        watch = FitProgress(progress, f"training {name}")
        history = model.fit(vectors, epochs=epochs, batch_size=BATCH_SIZE, verbose=0, callbacks=[*callbacks, watch])
    seconds = time.perf_counter() - start
    learned = Quantization(name, layer.emb_space.numpy(), encode(layer, vectors), seconds)
    return Training(learned, history.history)


def learn_with_kmeans(vectors: NDArray[np.float32], first: NDArray[np.float32]) -> Quantization:
    """Learn a codebook by k-means; arguments as in `learn_with_layer`."""
    start = time.perf_counter()
    emb_space, _ = kmeans2(vectors, first, iter=KMEANS_ITERATIONS, minit="matrix")
    seconds = time.perf_counter() - start
    # Not the labels of kmeans2: those belong to the codebook before its last update.
    emb_index, _ = vq(vectors, emb_space)
    return Quantization("k-means", emb_space, emb_index, seconds)


def encode(layer: VectorQuantization, vectors: NDArray[np.float32], batch_size: int = 1024) -> NDArray[np.int64]:
    """Return the code of every vector, ``[m, d] -> [m]``, in batches to bound the memory."""
    starts = range(0, len(vectors), batch_size)
    return np.concatenate([layer.encode(vectors[i : i + batch_size]).numpy()[:, 0] for i in starts])


def _falling(learning_rate: float, num_vectors: int, epochs: int) -> keras.optimizers.schedules.LearningRateSchedule:
    # High at first, so that codes travel between clusters; low at last, so that they settle in the middle of theirs.
    steps = epochs * math.ceil(num_vectors / BATCH_SIZE)
    return keras.optimizers.schedules.PolynomialDecay(learning_rate, steps, LAST_LEARNING_RATE)
