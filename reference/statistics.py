"""What a training pass gathers, so that parts of a batch merge to what the whole batch gives (VQ-22).

A statistic is an array, which adds up (a count or a sum), or `Candidates`, of which the most distant remain.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Candidates:
    """The vectors of a pass that are most distant from their embeddings, at most `number`, most distant first.

    Attributes
    ----------
    number : int
    distance : array, shape [k]
    order : array, shape [k], integers
        Where each stands among all vectors of the batch, row-major; the earlier is first on ties.
    vector : array, shape [k, d]
    """

    number: int
    distance: NDArray[np.float64]
    order: NDArray[np.int64]
    vector: NDArray[np.float64]

    def merged(self, other: "Candidates") -> "Candidates":
        """Return the most distant of both."""
        distance, order, vector = (
            np.concatenate([getattr(self, name), getattr(other, name)]) for name in ("distance", "order", "vector")
        )
        kept = np.lexsort((order, -distance))[: self.number]
        return Candidates(self.number, distance[kept], order[kept], vector[kept])


Statistics = dict[str, Any]  # an array or `Candidates` by each name


def merged(first: Statistics, second: Statistics) -> Statistics:
    """Return the statistics of two parts of a batch together: arrays add up, of candidates the most distant remain.

    Examples
    --------
    >>> merged({"access_count": np.array([2, 0])}, {"access_count": np.array([1, 1])})
    {'access_count': array([3, 1])}
    """
    return {name: _merged(statistic, second[name]) for name, statistic in first.items()}


def _merged(first: Any, second: Any) -> Any:
    return first + second if isinstance(first, np.ndarray | np.generic) else first.merged(second)
