"""`IndexFlatL2` and `IndexFlatIP` of FAISS as implementations to verify: indices and distances."""

from typing import ClassVar

import faiss
import numpy as np


def searched(index, case, x, k):
    """Return what an index finds, ``[batch, m, k]`` both."""
    index.add(case.emb_space)
    found = index.search(x, k)
    return (array.reshape(len(case.x), case.x.shape[1] * case.num_splits, k) for array in found)


class FlatL2:
    """The exact index by L2, whose distances are squared."""

    name = "FAISS, IndexFlatL2"
    validates = False
    offers: ClassVar = {"dtypes": ("float32",), "norms": (2,), "losses": (), "dim_reductions": ()}

    def quantize(self, case):
        """Look up, and search for all, whose order is undone."""
        x = case.x.reshape(-1, case.emb_space.shape[1])
        _, emb_index = searched(faiss.IndexFlatL2(x.shape[1]), case, x, 1)
        squares, order = searched(faiss.IndexFlatL2(x.shape[1]), case, x, len(case.emb_space))
        distance = np.full(order.shape, np.float32(np.nan))  # -1 stands for what it does not find
        for found in np.argwhere(order >= 0):
            distance[(*found[:2], order[tuple(found)])] = np.sqrt(squares[tuple(found)])
        return {"emb_index": emb_index[..., 0], "distance": distance}


class FlatIP:
    """The exact index by inner products, of vectors that `faiss.normalize_L2` has scaled."""

    name = "FAISS, IndexFlatIP"
    validates = False
    offers: ClassVar = {"dtypes": ("float32",), "dim_reductions": (), "votes": ()}

    def quantize_cosine(self, case):
        """Look up."""
        x, index = case.x.reshape(-1, case.emb_space.shape[1]).copy(), faiss.IndexFlatIP(case.emb_space.shape[1])
        emb_space = case.emb_space.copy()
        faiss.normalize_L2(x)
        faiss.normalize_L2(emb_space)
        index.add(emb_space)
        similarity, emb_index = index.search(x, 1)
        shape = len(case.x), case.x.shape[1] * case.num_splits
        return {"emb_index": emb_index.reshape(shape), "similarity_values": similarity.reshape(-1)}
