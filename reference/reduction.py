"""Principal component analysis for a lookup in fewer dimensions (VQ-8)."""

from typing import NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from reference.non_finite import finite_rows


class Projection(NamedTuple):
    """A mean, ``[d]``, and principal axes, ``[d, components]``; null axes are zero. Without both, the identity."""

    mean: NDArray[np.float64] | None
    axes: NDArray[np.float64] | None

    def apply(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Project vectors: ``[..., d] -> [..., components]``; one that is not finite becomes NaN (VQ-13)."""
        if self.mean is None or self.axes is None:
            return vectors
        finite = finite_rows(vectors)[..., np.newaxis]
        centred = np.where(finite, vectors - self.mean, 0)
        # Not a matrix product, which may round a row by its position: equal vectors must have equal projections.
        return np.where(finite, np.einsum("...d,dc->...c", centred, self.axes), np.nan)

    def pull_back(self, gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the gradient by vectors from that by their projections: ``[..., components] -> [..., d]``.

        Mean and axes are constants under differentiation.
        """
        return gradient if self.axes is None else np.asarray(gradient @ self.axes.T)


IDENTITY = Projection(None, None)


def fit(rows: NDArray[np.float64], num_components: int, unit_roundoff: float) -> Projection:
    """Fit the top principal axes of the rows, ``[number, d]``, all of them finite.

    The axes are the right singular vectors of the centred rows (Jolliffe, "Principal Component Analysis", 2002,
    section 3.5). One whose singular value is below ``max(number, d) * unit_roundoff * largest`` is null: it is noise of
    the arithmetic, and everything projects to 0 on it.

    Raises
    ------
    ValueError
        With more components than ``min(d, number - 1)``, the rank that so many centred rows can have.

    Examples
    --------
    >>> projection = fit(np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 0.0]]), 2, 2.0**-53)
    >>> np.abs(projection.apply(np.array([[5.0, 9.0]])))
    array([[3., 0.]])
    """
    number, d = rows.shape
    if num_components > min(d, number - 1):
        raise ValueError(
            f"`num_dim_reduction_components` must be at most min(d, fitted rows - 1). "
            f"Received: {num_components} with d={d} and {number} rows"
        )
    mean = rows.mean(axis=0)
    centred = rows - mean
    centred -= centred.mean(axis=0)  # the rounding of a mean far from 0 would count as an axis
    _, singular, axes = scipy.linalg.svd(centred, full_matrices=False)
    null = singular < max(number, d) * unit_roundoff * singular[0]
    null |= singular == 0
    return Projection(mean, np.where(null[:, np.newaxis], 0, axes)[:num_components].T)


def projection(
    vectors: NDArray[np.float64],
    emb_space: NDArray[np.float64],
    dim_reduction: str | None,
    num_components: int,
    unit_roundoff: float,
) -> Projection:
    """Return the projection that both vectors and embeddings go through.

    Fitted on the finite rows of ``emb_space`` for "pca-emb-space", on those followed by the finite vectors for
    "pca-batch"; the identity for None.

    Parameters
    ----------
    vectors : array, shape [batch, m, d]
    emb_space : array, shape [n, d]
    dim_reduction : {None, "pca-batch", "pca-emb-space"}
    num_components : int
    unit_roundoff : float
        That of the comparison dtype, which tells null axes.
    """
    if dim_reduction is None:
        return IDENTITY
    rows = emb_space
    if dim_reduction == "pca-batch":
        rows = np.concatenate([emb_space, vectors.reshape(-1, emb_space.shape[-1])])
    return fit(rows[finite_rows(rows)], num_components, unit_roundoff)
