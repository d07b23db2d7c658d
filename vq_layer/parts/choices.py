"""Which of the embeddings that a search finds stands for a vector (VQ-2, VQ-9, VQ-10)."""

from abc import abstractmethod
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from vq_layer import validation
from vq_layer.assertions import labels_in_range
from vq_layer.kernels.voting import majority_of, votes_needed
from vq_layer.non_finite import finite_rows
from vq_layer.parts.part import Part, State, Variable, number_of, part, resolved

__all__ = ["Majority", "Nearest"]


class Choice(NamedTuple):
    """What was chosen for each vector.

    Attributes
    ----------
    emb_index : tf.Tensor, shape [batch, m], int64
        The embedding; -1 for none.
    identity_mapping_mask : tf.Tensor, shape [batch, m], bool, or None
        Which vectors stay as they are; None where that is not in question.
    most_common_label : tf.Tensor, shape [batch, m], dtype of the labels, or None
        The label that won; None without a vote.
    """

    emb_index: tf.Tensor
    identity_mapping_mask: tf.Tensor | None = None
    most_common_label: tf.Tensor | None = None


class Chooser(Part):
    """How an embedding is chosen."""

    @abstractmethod
    def choose(self, search: Any, state: State) -> Choice:
        """Return the choice for each vector."""


@part
class Nearest(Chooser):
    """The nearest embedding, or the most similar one; the lowest index on ties."""

    def choose(self, search: Any, state: State) -> Choice:
        """Return the choice for each vector."""
        del state
        return Choice(emb_index=search.emb_index)


@part
class Majority(Chooser):
    """An embedding of the label most common among the k most similar ones.

    The labels are state, too: they are saved with the embeddings.

    Parameters
    ----------
    emb_labels : array or tensor, shape [n], int32 or int64
        The label of each embedding, in [0, num_classes).
    num_classes : int
    k : int
        How many embeddings vote, at most n.
    majority_threshold : float
        If not negative, a vector stays as it is when the share of the winning votes among k is less.
    representative : {"first", "nearest"}
        Whether the output is the first embedding that bears the winning label or the most similar one of the k.
    """

    emb_labels: Any
    num_classes: int
    k: int
    majority_threshold: float = -1
    representative: str = "first"

    def __post_init__(self) -> None:
        threshold = number_of(self.majority_threshold)
        validation.check_vote(self.num_classes, self.k, threshold, self.representative)
        labels = self.emb_labels if tf.is_tensor(self.emb_labels) else np.asarray(self.emb_labels)
        validation.check_labels(labels, None, self.num_classes)
        for name, value in (("emb_labels", labels), ("majority_threshold", float(threshold)), ("k", int(self.k))):
            object.__setattr__(self, name, value)

    def check_sizes(self, n: int, d: int | None) -> None:
        """Raise a ValueError where there is not a label for each embedding, or fewer than k of these."""
        del d
        validation.check_labels(self.emb_labels, n, self.num_classes)
        validation.check_voters(self.k, n)

    def variables(self, n: int, d: int, dtype: tf.DType) -> dict[str, Variable]:
        """Return the labels."""
        del d, dtype
        return {"emb_labels": Variable((n,), tf.as_dtype(self.emb_labels.dtype), self.emb_labels)}

    def choose(self, search: Any, state: State) -> Choice:
        """Let the k most similar embeddings vote with their labels."""
        labels = labels_in_range(state["emb_labels"], self.num_classes)
        voters, usable = search.ranking(self.k).emb_index, finite_rows(search.emb_space)
        vote = majority_of(voters, labels, usable, self.num_classes, self.representative)
        kept = None
        if self.majority_threshold >= 0:
            kept = (vote.emb_index >= 0) & (vote.votes < votes_needed(self.k, self.majority_threshold))
        return Choice(emb_index=vote.emb_index, identity_mapping_mask=kept, most_common_label=vote.label)


NAMES = {"nearest": Nearest}


def choice_of(value: Any) -> Chooser:
    """Return the choice that an argument stands for."""
    return resolved("choice", value, Chooser, NAMES)  # type: ignore[type-abstract]
