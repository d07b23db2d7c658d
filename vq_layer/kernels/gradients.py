"""Gradients of many distances to the embeddings, with the subgradients of VQ-7."""

import functools
from collections.abc import Iterator

import tensorflow as tf

from vq_layer.kernels import chunks, tiles
from vq_layer.kernels.compilation import compiled
from vq_layer.kernels.norms import norm_of
from vq_layer.non_finite import finite_rows
from vq_layer.shapes import static_shape


def weighted_sums(
    rows: tf.Tensor, weights: tf.Tensor, emb_space: tf.Tensor, lookup_ord: float, few: int | None
) -> list[tf.Tensor]:
    """Return ``sum over i of weights[i, j] * ||rows[i] - emb_space[j]||_p`` for each j, and its gradient.

    Parameters
    ----------
    rows : tf.Tensor, shape [number, d]
        One that is not finite adds nothing.
    weights : tf.Tensor, shape [number, n] or [number, 1]
    emb_space : tf.Tensor, shape [n, d]
        One that is not finite has the sum 0 and the gradient 0.
    lookup_ord : float
    few : int or None
        What holds all rows, where they are known to be few (`Route.few`).

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
        chunks.compiled_sizes(n * d, few),
        [tf.zeros([n], rows.dtype), tf.zeros_like(across)],
    )
    return [tf.where(usable, sums, 0), tf.where(tf.expand_dims(usable, -1), tiles.vectors(gradient, d), 0)]


def _add_up(rows: tf.Tensor, weights: tf.Tensor, across: tf.Tensor, lookup_ord: float) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the sums ``[n]`` and the gradient as `tiles.lanes`, which the embeddings are laid out as, too."""
    known, norm = tf.expand_dims(finite_rows(rows), -1), norm_of(lookup_ord)
    strips = tiles.strips(tf.where(known, rows, 0), fill=0)
    number, *_, strip = static_shape(strips)
    weights = tf.reshape(tf.where(known, weights, 0), [number, strip, static_shape(weights)[-1]])

    def step(i: tf.Tensor, total: tf.Tensor, gradient: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        distance, *of_pairs = norm.gradient(tiles.fold(strips[i], across), weights[i])
        terms = (norm.term(across, *of_vector) for of_vector in _vectors(strips[i], *of_pairs))
        return i + 1, total + tf.reduce_sum(weights[i] * distance, axis=0), gradient + sum(terms)

    start = [0, tf.zeros_like(across[0, 0]), tf.zeros_like(across)]
    _, total, gradient = tf.while_loop(lambda i, *_: i < number, step, start)
    return total, gradient


def _vectors(strip: tf.Tensor, *of_each: tf.Tensor) -> Iterator[tuple[tf.Tensor, ...]]:
    """Give each vector of the strip, against all lanes, and what belongs to it, ``[strip, ...]``."""
    return zip(tf.unstack(tf.expand_dims(strip, -2), axis=-1), *map(tf.unstack, of_each), strict=True)
