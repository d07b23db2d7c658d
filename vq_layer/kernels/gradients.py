"""Gradients of many distances to the embeddings, with the subgradients of VQ-7."""

import functools
import math
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

import tensorflow as tf

from vq_layer.kernels import chunks, tiles
from vq_layer.kernels.compilation import compiled
from vq_layer.non_finite import finite_rows
from vq_layer.shapes import static_shape

Terms = tuple[tf.Tensor, Iterable[tf.Tensor]]


@tf.custom_gradient  # type: ignore[untyped-decorator]
def not_differentiable(gradient: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """Return the gradient to the other, and refuse to differentiate it."""

    def refuse(_: tf.Tensor) -> NoReturn:
        raise NotImplementedError("gradients of distances have no gradients of their own")

    return tf.identity(gradient), refuse


def weighted_sums(rows: tf.Tensor, weights: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float) -> list[tf.Tensor]:
    """Return ``sum over i of weights[i, j] * ||rows[i] - emb_space[j]||_p`` for each j, and its gradient.

    Parameters
    ----------
    rows : tf.Tensor, shape [number, d]
        One that is not finite adds nothing.
    weights : tf.Tensor, shape [number, n] or [number, 1]
    emb_space : tf.Tensor, shape [n, d]
        One that is not finite has the sum 0 and the gradient 0.
    lookup_ord : {1, 2, numpy.inf}

    Returns
    -------
    list of two tf.Tensor, shapes [n] and [n, d]
    """
    n, d = static_shape(emb_space)
    usable = finite_rows(emb_space)
    across = tiles.lanes(tf.where(tf.expand_dims(usable, -1), emb_space, 0))
    kernel = compiled(functools.partial(_add_up, lookup_ord=lookup_ord))
    sums, gradient = chunks.summed(
        lambda *chunk: kernel(*chunk, across),
        [rows, weights],
        chunks.compiled_sizes(n * d),
        [tf.zeros([n], rows.dtype), tf.zeros_like(across)],
    )
    return [tf.where(usable, sums, 0), tf.where(tf.expand_dims(usable, -1), tiles.vectors(gradient, d), 0)]


def _add_up(rows: tf.Tensor, weights: tf.Tensor, across: tf.Tensor, lookup_ord: float) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the sums ``[n]`` and the gradient as `tiles.lanes`, which the embeddings are laid out as, too."""
    known = tf.expand_dims(finite_rows(rows), -1)
    blocks = tiles.blocks(tf.where(known, rows, 0), fill=0)
    weights = tf.reshape(tf.where(known, weights, 0), [-1, tiles.BLOCK, static_shape(weights)[-1]])
    terms_of = {1: _l1_terms, 2: _l2_terms, math.inf: _linf_terms}[lookup_ord]

    def step(i: tf.Tensor, total: tf.Tensor, gradient: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        distance, terms = terms_of(blocks[i], across, weights[i])
        return i + 1, total + tf.reduce_sum(weights[i] * distance, axis=0), gradient + sum(terms)

    start = [0, tf.zeros_like(across[0, 0]), tf.zeros_like(across)]
    _, total, gradient = tf.while_loop(lambda i, *_: i < static_shape(blocks)[0], step, start)
    return total, gradient


def _l1_terms(block: tf.Tensor, across: tf.Tensor, weight: tf.Tensor) -> Terms:
    """Return the distances, ``[BLOCK, n]``, and the weighted gradient of those of each vector of the block."""
    return tiles.tile(block, across, 1), (_signed(w, across, x) for x, w in _vectors(block, weight))


def _l2_terms(block: tf.Tensor, across: tf.Tensor, weight: tf.Tensor) -> Terms:
    distance = tf.sqrt(tiles.tile(block, across, 2))
    shares = tf.math.divide_no_nan(weight, distance)
    return distance, (share * (across - x) for x, share in _vectors(block, shares))


def _linf_terms(block: tf.Tensor, across: tf.Tensor, weight: tf.Tensor) -> Terms:
    """Share equally between the coordinates that tie for the maximum; their differences have no other rounding."""
    distance, ties = tiles.maxima(block, across)
    shares = tf.where(distance > 0, weight / ties, 0)
    zero = tf.zeros([], across.dtype)

    def term(x: tf.Tensor, share: tf.Tensor, largest: tf.Tensor) -> tf.Tensor:
        difference = across - x
        below = tf.where(tf.equal(difference, -largest), -share, zero)
        return tf.where(tf.equal(difference, largest), share, below)

    return distance, (term(*each) for each in _vectors(block, shares, distance))


def _signed(weight: tf.Tensor, one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """Return ``weight * sign(one - other)``; XLA's `sign` takes twice as long."""
    return tf.where(one > other, weight, 0) - tf.where(one < other, weight, 0)


def _vectors(block: tf.Tensor, *of_each: tf.Tensor) -> Iterator[tuple[tf.Tensor, ...]]:
    """Give each vector of the block, against all lanes, and what belongs to it, ``[BLOCK, ...]``."""
    return zip(tf.unstack(tf.expand_dims(block, -2), axis=-1), *map(tf.unstack, of_each), strict=True)
