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

from examples.measures import Quantization, Training
from examples.progress import FitProgress, progress_bar
from vq_layer import VectorQuantization

EPOCHS = 10
BATCH_SIZE = 128
# alpha-loss draws each code to the vectors that chose it. beta-loss draws every code to the data, faintly, until it is
# chosen: without it 181 of 256 codes stay in use.
ALPHA, BETA, GAMMA = 1.0, 1e-4, 0.0
LEARNING_RATE = 0.03, 1e-4  # from, to
KMEANS_ITERATIONS = 50


def learn_with_layer(vectors: NDArray[np.float32], n: int, seed: int) -> Quantization:
    """Learn a codebook of n codes by `fit` with Adam; the only objective is the losses that the layer adds.

    Parameters
    ----------
    vectors : numpy.ndarray, shape [m, d], float32
    n : int
        At most m.
    seed : int
        Of the first codes and of the order of the batches: the same seed gives the same codebook on the same machine.
    """
    layer = VectorQuantization(n, alpha=ALPHA, beta=BETA, gamma=GAMMA)
    return train("VectorQuantization", layer, vectors, random_rows(vectors, n, seed), seed, EPOCHS).quantization


def train(
    name: str,
    layer: VectorQuantization,
    vectors: NDArray[np.float32],
    emb_space: NDArray,
    seed: int,
    epochs: int,
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
    callbacks : sequence of keras.callbacks.Callback
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    model = keras.Sequential([keras.Input(vectors.shape[1:]), layer])
    layer.emb_space.assign(emb_space)
    model.compile(optimizer=keras.optimizers.Adam(_learning_rate(len(vectors), epochs), beta_2=0.99))
    start = time.perf_counter()
    with progress_bar() as progress:
        watch = FitProgress(progress, f"training {name}")
        history = model.fit(vectors, epochs=epochs, batch_size=BATCH_SIZE, verbose=0, callbacks=[*callbacks, watch])
    seconds = time.perf_counter() - start
    learned = Quantization(name, layer.emb_space.numpy(), encode(layer, vectors), seconds)
    return Training(learned, history.history)


def learn_with_kmeans(vectors: NDArray[np.float32], n: int, seed: int) -> Quantization:
    """Learn a codebook of n codes by k-means from a k-means++ start; arguments as in `learn_with_layer`."""
    start = time.perf_counter()
    # scikit-learn's k-means++, because SciPy's own takes some fifteen times as long for the same start.
    first, _ = kmeans_plusplus(vectors, n, random_state=seed)
    emb_space, _ = kmeans2(vectors, first, iter=KMEANS_ITERATIONS, minit="matrix")
    seconds = time.perf_counter() - start
    # Not the labels of kmeans2: those belong to the codebook before its last update.
    emb_index, _ = vq(vectors, emb_space)
    return Quantization("k-means", emb_space, emb_index, seconds)


def random_rows(vectors: NDArray, n: int, seed: int) -> NDArray:
    """Return n different rows: a start that lies where the data is, so that most codes are chosen at once."""
    return np.random.default_rng(seed).choice(vectors, n, replace=False)


def encode(layer: VectorQuantization, vectors: NDArray[np.float32], batch_size: int = 1024) -> NDArray[np.int64]:
    """Return the code of every vector, ``[m, d] -> [m]``, in batches to bound the memory."""
    starts = range(0, len(vectors), batch_size)
    return np.concatenate([layer.encode(vectors[i : i + batch_size]).numpy()[:, 0] for i in starts])


def _learning_rate(num_vectors: int, epochs: int) -> keras.optimizers.schedules.LearningRateSchedule:
    # High at first, so that codes travel between clusters; low at last, so that they settle in the middle of theirs.
    first, last = LEARNING_RATE
    steps = epochs * math.ceil(num_vectors / BATCH_SIZE)
    return keras.optimizers.schedules.PolynomialDecay(first, steps, last)
