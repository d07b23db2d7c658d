"""What a layer tells of an epoch: how much of the embedding space is in use (VQ-4), and its losses."""

import itertools
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from vq_layer.core.quantizer import Quantizer, dead
from vq_layer.core.results import Result
from vq_layer.parts.statistics import Statistics
from vq_layer.shapes import static_shape


def perplexity(access_count: tf.Tensor) -> tf.Tensor:
    """Return the exponential of the entropy of the usage: ``[..., n] -> [...]``; NaN when nothing was counted.

    ``exp(-sum p log p)`` with ``p = access_count / sum(access_count)``: n when all embeddings are used equally often,
    1 when only one is used.
    """
    share = access_count / tf.reduce_sum(access_count, axis=-1, keepdims=True)
    return tf.exp(-tf.reduce_sum(tf.math.xlogy(share, share), axis=-1))


def codebook_usage(access_count: tf.Tensor) -> tf.Tensor:
    """Return the share, in [0, 1], of embeddings used: ``[..., n] -> [...]``; NaN when nothing was counted."""
    used = tf.reduce_mean(tf.sign(access_count), axis=-1)
    return used / tf.reduce_max(tf.sign(access_count), axis=-1)  # by 1, or by 0 where nothing was counted


def unique_names(names: Sequence[str]) -> list[str]:
    """Return the names with a number behind each that another bore before.

    >>> unique_names(["vq", "vq", "vq_1"])
    ['vq', 'vq_2', 'vq_1']
    """
    unique: list[str] = []
    for name in names:
        numbered = (f"{name}_{number}" for number in itertools.count(1))
        unique.append(name if name not in unique else next(it for it in numbered if it not in {*names, *unique}))
    return unique


class Seen(NamedTuple):
    """What a call of a layer sees of its batch.

    Attributes
    ----------
    access_count : tf.Tensor, shape [n], or [codebooks, n] of several, integers
        How often each embedding was chosen.
    losses : dict of str to list of tf.Tensor
        Each loss by name, for each codebook: a mean over the vectors that found an embedding.
    dead : tf.Tensor, shape [n] or [codebooks, n], bool, or None
        Which embeddings are dead.
    """

    access_count: tf.Tensor
    losses: dict[str, list[tf.Tensor]] = {}  # noqa: RUF012
    dead: tf.Tensor | None = None


class _OfLayer(keras.metrics.Metric):
    """A metric that a layer keeps of what it sees, since the last reset; of its codebooks together.

    Its variables add up over replicas, each of which counts what it sees itself.
    """

    def __init__(self, quantity: str, **kwargs: Any) -> None:
        super().__init__(name=quantity, **kwargs)
        self.quantity = quantity

    def name_after(self, layer_name: str) -> None:
        """Tell this metric apart from that of another layer by its name: ``<layer name>_<quantity>``."""
        self.name = f"{layer_name}_{self.quantity}"

    @abstractmethod
    def increment(self, now: Seen) -> tf.Tensor | None:
        """Return what to add to the variable after a call of the layer; None where there is none."""

    @abstractmethod
    def add(self, increment: Any) -> None:
        """Add that."""


class Perplexity(_OfLayer):
    """The perplexity of the usage: the mean over codebooks, where there are several."""

    def __init__(self, num_codebooks: int, n: int) -> None:
        super().__init__("perplexity", dtype="float32")
        shape = (n,) if num_codebooks == 1 else (num_codebooks, n)
        self.access_count = self.add_variable(shape=shape, initializer="zeros", dtype="int64", name="access_count")
        self._shape = num_codebooks, n

    def update_state(self, access_count: Any) -> None:
        """Add the access counts of a batch, integers: ``[n]``, or ``[codebooks, n]`` of several."""
        self.add(self.increment(Seen(access_count)))

    def increment(self, now: Seen) -> tf.Tensor:
        """Return the access counts in the shape of the variable."""
        return tf.reshape(now.access_count, static_shape(self.access_count))

    def add(self, increment: Any) -> None:
        """Add them."""
        self.access_count.assign_add(increment)

    def of_codebooks(self) -> tf.Tensor:
        """Return the access counts of each codebook, ``[codebooks, n]``, float64."""
        return tf.cast(tf.reshape(tf.convert_to_tensor(self.access_count), self._shape), tf.float64)

    def result(self) -> tf.Tensor:
        """Return it as a scalar."""
        return tf.cast(tf.reduce_mean(perplexity(self.of_codebooks())), tf.float32)


class CodebookUsage(_OfLayer):
    """The share of embeddings used, of those that another metric counted."""

    def __init__(self, counted: Perplexity) -> None:
        super().__init__("codebook_usage", dtype="float32")
        self._counted = counted

    def update_state(self, access_count: Any) -> None:
        """Leave the counting to the other."""

    def increment(self, now: Seen) -> None:
        """Leave it to the other."""

    def add(self, increment: Any) -> None:
        """Leave it to the other."""

    def result(self) -> tf.Tensor:
        """Return it as a scalar."""
        return tf.cast(tf.reduce_mean(codebook_usage(self._counted.of_codebooks())), tf.float32)


class MeanLoss(_OfLayer):
    """The mean of a loss over all vectors that found an embedding, of which another metric counted how many."""

    def __init__(self, quantity: str, num_codebooks: int, counted: Perplexity) -> None:
        super().__init__(quantity, dtype="float32")
        self._counted = counted
        self.total = self.add_variable(shape=(num_codebooks,), initializer="zeros", dtype="float64", name="total")

    def update_state(self, losses: Sequence[tf.Tensor], access_count: Any) -> None:
        """Add the losses of a batch, a mean for each codebook, times the vectors that it is the mean of."""
        self.add(self.increment(Seen(access_count, {self.quantity: [*losses]})))

    def increment(self, now: Seen) -> tf.Tensor:
        """Return the sum of the loss over the vectors of a batch, ``[codebooks]``."""
        losses = now.losses[self.quantity]
        found = tf.reduce_sum(tf.reshape(now.access_count, [len(losses), -1]), axis=-1)
        return tf.cast(tf.stack(losses), tf.float64) * tf.cast(found, tf.float64)

    def add(self, increment: Any) -> None:
        """Add it."""
        self.total.assign_add(increment)

    def result(self) -> tf.Tensor:
        """Return it as a scalar; of several codebooks the sum of the means, as the loss is."""
        found = tf.reduce_sum(self._counted.of_codebooks(), axis=-1)
        return tf.cast(tf.reduce_sum(tf.convert_to_tensor(self.total) / found), tf.float32)


class DeadShare(_OfLayer):
    """The share of embeddings that are dead, the mean over passes."""

    def __init__(self) -> None:
        super().__init__("dead_share", dtype="float32")
        self.total = self.add_variable(shape=(2,), initializer="zeros", dtype="float64", name="total")

    def update_state(self, dead: Any) -> None:
        """Add which of the embeddings are dead in a pass, bool."""
        self.add(self.increment(Seen(tf.zeros([]), dead=dead)))

    def increment(self, now: Seen) -> tf.Tensor:
        """Return the share of the embeddings that are dead, and of how many passes, ``[2]``."""
        share = tf.reduce_mean(tf.cast(now.dead, tf.float64))
        return tf.stack([share, tf.ones_like(share)])

    def add(self, increment: Any) -> None:
        """Add them."""
        self.total.assign_add(increment)

    def result(self) -> tf.Tensor:
        """Return it as a scalar."""
        share, passes = tf.unstack(tf.convert_to_tensor(self.total))
        return tf.cast(share / passes, tf.float32)


def seen(result: Result, quantizer: Quantizer, statistics: list[Statistics] | None = None) -> Seen:
    """Return what a call sees of a pass; with its statistics, if it learns from them."""
    return Seen(result.counts, result.losses_of_codebooks, dead(result, quantizer, statistics))


def increments(metrics: Sequence[Any], now: Seen) -> list[tf.Tensor | None]:
    """Return what each of the metrics of a layer adds after a call that sees this."""
    return [metric.increment(now) for metric in metrics]
