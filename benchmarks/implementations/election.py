"""The vote of neighbours that a library has found."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def first_of_winner(
    voters: NDArray[np.int64], emb_labels: NDArray[np.int64], num_classes: int
) -> NDArray[np.signedinteger[Any]]:
    """Return the first embedding that bears the label with most votes, the lowest on ties: ``[m, k] -> [m]``.

    Examples
    --------
    >>> first_of_winner(np.array([[1, 2, 3], [0, 1, 3]]), np.array([5, 5, 2, 2]), num_classes=6)
    array([2, 0])
    """
    labels = emb_labels[voters]
    row = np.arange(len(voters))[:, None]
    votes = np.bincount((row * num_classes + labels).ravel(), minlength=len(voters) * num_classes)
    winner = votes.reshape(len(voters), num_classes).argmax(axis=-1)
    bearing, first = np.unique(emb_labels, return_index=True)
    return first[np.searchsorted(bearing, winner)]
