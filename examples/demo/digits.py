"""Real scans of handwritten digits, what a vote on them gives, and the vote of scikit-learn."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from examples.demo.errors import loading

NUM_CLASSES = 10
LARGEST = 16  # what a pixel counts up to
NOISE = 4.0  # standard deviation


class Digits(NamedTuple):
    """Labelled scans of 8 × 8 pixels in two halves: one votes on the other.

    Attributes
    ----------
    emb_space : numpy.ndarray, shape [n, 64], float32
        The scans that vote, row by row; values in 0..16.
    emb_labels : numpy.ndarray, shape [n], int64
    x : numpy.ndarray, shape [m, 64], float32
        The scans that are voted on.
    labels : numpy.ndarray, shape [m], int64
        Theirs, which the vote does not see.
    """

    emb_space: NDArray[np.float32]
    emb_labels: NDArray[np.int64]
    x: NDArray[np.float32]
    labels: NDArray[np.int64]


class Split(NamedTuple):
    """Labelled scans of 8 × 8 pixels, values in 0..16, and some that are held out.

    Attributes
    ----------
    x : numpy.ndarray, shape [m, 64], float32
    labels : numpy.ndarray, shape [m], int64
    x_test : numpy.ndarray, shape [held out, 64], float32
    labels_test : numpy.ndarray, shape [held out], int64
    """

    x: NDArray[np.float32]
    labels: NDArray[np.int64]
    x_test: NDArray[np.float32]
    labels_test: NDArray[np.int64]


def load_split(seed: int, held_out: float = 0.2) -> Split:
    """Return the 1,797 digits, a share of each class held out at random.

    Raises
    ------
    DemoError
        If they are missing or unreadable.
    """
    with loading("the digits", OSError, EOFError, ValueError):
        scans, labels = load_digits(return_X_y=True)
    x, x_test, labels, labels_test = train_test_split(
        scans.astype(np.float32), labels, test_size=held_out, random_state=seed, stratify=labels
    )
    return Split(x, labels, x_test, labels_test)


def load_halves(seed: int) -> Digits:
    """Return the digits, half of each class held out to be voted on; raises as `load_split`."""
    return Digits(*load_split(seed, held_out=0.5))


def with_noise(x: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Add normal noise to scans, and cut what leaves 0..16."""
    noise = np.random.default_rng(seed).normal(0, NOISE, x.shape)
    return np.clip(x + noise, 0, LARGEST).astype(np.float32)


def accuracy(predicted: NDArray[np.int64], labels: NDArray[np.int64], identity_mapped: NDArray[np.bool_]) -> float:
    """Return the share of right labels among the inputs that are not mapped to themselves: ``[m] -> []``.

    NaN where all are.

    Examples
    --------
    >>> accuracy(np.array([3, 5, 7, 7]), np.array([3, 5, 1, 1]), np.array([False, False, False, True]))
    0.6666666666666666
    """
    right = (predicted == labels)[~identity_mapped]
    return float(np.mean(right)) if len(right) else float("nan")


class Vote(NamedTuple):
    """What the layer makes of inputs.

    Attributes
    ----------
    layer_out : numpy.ndarray, shape [m, 64]
        In place of each input the most similar scan of the winning label, or the input itself where the vote is unsure.
    label : numpy.ndarray, shape [m], int64
        The winning label, the lowest on ties.
    identity_mapped : numpy.ndarray, shape [m], bool
        Which inputs are mapped to themselves.
    identity_mapped_share : float
        How many are.
    similarity : numpy.ndarray, shape [m]
        The cosine similarity of each input to the most similar scan.
    """

    layer_out: NDArray[np.float32]
    label: NDArray[np.int64]
    identity_mapped: NDArray[np.bool_]
    identity_mapped_share: float
    similarity: NDArray[np.float32]


class Yardstick(NamedTuple):
    """What scikit-learn votes.

    Attributes
    ----------
    label : numpy.ndarray, shape [m], int64
        The winning label of each input, the lowest on ties.
    tied : numpy.ndarray, shape [m], bool
        Whether another label had as many votes.
    """

    label: NDArray[np.int64]
    tied: NDArray[np.bool_]


def vote_of_scikit_learn(digits: Digits, x: NDArray[np.float32], k: int) -> Yardstick:
    """Let the k scans of the largest cosine similarity vote on each input, by `KNeighborsClassifier`."""
    classifier = KNeighborsClassifier(k, metric="cosine").fit(digits.emb_space, digits.emb_labels)
    return Yardstick(classifier.predict(x), tied(classifier.predict_proba(x)))


def tied(shares: NDArray) -> NDArray[np.bool_]:
    """Tell which votes have several winners, given the share of each label: ``[m, labels] -> [m]``.

    Examples
    --------
    >>> tied(np.array([[0.4, 0.4, 0.2], [0.4, 0.6, 0.0]]))
    array([ True, False])
    """
    winners = shares == np.max(shares, axis=1, keepdims=True)
    return np.sum(winners, axis=1) > 1
