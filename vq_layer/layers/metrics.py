"""How much of the embedding space is in use, over an epoch (VQ-4)."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from vq_layer.non_finite import where_known
from vq_layer.shapes import static_shape


def perplexity(access_count: tf.Tensor) -> tf.Tensor:
    """Return the exponential of the entropy of the usage: ``[n] -> []``; NaN when nothing was counted.

    ``exp(-sum p log p)`` with ``p = access_count / sum(access_count)``: n when all embeddings are used equally often,
    1 when only one is used.
    """
    total = tf.reduce_sum(access_count)
    share = tf.math.divide_no_nan(access_count, total)
    return where_known(total > 0, tf.exp(-tf.reduce_sum(tf.math.xlogy(share, share))))


def codebook_usage(access_count: tf.Tensor) -> tf.Tensor:
    """Return the share, in [0, 1], of embeddings that were used at all: ``[n] -> []``; NaN when nothing was counted."""
    used = tf.reduce_mean(tf.cast(access_count > 0, access_count.dtype))
    return where_known(tf.reduce_sum(access_count) > 0, used)


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


class _OfAccessCount(keras.metrics.Metric):
    """A metric of the access counts summed since the last reset; the mean over codebooks, where there are several."""

    quantity: ClassVar[str]

    def __init__(self, num_codebooks: int, n: int) -> None:
        super().__init__(name=self.quantity, dtype="float32")
        shape = (n,) if num_codebooks == 1 else (num_codebooks, n)
        self.access_count = self.add_variable(shape=shape, initializer="zeros", dtype="int64", name="access_count")
        self._shape = num_codebooks, n

    def name_after(self, layer_name: str) -> None:
        """Tell this metric apart from that of another layer by its name: ``<layer name>_<quantity>``."""
        self.name = f"{layer_name}_{self.quantity}"

    def update_state(self, access_count: Any) -> None:
        """Add the access counts of a batch, integers: ``[n]``, or ``[codebooks, n]``."""
        self.access_count.assign_add(tf.reshape(access_count, static_shape(self.access_count)))

    def _mean(self, of_codebook: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
        counts = tf.cast(tf.reshape(tf.convert_to_tensor(self.access_count), self._shape), tf.float64)
        return tf.cast(tf.reduce_mean([of_codebook(book) for book in tf.unstack(counts)]), tf.float32)


class Perplexity(_OfAccessCount):
    """The perplexity of the usage since the last reset."""

    quantity = "perplexity"

    def result(self) -> tf.Tensor:
        """Return it as a scalar."""
        return self._mean(perplexity)


class CodebookUsage(_OfAccessCount):
    """The share of embeddings used since the last reset."""

    quantity = "codebook_usage"

    def result(self) -> tf.Tensor:
        """Return it as a scalar."""
        return self._mean(codebook_usage)
