"""How time and memory grow with the number of vectors and of embeddings: series of sizes, and their exponents."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.settings import Setting, reduced, vote

TOLERANCE = 0.1  # of an exponent


@dataclass(frozen=True)
class Series:
    """Settings that differ in one size.

    Attributes
    ----------
    name : str
    size : {"vectors", "embeddings"}
        What grows.
    points : list of Setting
        In ascending order.
    memory_every : int
        Every so many of the points, counted from the last, the memory is measured, too.
    timed : bool
        Whether times are measured at all.
    """

    name: str
    size: str
    points: list[Setting]
    memory_every: int = 1
    timed: bool = True

    @property
    def memory_points(self) -> list[Setting]:
        """The points at which memory is measured."""
        return self.points[::-1][:: self.memory_every][::-1]

    def sizes(self, points: Sequence[Setting]) -> list[int]:
        """Return the size at each of the points."""
        return [point.rows if self.size == "vectors" else point.n for point in points]


def all_series() -> list[Series]:
    """Return the series, in the order of the report."""
    by_rows = [
        Series(f"growth-vectors-{d}", "vectors", [_lookup(2**i, 1024, d) for i in range(10, 21)], 3) for d in (4, 64)
    ]
    by_embeddings = [
        Series(f"growth-embeddings-{d}", "embeddings", [_lookup(4096, 2**i, d) for i in range(8, 18)], 3)
        for d in (4, 64)
    ]
    by_inputs = Series("growth-knn-inputs", "vectors", [vote(inputs) for inputs in (256, 4096, 65_536)], timed=False)
    return [*by_rows, *by_embeddings, by_inputs]


def reduced_series(series: Series) -> Series:
    """Return the same at sizes that take no time, to see that all works."""
    small = [replace(reduced(series.points[0]), batch=(size, series.points[0].batch[-1])) for size in (32, 64, 128)]
    if series.size == "embeddings":
        small = [replace(point, batch=small[0].batch, n=n) for point, n in zip(small, (16, 32, 64), strict=True)]
    return replace(series, points=small, memory_every=1)


def upper_half(values: Sequence[Any]) -> Sequence[Any]:
    """Return the later half, the middle one included, and two at least.

    Examples
    --------
    >>> upper_half([1, 2, 3, 4, 5]), upper_half([1, 2, 3, 4]), upper_half([1, 2])
    ([3, 4, 5], [3, 4], [1, 2])
    """
    return values[min(len(values) // 2, len(values) - 2) :]


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return the exponent b of the least-squares fit of ``a · size^b`` in logarithms, over the upper half.

    Examples
    --------
    >>> round(exponent([1, 10, 20, 40], [9.0, 9.0, 3.0, 12.0]), 6)
    2.0
    """
    x, y = (np.log(upper_half(list(numbers))) for numbers in (sizes, values))
    x, y = x - x.mean(), y - y.mean()
    return float(x @ y / (x @ x))


def _lookup(rows: int, n: int, d: int) -> Setting:
    return Setting(f"{rows}-{n}-{d}", "lookup", (rows, d), n, d)
