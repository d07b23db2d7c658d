"""What a codebook does to data, and the measures of how well it does it.

A code is an embedding, a codebook the embedding space: the literature's words, which the demonstration prints.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree


class Quantization(NamedTuple):
    """A codebook, and the code of every vector.

    Attributes
    ----------
    name : str
        Who learned the codebook.
    emb_space : numpy.ndarray, shape [n, d]
        The codebook.
    emb_index : numpy.ndarray, shape [m]
        The nearest code of each vector.
    seconds : float
        How long learning the codebook took.
    """

    name: str
    emb_space: NDArray[np.float32]
    emb_index: NDArray[np.int64]
    seconds: float


class Training(NamedTuple):
    """What a training leaves.

    Attributes
    ----------
    quantization : Quantization
        The codebook, and the code of every vector.
    history : dict
        What `fit` reports: of each metric its value in every epoch.
    """

    quantization: Quantization
    history: dict[str, list[float]]


def reconstruction(quantization: Quantization) -> NDArray[np.float32]:
    """Return the code in place of every vector: ``[m, d]``."""
    return quantization.emb_space[quantization.emb_index]


def access_count(quantization: Quantization) -> NDArray[np.int64]:
    """Return how many vectors have each code: ``[n]``."""
    return np.bincount(quantization.emb_index, minlength=len(quantization.emb_space))


def psnr(original: NDArray, approximation: NDArray) -> float:
    """Return the peak signal-to-noise ratio in dB of values in 0..1: ``-10 · log10(mean squared error)``.

    Infinite for equal arrays.

    Examples
    --------
    >>> psnr(np.zeros(4), np.full(4, 0.1))
    20.0
    """
    error = np.mean(np.square(np.subtract(original, approximation, dtype=np.float64)))
    return float(-10 * np.log10(error)) if error > 0 else float("inf")


def bits_per_pixel(num_codes: float, patch_size: int) -> float:
    """Return what one of `num_codes` equally frequent codes costs per pixel of its patch: ``log2(num_codes) / size²``.

    With n codes, the rate of indices of fixed length; with their perplexity, the entropy: what an ideal entropy coder
    needs. The codebook itself is not counted.

    Examples
    --------
    >>> bits_per_pixel(256, patch_size=4)
    0.5
    """
    return float(np.log2(num_codes)) / patch_size**2


def closest_spacing(emb_space: NDArray) -> NDArray[np.float64]:
    """Return the L2 distance of each code to the nearest other one: ``[n, d] -> [n]``, n at least 2.

    Examples
    --------
    >>> closest_spacing(np.array([[0.0], [1.0], [5.0]]))
    array([1., 1., 4.])
    """
    distance, _ = KDTree(emb_space).query(emb_space, k=2)
    return distance[:, 1]  # the first is its distance to itself
