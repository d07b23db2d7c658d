"""What counts in a case: of each codebook the finite rows, and of its vectors those that are finite and not masked.

What counts is a case of its own, in which nothing is left out: all bounds are derived for such (VQ-13.9, VQ-20.2,
VQ-21.5).
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vq_verify.cases import Case

Places = NDArray[np.intp]


class Counted(NamedTuple):
    """What counts for one codebook.

    Attributes
    ----------
    case : Case
        A case of these rows and vectors alone, one vector an element of the batch.
    vectors : array of int
        Where they are among all vectors of x, ``[batch * m]``.
    rows : array of int
        Which rows of the codebook they are.
    split : int
        Which of the codebooks; 0 of a shared one.
    """

    case: Case
    vectors: Places
    rows: Places
    split: int


def counted(case: Case) -> list[Counted]:
    """Return what counts, for each codebook."""
    d = case.emb_space.shape[-1]
    vectors, everywhere = case.x.reshape(-1, d), np.arange(case.x.size // d)
    counts = np.isfinite(case.vectors).all(axis=-1) & _unmasked(case)
    found = []
    for split, codebook in enumerate(codebooks(case)):
        own = everywhere % case.num_splits == split if case.codebooks == "per-split" else True
        places, rows = np.flatnonzero(counts & own), np.flatnonzero(np.isfinite(codebook).all(axis=-1))
        found.append(Counted(alone(case, vectors[places], codebook[rows]), places, rows, split))
    return found


def alone(case: Case, vectors: NDArray[Any], codebook: NDArray[Any]) -> Case:
    """Return a case of these vectors, ``[M, d]``, and this codebook, one vector an element of the batch."""
    x = vectors[:, np.newaxis]
    return replace(case, x=x, emb_space=codebook, num_splits=1, mask=None, codebooks="shared")


def codebooks(case: Case) -> NDArray[Any]:
    """Return the embedding spaces, ``[1 or num_splits, n, d]``."""
    return case.emb_space if case.codebooks == "per-split" else case.emb_space[np.newaxis]


def _unmasked(case: Case) -> NDArray[np.bool_]:
    batch, r, _ = case.x.shape
    if case.mask is None:
        return np.ones(batch * r * case.num_splits, np.bool_)
    of_rows = case.mask if case.mask.ndim == 2 else np.repeat(case.mask[:, np.newaxis], r, axis=1)
    return np.repeat(of_rows.reshape(-1), case.num_splits)
