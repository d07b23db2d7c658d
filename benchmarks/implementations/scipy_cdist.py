"""SciPy: the matrix of all distances, float64, on one core, then the argmin."""

import numpy as np
from scipy.spatial.distance import cdist

from benchmarks.data import Data
from benchmarks.implementations import Call
from benchmarks.settings import Setting

METRICS = {1: "cityblock", 2: "euclidean", np.inf: "chebyshev"}


def lookup(setting: Setting, data: Data) -> Call:
    """Return the argmin over all distances."""
    metric = METRICS[setting.lookup_ord]
    return lambda: [cdist(data.vectors, data.emb_space, metric).argmin(axis=-1)]
