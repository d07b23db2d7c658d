"""What one pass knows: what losses and rules may look at (VQ-17)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference import lookup, splitting
from reference.dtypes import comparison_unit_roundoff
from reference.parts.choices import Choice
from reference.parts.comparisons import Comparison, Search


class Pass(NamedTuple):
    """One lookup of a batch in a codebook, before anything is updated.

    Attributes
    ----------
    vectors : array, shape [batch, m, d], float64
        The vectors; NaN where masked.
    codebook : array, shape [n, d], float64
        The embedding space.
    comparison : Norm, Cosine or PCA
    search : Search
    choice : Choice
    as_they_are : array, shape [batch, m], bool
        Which vectors come out as they are, since they are masked or mapped to themselves.
    first : int
        How many vectors of the batch came before those of this pass.
    state : dict of str to array
        With which it began.
    """

    vectors: NDArray[np.float64]
    codebook: NDArray[np.float64]
    comparison: Comparison
    search: Search
    choice: Choice
    as_they_are: NDArray[np.bool_]
    first: int = 0
    state: Mapping[str, Any] = MappingProxyType({})

    @property
    def emb_index(self) -> NDArray[np.int64]:
        """The index of the chosen embedding, ``[batch, m]``; -1 for a vector that does not count."""
        return self.choice.emb_index

    @property
    def chosen(self) -> NDArray[np.float64]:
        """The chosen embedding, ``[batch, m, d]``; NaN for a vector that does not count."""
        return lookup.select(self.codebook, self.emb_index)


def look_up(
    x: NDArray[Any], counted: NDArray[np.bool_], emb_space: NDArray[Any], quantizer: Any, first: int = 0
) -> Pass:
    """Return the pass of a quantizer over a batch.

    Parameters
    ----------
    x : array, shape [batch, r, q]
    counted : array, shape [batch, m], bool
        The mask of its vectors; one that is False is as if it were not there (VQ-21).
    emb_space : array, shape [n, d]
    quantizer : Quantizer
    first : int
        How many vectors of the batch came before.
    """
    vectors = np.where(counted[..., np.newaxis], splitting.split(x, quantizer.num_splits), np.nan)
    codebook = emb_space.astype(np.float64)
    search = quantizer.comparison.search(vectors, codebook, comparison_unit_roundoff(x))
    choice = quantizer.choice.choose(search)
    as_they_are = ~counted if choice.kept is None else ~counted | choice.kept
    return Pass(vectors, codebook, quantizer.comparison, search, choice, as_they_are, first)
