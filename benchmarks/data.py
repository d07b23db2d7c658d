"""The inputs and embeddings that are measured on, float32 from a fixed seed."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.settings import NUM_CLASSES, Setting

SEED = 0


class Data(NamedTuple):
    """What a task works on.

    Attributes
    ----------
    x : array, shape of the batch
    emb_space : array, shape [n, d]
    upstream : array, shape of x, or None
        The gradient that reaches the output in training.
    emb_labels : array, shape [n], int64, or None
        The labels that vote.
    """

    x: NDArray[np.float32]
    emb_space: NDArray[np.float32]
    upstream: NDArray[np.float32] | None
    emb_labels: NDArray[np.int64] | None

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The vectors of x, ``[m, d]``."""
        return self.x.reshape(-1, self.emb_space.shape[-1])


def make(setting: Setting) -> Data:
    """Draw from the normal distribution; what votes lies around a centre for each class, and so do its inputs."""
    rng = np.random.default_rng(SEED)
    x, emb_space = _normal(rng, setting.batch), _normal(rng, (setting.n, setting.d))
    if setting.has_upstream:
        return Data(x, emb_space, _normal(rng, setting.batch), None)
    if setting.task != "vote":
        return Data(x, emb_space, None, None)
    centres = _normal(rng, (NUM_CLASSES, setting.d))
    emb_labels = rng.integers(NUM_CLASSES, size=setting.n)
    emb_space += centres[emb_labels]
    x += centres[rng.integers(NUM_CLASSES, size=setting.batch[0])]
    return Data(x, emb_space, None, emb_labels)


def _normal(rng: np.random.Generator, shape: Any) -> NDArray[np.float32]:
    return rng.standard_normal(shape, dtype=np.float32)
