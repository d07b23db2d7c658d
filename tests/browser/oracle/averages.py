"""Moving averages."""

from typing import Any

import numpy as np

from reference import MovingAverage, Norm
from reference.passes import Pass
from reference.similarity import normalize
from tests.browser.oracle.bounds import Numbers, bound, largest_of


def averages(setting: dict[str, Any], it: Pass) -> Numbers:
    update = MovingAverage(setting["decay"], setting["epsilon"])
    state = {"emb_space": it.codebook, "average_count": setting["averageCounts"]}
    after = update.after(state, update.gather(it), it.comparison)
    n, m = len(it.codebook), it.emb_index.size
    # c of the vectors move an embedding by (1 - decay) / N' of their differences, and (1 - decay) c is at most N but
    # for epsilon: together by no more than 2.1 times the largest coordinate.
    size = 3.1 * (largest_of(it) if isinstance(it.comparison, Norm) else 1) / _shrinking(setting, it)
    return {
        "averageCounts": (after["average_count"], bound(3, after["average_count"])),
        "averageCodebook": (after["emb_space"], bound(m + n + 12, size)),
    }


def _shrinking(setting: dict[str, Any], it: Pass) -> Any:
    """Return how long embeddings are that the cosine then scales to norm 1, which scales their roundings, too."""
    if isinstance(it.comparison, Norm):
        return 1
    unscaled = MovingAverage(setting["decay"], setting["epsilon"])
    vectors, codebook = normalize(it.vectors), normalize(it.codebook)
    there = it._replace(vectors=vectors, codebook=codebook, comparison=Norm(2))
    state = {"emb_space": codebook, "average_count": setting["averageCounts"]}
    moved = unscaled.after(state, unscaled.gather(there), Norm(2))["emb_space"]
    length = np.linalg.norm(np.nan_to_num(moved), axis=-1, keepdims=True)
    return np.where(length == 0, 1, length)
