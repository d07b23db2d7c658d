"""scikit-learn: exhaustive search."""

import numpy as np
from sklearn.metrics import pairwise_distances_argmin
from sklearn.neighbors import NearestNeighbors

from benchmarks.data import Data
from benchmarks.implementations import Call
from benchmarks.implementations.election import first_of_winner
from benchmarks.settings import NUM_CLASSES, K, Setting

METRICS = {1: "manhattan", 2: "euclidean", np.inf: "chebyshev"}


def lookup(setting: Setting, data: Data) -> Call:
    """Return the argmin over all distances, which it computes by chunks."""
    metric = METRICS[setting.lookup_ord]
    return lambda: [pairwise_distances_argmin(data.vectors, data.emb_space, metric=metric)]


def vote(_setting: Setting, data: Data) -> Call:
    """Search for the k nearest by cosine distance, and let them vote."""
    neighbors = NearestNeighbors(n_neighbors=K, algorithm="brute", metric="cosine").fit(data.emb_space)
    return lambda: [first_of_winner(neighbors.kneighbors(data.x, return_distance=False), data.emb_labels, NUM_CLASSES)]
