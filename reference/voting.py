"""The majority vote of the most similar embeddings (VQ-10)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Vote(NamedTuple):
    """The outcome of a vote.

    Attributes
    ----------
    label : array, shape [batch, m], int64
        The label with the most votes, the lowest on ties; -1 where nobody votes.
    votes : array, shape [batch, m], int64
        How many votes it has.
    emb_index : array, shape [batch, m], int64
        The embedding that represents it; -1 where nobody votes.
    """

    label: NDArray[np.int64]
    votes: NDArray[np.int64]
    emb_index: NDArray[np.int64]


def majority_vote(
    similarity: NDArray[np.float64],
    emb_labels: NDArray[np.integer],
    num_classes: int,
    k: int,
    representative: str,
) -> Vote:
    """Let the k most similar embeddings vote with their labels.

    Parameters
    ----------
    similarity : array, shape [batch, m, n]
        Embeddings at similarity NaN have no vote (VQ-13).
    emb_labels : array, shape [n]
        Labels in [0, num_classes).
    num_classes, k : int
    representative : {"first", "nearest"}
        Whether the winning label is represented by the first embedding that bears it or by the most similar of its
        voters.

    Returns
    -------
    Vote

    Examples
    --------
    >>> similarity = np.array([[[0.2, 0.9, 0.8, 0.1]]])
    >>> majority_vote(similarity, np.array([1, 0, 1, 0]), num_classes=2, k=3, representative="first")
    Vote(label=array([[1]]), votes=array([[2]]), emb_index=array([[0]]))
    >>> majority_vote(similarity, np.array([1, 0, 1, 0]), num_classes=2, k=3, representative="nearest").emb_index
    array([[2]])
    """
    label, votes, emb_index = (np.full(similarity.shape[:-1], -1) for _ in range(3))
    for position in np.ndindex(*similarity.shape[:-1]):
        row = similarity[position]
        voters = k_most_similar(row, k)
        if len(voters) == 0:
            votes[position] = 0
            continue
        counts = np.bincount(emb_labels[voters], minlength=num_classes)
        label[position], votes[position] = counts.argmax(), counts.max()
        candidates = voters if representative == "nearest" else np.flatnonzero(~np.isnan(row))
        emb_index[position] = candidates[emb_labels[candidates] == label[position]][0]
    return Vote(label, votes, emb_index)


def k_most_similar(similarity: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Return the indices of the k largest entries of ``[n]``, largest first, lower index first on ties, NaN left out.

    Examples
    --------
    >>> k_most_similar(np.array([0.5, np.nan, 0.9, 0.5]), 2)
    array([2, 0])
    """
    order = np.argsort(-similarity, kind="stable")  # NaN comes last
    return order[~np.isnan(similarity[order])][:k]


def votes_needed(k: int, majority_threshold: float) -> int:
    """Return the least integer v with ``v / k >= majority_threshold`` in floating-point numbers; k + 1 if none to k.

    Examples
    --------
    >>> votes_needed(10, 0.5), votes_needed(3, 0.5), votes_needed(41, 1.0), votes_needed(5, 0.0), votes_needed(5, 1.1)
    (5, 2, 41, 0, 6)
    """
    return next((v for v in range(k + 1) if v / k >= majority_threshold), k + 1)
