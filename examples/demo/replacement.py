"""The same training with replacement of dead codes and without, from a start that leaves most of them idle."""

import numpy as np
from numpy.typing import NDArray

from examples.demo.learning import train
from examples.demo.measures import Training
from vq_layer import DeadCodes, VectorQuantization

EPOCHS = 8
BATCH_SIZE = 512
DEAD_CODES = DeadCodes(decay=0.9)  # so that a code that is never chosen is replaced after 29 batches, of 34 an epoch
WHITE, SPREAD = 1.0, 1e-3


def learn_with_and_without(vectors: NDArray[np.float32], n: int, seed: int) -> list[Training]:
    """Learn two codebooks of n codes by moving averages, with replacement and without; nothing else differs."""
    first = nearly_white(n, vectors.shape[1], seed)
    return [
        train(name, VectorQuantization(n, start=first, replacement=it), vectors, seed, EPOCHS, BATCH_SIZE)
        for name, it in (("with replacement", DEAD_CODES), ("without", None))
    ]


def nearly_white(n: int, d: int, seed: int) -> NDArray[np.float64]:
    """Return n codes of d pixel values near 1: the few that lie nearest to the patches are chosen, and walk away."""
    return np.random.default_rng(seed).normal(WHITE, SPREAD, [n, d])
