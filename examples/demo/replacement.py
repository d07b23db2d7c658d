"""The same training with replacement of unused embeddings and without, from a start that leaves most of them idle."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from examples.demo.learning import LOSS, train
from examples.demo.measures import Training
from vq_layer import MostDistant, ReplaceEmbeddings, VectorQuantization

EPOCHS = 8
# A quarter of 256 codes, some ten times in all. The last time leaves half an epoch for the new codes to settle in.
NUM_EMBEDS_REPLACED, EVERY = 64, 50
LEARNING_RATE = 0.03  # the codes have farther to go than those of `learning`
WHITE, SPREAD = 1.0, 1e-3


def learn_with_and_without(vectors: NDArray[np.float32], n: int, seed: int) -> list[Training]:
    """Learn two codebooks of n codes, with replacement and without; nothing else differs."""
    return [
        _learn(vectors, n, seed, "with replacement", [ReplaceEmbeddings(EVERY)]),
        _learn(vectors, n, seed, "without", []),
    ]


def _learn(
    vectors: NDArray[np.float32], n: int, seed: int, name: str, callbacks: Sequence[ReplaceEmbeddings]
) -> Training:
    # Under this loss only a code that is chosen moves. beta-loss, which draws every code to the data, would bring
    # idle ones back by itself.
    layer = VectorQuantization(n, losses=LOSS, replacement=MostDistant(NUM_EMBEDS_REPLACED))
    first = nearly_white(n, vectors.shape[1], seed)
    return train(name, layer, vectors, first, seed, EPOCHS, LEARNING_RATE, callbacks)


def nearly_white(n: int, d: int, seed: int) -> NDArray[np.float64]:
    """Return n codes of d pixel values near 1: the few that lie nearest to the patches are chosen, and walk away."""
    return np.random.default_rng(seed).normal(WHITE, SPREAD, [n, d])
