"""What "near" means: a norm, the cosine, or either in a space of principal components (VQ-1, VQ-8, VQ-9)."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference import distances, lookup, reduction, similarity, validation
from reference.reduction import IDENTITY, Projection

__all__ = ["PCA", "Cosine", "Norm"]

Array = NDArray[np.float64]
NAMES = {"l1": 1, "l2": 2, "linf": np.inf}


@dataclass(frozen=True, eq=False)
class Search:
    """What a comparison finds.

    Attributes
    ----------
    index : array, shape [batch, m], int64
        The nearest or most similar embedding; -1 where there is none.
    distance : array, shape [batch, m, n], or None
        Under a norm, the distance of every vector to every embedding.
    similarity : array, shape [batch, m, n], or None
        Under the cosine, the similarity of every vector to every embedding.
    projection : Projection
        What vectors and embeddings went through before.
    """

    index: NDArray[np.int64]
    distance: Any = None
    similarity: Any = None
    projection: Projection = IDENTITY


@dataclass(frozen=True)
class Norm:
    """Near is at a small distance under the p-norm; p is at least 1 or infinity, or "l1", "l2", "linf"."""

    p: float = 2

    def __post_init__(self) -> None:
        if isinstance(self.p, str):
            validation.check_member("p", self.p, tuple(NAMES), " of Norm (lookup_ord)")
            object.__setattr__(self, "p", NAMES[self.p])
        validation.check_lookup_ord(self.p, "p", " of Norm (lookup_ord)")

    def search(self, vectors: Array, codebook: Array, unit_roundoff: float) -> Search:
        """Look up the nearest embeddings, ``codebook`` ``[n, d]``, of ``[batch, m, d]``."""
        del unit_roundoff
        distance = distances.pairwise_distance(vectors, codebook, self.p)
        return Search(lookup.nearest(distance), distance=distance)


@dataclass(frozen=True)
class Cosine:
    """Near is in nearly the same direction."""

    def search(self, vectors: Array, codebook: Array, unit_roundoff: float) -> Search:
        """Look up the most similar embeddings, ``codebook`` ``[n, d]``, of ``[batch, m, d]``."""
        del unit_roundoff
        similarities = similarity.cosine_similarity(vectors, codebook)
        return Search(lookup.most_similar(similarities), similarity=similarities)


@dataclass(frozen=True)
class PCA:
    """Near is near in a space of principal components, which are fitted anew in each pass."""

    of: Norm | Cosine = Norm(2)
    fit: str = "pca-batch"
    components: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.of, Norm | Cosine):
            raise TypeError(f"`of` of PCA must be Norm or Cosine. Received: of={self.of!r}")
        validation.check_member("fit", self.fit, ("pca-batch", "pca-emb-space"), " of PCA (dim_reduction)")
        validation.check_positive("components", self.components, " of PCA (num_dim_reduction_components)")

    def search(self, vectors: Array, codebook: Array, unit_roundoff: float) -> Search:
        """Look up in the reduced space, ``codebook`` ``[n, d]``, of ``[batch, m, d]``."""
        projection = reduction.projection(vectors, codebook, self.fit, self.components, unit_roundoff)
        found = self.of.search(projection.apply(vectors), projection.apply(codebook), unit_roundoff)
        return replace(found, projection=projection)


Comparison = Norm | Cosine | PCA


def within(comparison: Comparison) -> Norm | Cosine:
    """Return what is compared by, in the full or the reduced space."""
    return comparison.of if isinstance(comparison, PCA) else comparison


def lookup_ord_of(comparison: Comparison) -> Any:
    """Return the order of the norm; None under the cosine."""
    inner = within(comparison)
    return inner.p if isinstance(inner, Norm) else None
