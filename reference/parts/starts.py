"""How the embedding space starts: from a batch (VQ-12, VQ-25)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference import lookup, validation
from reference.distances import pairwise_distance
from reference.non_finite import finite_rows
from reference.parts.comparisons import Comparison, Cosine
from reference.similarity import normalize

__all__ = ["FromBatch"]


def first_rows(vectors: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return the first n vectors, row-major, as an embedding space: ``[batch, m, d] -> [n, d]``.

    Raises
    ------
    ValueError
        Where there are fewer than n, or one of them has a NaN or infinite coordinate.

    Examples
    --------
    >>> first_rows(np.arange(8.0).reshape(2, 2, 2), 3)
    array([[0., 1.],
           [2., 3.],
           [4., 5.]])
    """
    rows = vectors.reshape(-1, vectors.shape[-1])[:n]
    if len(rows) < n:
        raise ValueError(f"`x` must hold at least n={n} vectors to initialize from. Received: {len(rows)}")
    if not finite_rows(rows).all():
        raise ValueError(f"the first n={n} vectors of `x` must be finite to initialize from. Received: {rows}")
    return rows


def sample(vectors: NDArray[np.float64], n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return n of the vectors drawn without replacement; where there are fewer, all of them again and again.

    Examples
    --------
    >>> np.sort(sample(np.array([[1.0], [2.0]]), 3, np.random.default_rng(1)), axis=0)
    array([[1.],
           [1.],
           [2.]])
    """
    return np.resize(rng.permutation(vectors), (n, vectors.shape[1]))


def k_means_seeds(vectors: NDArray[np.float64], n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return n of the vectors, each drawn in proportion to its squared distance to the nearest that was drawn before.

    The first, and each where no such distance is left, is drawn uniformly (Arthur and Vassilvitskii, 2007).
    """
    drawn = [vectors[rng.integers(len(vectors))]]
    while len(drawn) < n:
        square = pairwise_distance(vectors, np.array(drawn), 2).min(axis=-1) ** 2
        weight = square / square.sum() if square.any() else None
        drawn.append(vectors[rng.choice(len(vectors), p=weight)])
    return np.array(drawn)


def lloyd_step(vectors: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of the vectors that each centre is nearest to; one that is nearest to none stays.

    Examples
    --------
    >>> lloyd_step(np.array([[0.0], [2.0], [9.0]]), np.array([[1.0], [8.0], [99.0]]))
    array([[ 1.],
           [ 9.],
           [99.]])
    """
    nearest = lookup.nearest(pairwise_distance(vectors, centres, 2))
    groups = [vectors[nearest == j] for j in range(len(centres))]
    return np.array(
        [group.mean(axis=0) if len(group) else centre for group, centre in zip(groups, centres, strict=True)]
    )


def k_means(vectors: NDArray[np.float64], n: int, iterations: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the centres after so many of Lloyd's steps (1982) from the seeds of k-means++."""
    centres = k_means_seeds(vectors, n, rng)
    for _ in range(iterations):
        centres = lloyd_step(vectors, centres)
    return centres


class Start:
    """What the starts have in common: a state, and what a training pass begins with."""

    def initial_state(self, emb_space: NDArray[Any]) -> dict[str, Any]:
        """Return the state before any training pass."""
        raise NotImplementedError

    def begin(self, state: dict[str, Any], vectors: NDArray[np.float64], comparison: Comparison) -> dict[str, Any]:
        """Return the state with which a training pass begins; `vectors`, ``[..., d]``, are those not masked."""
        raise NotImplementedError


@dataclass(frozen=True)
class FromBatch(Start):
    """Let the first training pass begin with embeddings that are made of its vectors, those masked left out.

    These are the first n; or, of those that are finite, a sample, or the centres that k-means finds by L2, under
    `Cosine` of the vectors scaled to norm 1 and scaled so themselves. The pass that has none of these starts nothing.

    Its state is ``initialized``, a bool.
    """

    method: str = "first"
    iterations: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        of = " of FromBatch (embedding_initializer)"
        validation.check_member("method", self.method, ("first", "sample", "k-means"), of)
        validation.check_natural("iterations", self.iterations, of)
        validation.check_natural("seed", self.seed, of)

    def initial_state(self, emb_space: NDArray[Any]) -> dict[str, Any]:
        """Return the state before any training pass."""
        del emb_space
        return {"initialized": np.array(False)}

    def begin(self, state: dict[str, Any], vectors: NDArray[np.float64], comparison: Comparison) -> dict[str, Any]:
        """Return the state with which a training pass begins; `vectors`, ``[..., d]``, are those not masked."""
        if state["initialized"]:
            return state
        emb_space = state["emb_space"]
        rows = self.drawn(vectors, len(emb_space), comparison)
        if rows is None:
            return state
        return {**state, "emb_space": rows.astype(emb_space.dtype), "initialized": np.array(True)}

    def drawn(self, vectors: NDArray[np.float64], n: int, comparison: Comparison) -> NDArray[np.float64] | None:
        """Return the embeddings that are made of vectors, ``[..., d] -> [n, d]``; None where no vector is left."""
        if self.method == "first":
            return first_rows(vectors, n)
        vectors, rng = vectors[finite_rows(vectors)], np.random.default_rng(self.seed)
        if not len(vectors):
            return None
        if self.method == "sample":
            return sample(vectors, n, rng)
        if isinstance(comparison, Cosine):
            return normalize(k_means(normalize(vectors), n, self.iterations, rng))
        return k_means(vectors, n, self.iterations, rng)
