"""What a rule may know of a batch, such that batches, replicas and micro-batches can be merged (VQ-22)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from vq_layer.shapes import flat, static_shape


class Total(NamedTuple):
    """Counts or sums; they add.

    Attributes
    ----------
    value : tf.Tensor
        Of any shape; counts are integers.
    """

    value: tf.Tensor

    def merged(self, other: "Total") -> "Total":
        """Return the total of both."""
        return Total(self.value + other.value)

    @property
    def addend(self) -> tf.Tensor:
        """What replicas add up."""
        return self.value

    def with_sum(self, total: tf.Tensor) -> "Total":
        """Return that of all replicas, whose addends have this total."""
        return Total(total)


class Candidates(NamedTuple):
    """The most distant vectors of a batch, most distant first, earlier first on ties.

    Attributes
    ----------
    distance : tf.Tensor, shape [number]
        -1 in the place of one that is not there.
    vectors : tf.Tensor, shape [number, d]
    """

    distance: tf.Tensor
    vectors: tf.Tensor

    def now(self) -> "Candidates":
        """Return them."""
        return self

    def merged(self, later: "Candidates | OnDemand") -> "Candidates":
        """Return as many, the most distant of both; those of the other count as later."""
        other = later.now()
        distance, kept = tf.math.top_k(
            tf.concat([self.distance, other.distance], axis=0), static_shape(self.distance)[0]
        )
        return Candidates(distance, tf.gather(tf.concat([self.vectors, other.vectors], axis=0), kept))

    def share(self, distances: tf.Tensor, replica: tf.Tensor) -> "Candidates":
        """Return the most distant of all replicas, with zeros in the place of the vectors that are not of this one.

        What the shares of all hold sums to the vectors. ``distances``, ``[replicas, number]``, are those of all.
        """
        number = static_shape(self.distance)[0]
        distance, place = tf.math.top_k(tf.reshape(distances, [-1]), number)  # the first replica first on ties
        own = tf.expand_dims(tf.equal(place // number, replica), -1)
        return Candidates(distance, tf.where(own, tf.gather(self.vectors, place % number), 0))

    @property
    def addend(self) -> tf.Tensor:
        """What replicas add up, once each has its share."""
        return self.vectors

    def with_sum(self, total: tf.Tensor) -> "Candidates":
        """Return those of all replicas, whose addends have this total."""
        return Candidates(self.distance, total)


class OnDemand(NamedTuple):
    """Candidates that are looked for where they are asked for: within a branch, only if it is taken.

    Attributes
    ----------
    find : function
        Returns the candidates. It is called once for each place that asks, and must compute there whatever it needs
        but has not yet.
    """

    find: Callable[[], Candidates]

    def now(self) -> Candidates:
        """Look for them."""
        return self.find()

    def merged(self, later: "Candidates | OnDemand") -> Candidates:
        """Return as many, the most distant of both, at once: of many calls, each would look for those of all before."""
        return self.now().merged(later)


Statistics = dict[str, Any]  # by each name a Total, Candidates or those OnDemand


def most_distant(distance: tf.Tensor, vectors: tf.Tensor, number: int) -> Candidates:
    """Return the most distant vectors, ``[batch, m], [batch, m, d] -> [number], [number, d]``; NaN is never one."""
    # What found no embedding is below every distance. Empty slots come first, so that they are taken before it.
    known = tf.reshape(tf.where(tf.math.is_nan(distance), -tf.ones_like(distance), distance), [-1])
    largest, kept = tf.math.top_k(tf.concat([-tf.ones([number], distance.dtype), known], axis=0), number)
    rows, places = flat(vectors), kept - number
    found = tf.cond(
        tf.size(known) > 0,
        lambda: tf.where(tf.expand_dims(places >= 0, -1), tf.gather(rows, tf.maximum(places, 0)), 0),
        lambda: tf.zeros([number, static_shape(rows)[1]], rows.dtype),
    )
    return Candidates(largest, found)


def merged(statistics: Statistics, later: Statistics) -> Statistics:
    """Return those of both batches, the one followed by the other."""
    return {name: it.merged(later[name]) for name, it in statistics.items()}


def at_once(statistics: Statistics) -> Statistics:
    """Return the same with all candidates looked for."""
    return {name: it.now() if isinstance(it, OnDemand) else it for name, it in statistics.items()}
