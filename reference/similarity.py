"""Cosine similarity (VQ-9)."""

import numpy as np
from numpy.typing import NDArray


def cosine_similarity(vectors: NDArray[np.float64], emb_space: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cosine of the angle between every vector and every embedding.

    ``S[..., j] = <vectors[...], emb_space[j]> / (||vectors[...]||_2 ||emb_space[j]||_2)``. A zero vector has similarity
    0 to everything.

    Parameters
    ----------
    vectors : array, shape [..., d], float64
    emb_space : array, shape [n, d], float64

    Returns
    -------
    array, shape [..., n], float64
        NaN where the vector or the embedding has a NaN or infinite coordinate (VQ-13).

    Examples
    --------
    >>> cosine_similarity(np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([[2.0, 0.0], [-3.0, -4.0]]))
    array([[ 0.6, -1. ],
           [ 0. ,  0. ]])
    """
    return np.asarray(np.einsum("...d,nd->...n", normalize(vectors), normalize(emb_space)))


def normalize(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale each vector to L2 norm 1; a zero vector stays zero, one that is not finite becomes NaN: ``[..., d]``.

    The largest magnitude is divided out first, so that no square overflows or underflows.

    Examples
    --------
    >>> normalize(np.array([[3e-200, 4e-200], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    finite = np.isfinite(vectors).all(axis=-1, keepdims=True)
    vectors = np.where(finite, vectors, np.nan)
    largest = np.abs(vectors).max(axis=-1, keepdims=True)
    scaled = vectors / np.where(largest == 0, 1, largest)
    length = np.linalg.norm(scaled, axis=-1, keepdims=True)
    return np.asarray(scaled / np.where(length == 0, 1, length))


def similarity_values(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the similarity to the most similar embedding: ``[batch, m, n] -> [batch * m]``; NaN where there is none.

    Examples
    --------
    >>> similarity_values(np.array([[[0.5, -1.0], [np.nan, np.nan]]]))
    array([0.5, nan])
    """
    known = ~np.isnan(similarity)
    largest = np.max(similarity, axis=-1, where=known, initial=-np.inf)
    return np.where(known.any(axis=-1), largest, np.nan).reshape(-1)
