"""Blocks of embeddings, all of one size, so that one program takes each of them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from vq_layer.shapes import static_shape


class Blocks(NamedTuple):
    """A cut of n embeddings; the last block may begin early, and what it shares with the one before does not count.

    Results of all blocks, one after the other, have ``number * size`` places.
    """

    n: int
    number: int
    size: int

    def fold(self, step: Callable[..., Any], *start: Any) -> Any:
        """Return what is left of ``so_far = step(i, *so_far)`` for each block i in turn."""
        if self.number == 1:
            return step(tf.constant(0), *start)
        following = lambda i, *so_far: (i + 1, *step(i, *so_far))  # noqa: E731
        return tf.while_loop(lambda i, *_: i < self.number, following, (0, *start))[1:]

    def rows(self, emb_space: tf.Tensor, i: tf.Tensor) -> tf.Tensor:
        """Return the embeddings of block i, ``[size, d]``."""
        return tf.slice(emb_space, [self.start(i), 0], [self.size, static_shape(emb_space)[1]])

    def counts(self, i: tf.Tensor) -> tf.Tensor:
        """Tell which embeddings of block i count, ``[size]``."""
        return self.start(i) + tf.range(self.size) >= i * self.size

    def embedding_at(self, place: tf.Tensor) -> tf.Tensor:
        """Return the embedding at each place, n where none counts there: ``[...] -> [...]``, int32."""
        i = place // self.size
        index = place - i * self.size + self.start(i)
        return tf.where(index >= i * self.size, index, self.n)

    def start(self, i: tf.Tensor) -> tf.Tensor:
        """Return the first embedding of block i."""
        return tf.minimum(i * self.size, self.n - self.size)


def cut(n: int, largest: int, multiple: int = 1) -> Blocks:
    """Cut n embeddings into blocks of about the same size, a multiple of the given one, which is at most n / 2."""
    number = -(-n // largest)
    size = _rounded_up(n, number, multiple)
    if size > n:
        size = _rounded_up(n, 2, multiple)
    return Blocks(n, -(-n // size), size)


def _rounded_up(n: int, number: int, multiple: int) -> int:
    return -(-n // (number * multiple)) * multiple
