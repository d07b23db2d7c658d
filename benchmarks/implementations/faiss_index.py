"""FAISS: an exhaustive search in an index that is built once."""

import faiss
import numpy as np

from benchmarks.data import Data
from benchmarks.implementations import Call
from benchmarks.implementations.election import first_of_winner
from benchmarks.settings import NUM_CLASSES, K, Setting

METRICS = {1: faiss.METRIC_L1, 2: faiss.METRIC_L2, np.inf: faiss.METRIC_Linf}


def lookup(setting: Setting, data: Data) -> Call:
    """Search for the one nearest."""
    index = faiss.IndexFlat(setting.d, METRICS[setting.lookup_ord])
    index.add(data.emb_space)
    return lambda: [index.search(data.vectors, 1)[1][:, 0]]


def vote(setting: Setting, data: Data) -> Call:
    """Search for the k of the largest inner product among embeddings that are normalised once, and let them vote."""
    index = faiss.IndexFlatIP(setting.d)
    index.add(_normalized(data.emb_space))
    return lambda: [first_of_winner(index.search(_normalized(data.x), K)[1], data.emb_labels, NUM_CLASSES)]


def _normalized(vectors: np.ndarray) -> np.ndarray:
    unit = vectors.copy()
    faiss.normalize_L2(unit)
    return unit
