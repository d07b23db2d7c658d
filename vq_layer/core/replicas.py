"""What replicas tell one another within a step of training, so that each then decides the same (VQ-30).

A replica is one of several that each hold a part of the batch and the whole state. They give what one gives that holds
all parts, one after another in the order of the replicas.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import tensorflow as tf

from vq_layer.parts.statistics import Candidates, Statistics
from vq_layer.shapes import flat, static_shape


@dataclass(frozen=True)
class Replicas:
    """All replicas, as one of them sees them.

    Attributes
    ----------
    number : int
        How many there are.
    replica : tf.Tensor, shape [], int32
        Which of them this is, from 0 on.
    total : function
        Of a tensor, of one shape and dtype on all replicas; returns its sum over these, to all of them.
    """

    number: int
    replica: tf.Tensor
    total: Callable[[tf.Tensor], tf.Tensor]

    def merged(self, statistics: Sequence[Statistics]) -> list[Statistics]:
        """Return the statistics of all replicas: the distances of candidates go round first, then all else at once."""
        each = [it for own in statistics for it in own.values()]
        distances = iter(self.stacked([it.distance for it in each if isinstance(it, Candidates)]))
        each = [it.share(next(distances), self.replica) if isinstance(it, Candidates) else it for it in each]
        sums = self.totals([it.addend for it in each])
        whole = iter([it.with_sum(total) for it, total in zip(each, sums, strict=True)])
        return [{name: next(whole) for name in own} for own in statistics]

    def totals(self, values: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Return the sums of tensors of one dtype over all replicas, in one message; integers in one of their own."""
        sums: dict[int, tf.Tensor] = {}
        for dtype in dict.fromkeys(value.dtype for value in values):
            places = [place for place, value in enumerate(values) if value.dtype == dtype]
            of_dtype = [values[place] for place in places]
            sums |= dict(zip(places, _parted(self.total(_together(of_dtype)), of_dtype), strict=True))
        return [sums[place] for place in range(len(values))]

    def stacked(self, values: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Return those of all replicas of each tensor, ``[...] -> [replicas, ...]``, in one message."""
        here = tf.one_hot(self.replica, self.number, on_value=True, off_value=False)
        return self.totals([tf.where(tf.reshape(here, [-1, *[1] * value.shape.rank]), value, 0) for value in values])

    def offset(self, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return of what this replica has so many, int32, how many those before it have, and how many all have."""
        (numbers,) = self.stacked([tf.cast(number, tf.int64)])  # of 32 bits, TensorFlow keeps them off a GPU
        before = tf.where(tf.range(self.number) < self.replica, numbers, 0)
        return tf.cast(tf.reduce_sum(before), tf.int32), tf.cast(tf.reduce_sum(numbers), tf.int32)

    def vectors(
        self, vectors: tf.Tensor, counted: tf.Tensor | None, wanted: tf.Tensor, before: tf.Tensor, every: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the vectors of all replicas and which of them count, ``[1, every, d]`` and ``[1, every]``.

        Replicas cannot talk within a branch: where the vectors are not wanted, they say nothing, and get none.

        Parameters
        ----------
        vectors : tf.Tensor, shape [batch, m, d]
        counted : tf.Tensor, shape [batch, m], bool, or None
            Which vectors a mask leaves; None for all. Other replicas may have a mask all the same.
        wanted : tf.Tensor, shape [], bool
            The same for all replicas.
        before, every : tf.Tensor
            As `offset` returns them for the vectors.
        """
        d, rows = static_shape(vectors)[-1], flat(vectors)
        flags = tf.ones_like(rows[:, :1]) if counted is None else tf.reshape(tf.cast(counted, rows.dtype), [-1, 1])
        rows = tf.concat([rows, flags], axis=1)
        after = every - before - tf.shape(rows)[0]
        # A first row of zeros, since a message of nothing may crash the process.
        message = tf.cond(
            wanted,
            lambda: tf.pad(rows, [[1 + before, after], [0, 0]]),
            lambda: tf.zeros([1, d + 1], rows.dtype),
        )
        of_all = self.total(message)[1:]
        return tf.expand_dims(of_all[:, :d], 0), tf.expand_dims(of_all[:, d] > 0, 0)


def _together(values: Sequence[tf.Tensor]) -> tf.Tensor:
    return tf.concat([tf.reshape(value, [-1]) for value in values], axis=0)


def _parted(together: tf.Tensor, values: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    parts = tf.split(together, [tf.size(value) for value in values])
    return [tf.reshape(part, tf.shape(value)) for part, value in zip(parts, values, strict=True)]
