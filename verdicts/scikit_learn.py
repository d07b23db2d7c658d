"""`KMeans.predict` and neighbours of scikit-learn as implementations to verify: indices and distances."""

from typing import ClassVar

import numpy as np
from sklearn.cluster import KMeans
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from vq_verify.protocol import ALL, NotOffered


def vectors(case):
    """Cut x into vectors; scikit-learn refuses an empty batch by intent, as it does what is not finite."""
    if not case.x.size:
        raise NotOffered("an empty batch")
    return case.x.reshape(-1, case.emb_space.shape[1]), (len(case.x), case.x.shape[1] * case.num_splits)


class Clusters:
    """The prediction of clusters, given their centres."""

    name = "scikit-learn, KMeans"
    validates = False
    offers: ClassVar = {
        "dtypes": ("float64", "float32"),
        "inputs": (),
        "norms": (2,),
        "losses": (),
        "dim_reductions": (),
    }

    def quantize(self, case):
        """Look up."""
        x, shape = vectors(case)
        model = KMeans(1, n_init=1).fit(case.emb_space[:1])  # a fit to all would move the centres
        model.cluster_centers_, model.n_clusters = case.emb_space, len(case.emb_space)
        return {"emb_index": model.predict(x).reshape(shape), "distance": model.transform(x).reshape(*shape, -1)}


class Neighbours:
    """The nearest neighbour under any norm, by the algorithm that it chooses."""

    name = "scikit-learn, NearestNeighbors"
    validates = False
    offers: ClassVar = {
        "dtypes": ("float64", "float32"),
        "inputs": (),
        "norms": ALL,
        "losses": (),
        "dim_reductions": (),
    }

    def quantize(self, case):
        """Look up, and ask for all, whose order is undone."""
        x, shape = vectors(case)
        model = NearestNeighbors(p=case.lookup_ord).fit(case.emb_space)
        distance, order = model.kneighbors(x, len(case.emb_space))
        # It gives float64 whatever it computed in.
        distance = np.take_along_axis(distance, np.argsort(order), axis=1).astype(case.emb_space.dtype)
        return {
            "emb_index": model.kneighbors(x, 1, return_distance=False).reshape(shape),
            "distance": distance.reshape(*shape, -1),
        }


class CosineNeighbours:
    """The nearest neighbour by cosine similarity; with a vote, that of `KNeighborsClassifier`."""

    name = "scikit-learn, NearestNeighbors by cosine similarity"
    validates = False
    offers: ClassVar = {"dtypes": ("float64", "float32"), "inputs": (), "dim_reductions": ()}

    def quantize_cosine(self, case):
        """Look up by what the similarity lacks of 1."""
        x, shape = vectors(case)
        if case.vote is not None:
            model = KNeighborsClassifier(case.vote.k, metric="cosine").fit(case.emb_space, case.vote.emb_labels)
            return {"most_common_label": model.predict(x).reshape(shape)}
        distance, emb_index = NearestNeighbors(metric="cosine").fit(case.emb_space).kneighbors(x, 1)
        return {"emb_index": emb_index.reshape(shape), "similarity_values": 1 - distance.reshape(-1)}
