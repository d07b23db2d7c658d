"""New digits, drawn code by code from a VQ-VAE of real ones."""

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier

from examples.demo.autoencoder import NUM_CODES, SIDE, learn_autoencoder
from examples.demo.digits import LARGEST, NUM_CLASSES, Split
from examples.demo.prior import bits, learn_prior, sample

PER_CLASS = 20
NEIGHBOURS = 5  # that read an invented digit


class Invention(NamedTuple):
    """What comes of the digits.

    Attributes
    ----------
    reconstructions : numpy.ndarray, shape [m, 64]
        Of the digits held out; values in 0..1, or nearly so.
    emb_index : numpy.ndarray, shape [m, 16]
        Their codes.
    error : float
        The mean squared error of the reconstructions.
    error_of_mean : float
        That of the mean of the other digits, in place of each.
    bits : float
        What the codes of a digit held out cost under the prior.
    invented : numpy.ndarray, shape [200, 64]
        New digits, in turn 0 to 9.
    read_as_meant : float
        For how many of them the real digits that are most like them have the label that was asked for.
    seconds : float
        How long all of this took.
    """

    reconstructions: NDArray[np.float32]
    emb_index: NDArray[np.int64]
    error: float
    error_of_mean: float
    bits: float
    invented: NDArray[np.float32]
    read_as_meant: float
    seconds: float


def invent(digits: Split, seed: int) -> Invention:
    """Learn a VQ-VAE and a prior of digits, reconstruct those held out, and draw new ones."""
    start = time.perf_counter()
    x, x_test = digits.x / LARGEST, digits.x_test / LARGEST
    images, images_test = (scans.reshape(-1, SIDE, SIDE, 1) for scans in (x, x_test))
    autoencoder = learn_autoencoder(images, seed)
    prior = learn_prior(autoencoder.encode(images), digits.labels, NUM_CODES, seed)
    emb_index = autoencoder.encode(images_test)
    reconstructions = autoencoder.decode(emb_index).reshape(x_test.shape)
    meant = np.tile(np.arange(NUM_CLASSES), PER_CLASS)
    invented = autoencoder.decode(sample(prior, meant, seed)).reshape(len(meant), -1)
    return Invention(
        reconstructions,
        emb_index,
        error=float(np.mean(np.square(reconstructions - x_test))),
        error_of_mean=float(np.mean(np.square(x.mean(0) - x_test))),
        bits=bits(prior, emb_index, digits.labels_test),
        invented=invented,
        read_as_meant=KNeighborsClassifier(NEIGHBOURS).fit(x, digits.labels).score(invented, meant),
        seconds=time.perf_counter() - start,
    )
