"""Starts, with what they draw given."""

from typing import Any

import numpy as np

from reference import Cosine
from reference.non_finite import finite_rows
from reference.parts import starts as parts
from reference.passes import Pass
from reference.similarity import normalize
from tests.browser.oracle.bounds import Numbers, bound


class Draws:
    """A generator that draws what it is given."""

    def __init__(self, draws: Any) -> None:
        self.draws = iter(draws)

    def integers(self, high: int) -> int:
        """Return an index below `high`, each with the same probability."""
        return int(next(self.draws) * high)

    def choice(self, size: int, p: Any) -> int:
        """Return an index, each with its probability."""
        return self.integers(size) if p is None else int(np.searchsorted(np.cumsum(p), next(self.draws), "right"))

    def permutation(self, rows: Any) -> Any:
        """Return the rows in the given order."""
        return rows[list(self.draws)]


def starts(setting: dict[str, Any], it: Pass) -> Numbers:
    vectors, n = setting["vectors"], len(it.codebook)
    finite, cosine = vectors[finite_rows(vectors)], isinstance(it.comparison, Cosine)
    result: Numbers = {"sample": (parts.sample(vectors, n, Draws(setting["order"])), 0), "first": (None, 0)}
    if len(vectors) >= n and finite_rows(vectors[:n]).all():
        result["first"] = (parts.first_rows(vectors, n), 0)
    if len(finite):
        seeds = parts.k_means_seeds(finite, n, Draws(setting["draws"]))
        error = bound(len(finite) + 1, np.abs(finite).max())
        result |= {"seeds": (seeds, 0), "lloyd": (parts.lloyd_step(finite, seeds), error)}
    if len(finite) and not setting["exact"]:  # where means tie, their rounding decides
        rows = normalize(finite) if cosine else finite
        centers = parts.k_means(rows, n, setting["iterations"], Draws(setting["draws"]))
        length = np.linalg.norm(centers, axis=-1, keepdims=True)
        scale = np.where(length == 0, 1, length) if cosine else 1
        error = bound(len(finite) + 10, np.abs(rows).max() / scale)
        result["kMeans"] = (normalize(centers) if cosine else centers, error)
    return result
