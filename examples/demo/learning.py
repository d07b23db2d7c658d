"""Two ways to learn a codebook: the Keras layer under `fit`, and k-means."""

import time
import warnings

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2, vq
from sklearn.cluster import kmeans_plusplus

from examples.demo.measures import Quantization, Training
from examples.demo.progress import FitProgress, progress_bar
from vq_layer import DeadCodes, VectorQuantization

EPOCHS = 30
BATCH_SIZE = 1024
# A code that is never chosen is replaced after 149 of the 510 batches; by default, after 59.
DEAD_CODES = DeadCodes(decay=0.98)
KMEANS_ITERATIONS = 50


def learn_with_layer(vectors: NDArray[np.float32], n: int, seed: int) -> Quantization:
    """Learn a codebook of n codes by `fit`: each is the moving average of the vectors that choose it.

    The codes start from a few steps of k-means, and move to other vectors when they are hardly ever chosen.

    Parameters
    ----------
    vectors : numpy.ndarray, shape [m, d], float32
    n : int
    seed : int
        Of the start and of the order of the batches: the same seed gives the same codebook on the same machine.
    """
    start = time.perf_counter()
    layer = VectorQuantization(n, replacement=DEAD_CODES)
    layer.initialize_from(vectors, seed=seed)
    learned = train("VectorQuantization", layer, vectors, seed, EPOCHS, BATCH_SIZE).quantization
    return learned._replace(seconds=time.perf_counter() - start)


def train(
    name: str, layer: VectorQuantization, vectors: NDArray[np.float32], seed: int, epochs: int, batch_size: int
) -> Training:
    """Train a layer alone by `fit`; arguments as in `learn_with_layer`."""
    seeded(seed)
    start = time.perf_counter()
    model = keras.Sequential([keras.Input(vectors.shape[1:]), layer])
    model.compile()
    history = fitted(name, model, vectors, epochs=epochs, batch_size=batch_size)
    seconds = time.perf_counter() - start
    return Training(Quantization(name, layer.emb_space.numpy(), encode(layer, vectors), seconds), history)


def seeded(seed: int) -> None:
    """Let what comes next be the same for the same seed on the same machine."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def fitted(name: str, model: keras.Model, *data: NDArray, epochs: int, batch_size: int) -> dict[str, list[float]]:
    """Train a model by `fit` under a progress bar; return of each metric its value in every epoch."""
    with progress_bar() as progress, warnings.catch_warnings():
        # The codes are trained by the layer, not by gradients.
        warnings.filterwarnings("ignore", "The model does not have any trainable weights")
        watch = FitProgress(progress, f"training {name}")
        return model.fit(*data, epochs=epochs, batch_size=batch_size, verbose=0, callbacks=[watch]).history


def learn_with_kmeans(vectors: NDArray[np.float32], n: int, seed: int) -> Quantization:
    """Learn a codebook by k-means, from codes that k-means++ chooses; arguments as in `learn_with_layer`.

    References
    ----------
    Arthur, Vassilvitskii, "k-means++: the advantages of careful seeding", 2007.
    """
    start = time.perf_counter()
    # scikit-learn's start, because SciPy's own takes some fifteen times as long for the same.
    first, _ = kmeans_plusplus(vectors, n, random_state=seed)
    emb_space, _ = kmeans2(vectors, first, iter=KMEANS_ITERATIONS, minit="matrix")
    seconds = time.perf_counter() - start
    # Not the labels of kmeans2: those belong to the codebook before its last update.
    emb_index, _ = vq(vectors, emb_space)
    return Quantization("k-means", emb_space, emb_index, seconds)


def encode(layer: VectorQuantization, vectors: NDArray[np.float32], batch_size: int = 1024) -> NDArray[np.int64]:
    """Return the code of every vector, ``[m, d] -> [m]``, in batches to bound the memory."""
    starts = range(0, len(vectors), batch_size)
    return np.concatenate([layer.encode(vectors[i : i + batch_size]).numpy()[:, 0] for i in starts])
