"""How a training pass itself moves the embedding space (VQ-17, VQ-24)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference import lookup, validation
from reference.parts.comparisons import Comparison, Cosine
from reference.passes import Pass
from reference.similarity import normalize
from reference.statistics import Statistics

__all__ = ["Gradient", "MovingAverage"]


class Update:
    """What the updates have in common: no state and no statistic, unless they say more."""

    by_gradient = False  # whether an optimizer moves the embedding space

    def initial_state(self, emb_space: Any) -> dict[str, Any]:
        """Return the state before any training pass."""
        del emb_space
        return {}

    def gather(self, it: Pass) -> Statistics:
        """Return the statistics of a pass."""
        del it
        return {}

    def after(self, state: dict[str, Any], statistics: Statistics, comparison: Comparison) -> dict[str, Any]:
        """Return the state after a training pass that gathered the statistics."""
        del statistics, comparison
        return state

    def restarted(self, state: dict[str, Any], rows: NDArray[np.bool_], comparison: Comparison) -> dict[str, Any]:
        """Return the state after something else has written these rows, ``[n]``, of the embedding space."""
        del rows, comparison
        return state


@dataclass(frozen=True)
class Gradient(Update):
    """Not at all: the embedding space moves by the gradients of its losses alone."""

    by_gradient = True


@dataclass(frozen=True)
class MovingAverage(Update):
    """Let each embedding be the moving average of the vectors that choose it.

    With the count c and the sum s of the vectors that chose an embedding e in a pass,

    ``N <- decay N + (1 - decay) c`` and ``e <- e + (1 - decay) / N' (s - c e)``,

    where N' is N with Laplace smoothing, ``(N + epsilon) / (sum N + n epsilon) sum N``. But for epsilon this is
    ``e = m / N`` with ``m <- decay m + (1 - decay) s`` (van den Oord et al., 2017, appendix A.1); an embedding that
    nothing chose stays as it is. Under `Cosine` the vectors are scaled to norm 1, and so is the embedding that moved.

    Its state is the moving count N, ``average_count`` ``[n]``.
    """

    decay: float = 0.99
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        of = " of MovingAverage"
        validation.check_number("decay", self.decay, "at least 0 and below 1", lambda it: 0 <= it < 1, of)
        validation.check_number("epsilon", self.epsilon, "finite and not negative", lambda it: 0 <= it < np.inf, of)

    def initial_state(self, emb_space: Any) -> dict[str, Any]:
        """Return the state before any training pass: nothing was counted."""
        return {"average_count": np.zeros(len(emb_space))}

    def gather(self, it: Pass) -> Statistics:
        """Return how often each embedding was chosen, and the sum of the vectors that chose it."""
        count = lookup.access_count(it.emb_index, len(it.codebook)).astype(np.int64)
        found = it.emb_index >= 0
        vectors = normalize(it.vectors[found]) if isinstance(it.comparison, Cosine) else it.vectors[found]
        vector_sum = np.zeros_like(it.codebook)
        np.add.at(vector_sum, it.emb_index[found], vectors)
        return {"access_count": count, "vector_sum": vector_sum}

    def after(self, state: dict[str, Any], statistics: Statistics, comparison: Comparison) -> dict[str, Any]:
        """Return the state after a training pass that gathered the statistics.

        Examples
        --------
        >>> state = {"emb_space": np.array([[1.0], [5.0]]), "average_count": np.array([1.0, 1.0])}
        >>> statistics = {"access_count": np.array([3, 0]), "vector_sum": np.array([[9.0], [0.0]])}
        >>> after = MovingAverage(decay=0.5, epsilon=0.0).after(state, statistics, None)
        >>> after["average_count"], after["emb_space"]
        (array([2. , 0.5]), array([[2.5],
               [5. ]]))
        """
        on_sphere = isinstance(comparison, Cosine)
        emb_space, count = state["emb_space"], statistics["access_count"]
        n, average_count = len(emb_space), self.decay * state["average_count"] + (1 - self.decay) * count
        total, chosen = average_count.sum(), count > 0
        smoothed = (average_count[chosen] + self.epsilon) / (total + n * self.epsilon) * total
        before = normalize(emb_space[chosen]) if on_sphere else emb_space[chosen]
        pull = statistics["vector_sum"][chosen] - count[chosen, np.newaxis] * before
        moved = before + (1 - self.decay) / smoothed[:, np.newaxis] * pull
        if on_sphere:  # unless the vectors cancel each other out
            moved = np.where((moved == 0).all(axis=-1, keepdims=True), emb_space[chosen], normalize(moved))
        after = emb_space.copy()
        after[chosen] = moved
        return {**state, "average_count": average_count, "emb_space": after}

    def restarted(self, state: dict[str, Any], rows: NDArray[np.bool_], comparison: Comparison) -> dict[str, Any]:
        """Return the state in which these rows have been chosen as often as the embeddings are on average."""
        average_count, emb_space = state["average_count"], state["emb_space"]
        if isinstance(comparison, Cosine):
            emb_space = np.where(rows[:, np.newaxis], normalize(emb_space), emb_space)
        new = np.where(rows, average_count.mean(), average_count)
        return {**state, "average_count": new, "emb_space": emb_space}
