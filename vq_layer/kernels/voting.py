"""The majority vote of the most similar embeddings (VQ-10)."""

import math
from typing import NamedTuple

import tensorflow as tf

from vq_layer.shapes import static_shape


class Vote(NamedTuple):
    """The outcome of a vote.

    Attributes
    ----------
    label : tf.Tensor, shape [batch, m], dtype of the labels
        The label with the most votes, the lowest on ties; -1 where nobody votes.
    votes : tf.Tensor, shape [batch, m], int32
        How many votes it has.
    emb_index : tf.Tensor, shape [batch, m], int64
        The embedding that represents it; -1 where nobody votes.
    """

    label: tf.Tensor
    votes: tf.Tensor
    emb_index: tf.Tensor


def majority_of(
    voters: tf.Tensor, emb_labels: tf.Tensor, usable: tf.Tensor, num_classes: int, representative: str
) -> Vote:
    """Let the most similar embeddings vote with their labels.

    Parameters
    ----------
    voters : tf.Tensor, shape [batch, m, k], int64
        The most similar embeddings, most similar first; -1 where there are fewer than k.
    emb_labels : tf.Tensor, shape [n], int32 or int64
        Labels in [0, num_classes).
    usable : tf.Tensor, shape [n], bool
        Which embeddings can represent a label (VQ-13).
    num_classes : int
    representative : {"first", "nearest"}
        Whether the winning label is represented by the first embedding that bears it or by the most similar of its
        voters.

    Returns
    -------
    Vote
    """
    votes_cast = tf.where(voters >= 0, tf.gather(emb_labels, tf.maximum(voters, 0)), -1)
    # Sorted, equal labels lie together; a one_hot of them would grow with the number of classes.
    ballots = tf.sort(votes_cast, axis=-1)
    counts = tf.searchsorted(ballots, ballots, side="right") - tf.searchsorted(ballots, ballots)
    counts = tf.where(ballots >= 0, counts, 0)
    label = tf.gather(ballots, tf.argmax(counts, axis=-1), batch_dims=2)  # the first, and so lowest, of the most common
    votes = tf.reduce_max(counts, axis=-1)
    if representative == "nearest":
        bears_label = tf.cast(tf.equal(votes_cast, tf.expand_dims(label, -1)), tf.int32)
        emb_index = tf.gather(voters, tf.argmax(bears_label, axis=-1), batch_dims=2)
    else:
        first = _first_of_each_label(emb_labels, usable, num_classes)
        emb_index = tf.cast(tf.gather(first, tf.maximum(label, 0)), tf.int64)
    found = votes > 0
    return Vote(tf.where(found, label, -1), votes, tf.where(found, emb_index, -1))


def _first_of_each_label(emb_labels: tf.Tensor, usable: tf.Tensor, num_classes: int) -> tf.Tensor:
    """Return the first usable embedding that bears each label, ``[num_classes]``; where none does, any number."""
    (n,) = static_shape(emb_labels)
    index = tf.where(usable, tf.range(n), n)
    return tf.math.unsorted_segment_min(index, emb_labels, num_classes)


def votes_needed(k: int, majority_threshold: float) -> int:
    """Return the least integer v with ``v / k >= majority_threshold`` in Python floats; k + 1 if none to k.

    A rule of integers, since a share computed by TensorFlow may be rounded otherwise: 41/41 came out below 1.
    """
    if majority_threshold > 1:
        return k + 1
    v = max(math.ceil(majority_threshold * k) - 1, 0)  # the product may be rounded up past an integer
    while v / k < majority_threshold:
        v += 1
    return v
