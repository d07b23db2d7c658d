"""Which of the embeddings that a comparison finds stands for a vector (VQ-2, VQ-10)."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference import validation, voting
from reference.parts.comparisons import Search

__all__ = ["Majority", "Nearest"]


class Choice(NamedTuple):
    """What is chosen.

    Attributes
    ----------
    emb_index : array, shape [batch, m], int64
        The embedding that stands for each vector; -1 where there is none.
    kept : array, shape [batch, m], bool, or None
        Which vectors are mapped to themselves; None where none can be.
    label : array, shape [batch, m], dtype of the labels, or None
        The label that won the vote, -1 where nobody votes; None without a vote.
    votes : array, shape [batch, m], int64, or None
        How many votes it has.
    """

    emb_index: NDArray[np.int64]
    kept: NDArray[np.bool_] | None = None
    label: NDArray[Any] | None = None
    votes: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Nearest:
    """The nearest or most similar one."""

    def choose(self, search: Search) -> Choice:
        """Return the index that was found."""
        return Choice(search.index)


@dataclass(frozen=True, eq=False)
class Majority:
    """One that bears the label most common among the k most similar ones.

    Attributes
    ----------
    emb_labels : array, shape [n], int32 or int64
        The label of each embedding, in [0, num_classes).
    num_classes, k : int
    majority_threshold : float
        If not negative, a vector is mapped to itself when the share of the winning votes among k is less.
    representative : {"first", "nearest"}
        Whether the first embedding that bears the label stands for it, or the most similar one of its voters.
    """

    emb_labels: NDArray[Any]
    num_classes: int
    k: int
    majority_threshold: float = -1
    representative: str = "first"

    def __post_init__(self) -> None:
        labels, rules = np.asarray(self.emb_labels), (self.num_classes, self.k, self.majority_threshold)
        validation.check_vote(labels, labels.size, *rules, self.representative, " of Majority")

    def choose(self, search: Search) -> Choice:
        """Hold the vote, in which each of the n embeddings must have a label."""
        labels = np.asarray(self.emb_labels)
        validation.check_labels(labels, search.similarity.shape[-1], self.num_classes, " of Majority")
        vote = voting.majority_vote(search.similarity, labels, self.num_classes, self.k, self.representative)
        kept = (vote.emb_index >= 0) & (vote.votes < voting.votes_needed(self.k, self.majority_threshold))
        return Choice(
            vote.emb_index, kept if self.majority_threshold >= 0 else None, vote.label.astype(labels.dtype), vote.votes
        )
