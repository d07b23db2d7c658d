"""What Hypothesis draws for the oracle: small cases whose every difference, square and sum is exact in float64."""

import functools
import itertools
from dataclasses import dataclass
from typing import Any

import hypothesis
import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.oracle import exact
from vq_verify.strategies.choices import chooser, integers, sample

EXACT_ORDS = (1, np.inf)
LOOKUP_ORDS = (1, 2, np.inf)


@dataclass(frozen=True)
class Case:
    """Inputs and an embedding space, as lists of floats, and as what each side takes.

    Attributes
    ----------
    vector_lists : list, [batch][m][d]
        The vectors that the inputs are split into.
    emb_space_lists : list, [n][d]
        The embeddings.
    r, num_splits : int
        ``m = r * num_splits``.
    """

    vector_lists: list[list[list[float]]]
    emb_space_lists: list[list[float]]
    r: int
    num_splits: int

    @property
    def x(self) -> NDArray[np.float64]:
        """The inputs, ``[batch, r, q]``: each row is `num_splits` vectors, one after the other."""
        s = self.num_splits
        rows = [[_joined(sample[i * s : i * s + s]) for i in range(self.r)] for sample in self.vector_lists]
        return _array(rows, self.r, s * len(self.emb_space_lists[0]))

    @property
    def vectors(self) -> NDArray[np.float64]:
        """The vectors, ``[batch, m, d]``."""
        return _array(self.vector_lists, self.r * self.num_splits, len(self.emb_space_lists[0]))

    @property
    def emb_space(self) -> NDArray[np.float64]:
        """The embeddings, ``[n, d]``."""
        return np.array(self.emb_space_lists)

    @functools.cached_property
    def exact_vectors(self) -> list[exact.Vector]:
        """The exact vectors, one list over batch and m."""
        return exact.rationals(_joined(self.vector_lists))

    @functools.cached_property
    def exact_emb_space(self) -> list[exact.Vector]:
        """The exact embeddings."""
        return exact.rationals(self.emb_space_lists)

    def exact_distances(self, lookup_ord: float) -> list[list[list[exact.Number]]]:
        """Return the exact distances, ``[batch][m][n]``."""
        return [
            [exact.distances(vector, self.exact_emb_space, lookup_ord) for vector in sample]
            for sample in exact.rationals(self.vector_lists)
        ]

    def exact_indices(self, lookup_ord: float) -> list[list[int]]:
        """Return the indices of the nearest embeddings, ``[batch][m]``."""
        return [[exact.nearest(row) for row in sample] for sample in self.exact_distances(lookup_ord)]


def weights() -> st.SearchStrategy[float]:
    """Draw the weight of a loss, of so few bits that products with it are exact."""
    return st.sampled_from([1.0, 0.5, 0.75, 4.0, -0.25])


@st.composite
def cases(draw: st.DrawFn, finite: bool = True) -> Case:
    """Draw a case with duplicate embeddings, inputs that equal embeddings, and ties.

    Coordinates are ``offset + k * unit``, k a small integer: differences are exact, and lost when an algorithm
    squares the coordinates themselves. Unless finite, some vectors have a coordinate that is NaN or infinite.
    """
    choose = chooser(draw, 8)
    offset, unit = choose(((0.0, 1.0), (0.0, 0.125), (100.0, 2.0**-30)))
    # Sizes start with the one to try first, and to shrink to: an empty batch, or n = 1, tests little.
    batch, n, d, r, num_splits = map(choose, ((1, 2, 3, 0), (2, 3, 4, 5, 1), (2, 3, 4, 1), (1, 2, 3), (1, 2, 3)))
    largest, number = choose((1, 2, 40)), choose((2, 3, 4, 5, 6))
    pool = offset + unit * integers(draw, (number, d), -largest, largest)
    if not finite:
        broken = pool[:1].repeat(draw(st.integers(0, 2)), axis=0)
        for row in broken:
            row[draw(st.integers(0, d - 1))] = draw(st.sampled_from([np.nan, np.inf, -np.inf]))
        pool = np.concatenate([pool, broken])
    return Case(
        vector_lists=sample(draw, pool, (batch, r * num_splits)).tolist(),
        # Half of the pool is left to the vectors, so that not each of them equals an embedding.
        emb_space_lists=sample(draw, np.concatenate([pool[::2], pool[-1:]]), n).tolist(),
        r=r,
        num_splits=num_splits,
    )


@st.composite
def smooth_cases(draw: st.DrawFn) -> Case:
    """Draw a case at which every loss is differentiable, whatever the norm."""
    d, n = map(chooser(draw, 2), ((2, 3, 1), (2, 3, 1)))
    *emb_space, first, second = (integers(draw, (n + 2, d), -500, 500) / 8).tolist()
    case = Case([[first, second]], emb_space, r=1, num_splits=2)
    hypothesis.assume(all(is_smooth(case, lookup_ord) for lookup_ord in LOOKUP_ORDS))
    return case


def is_smooth(case: Case, lookup_ord: float) -> bool:
    """Tell whether no norm has a kink, and no minimum a tie, in any of the losses."""
    emb_space = case.exact_emb_space
    others = [(emb_space[i], emb_space[:i] + emb_space[i + 1 :]) for i in range(len(emb_space))]
    return all(
        _has_single_minimum(exact.distances(vector, embeddings, lookup_ord))
        and not any(_is_kink(exact.difference(vector, embedding), lookup_ord) for embedding in embeddings)
        for vector, embeddings in [*((vector, emb_space) for vector in case.exact_vectors), *others]
    )


def _has_single_minimum(row: list[exact.Number]) -> bool:
    return not row or row.count(min(row)) == 1


def _is_kink(vector: exact.Vector, lookup_ord: float) -> bool:
    magnitudes = [abs(coordinate) for coordinate in vector]
    if lookup_ord == 1:
        return 0 in magnitudes
    return max(magnitudes) == 0 or (lookup_ord == np.inf and magnitudes.count(max(magnitudes)) > 1)


def _array(nested: Any, *shape: int) -> NDArray[np.float64]:
    return np.array(nested) if nested else np.empty((0, *shape))


def _joined(lists: list[list[Any]]) -> list[Any]:
    return list(itertools.chain.from_iterable(lists))
