"""k-means over many batches, of which no more than one is held at a time (VQ-25)."""

from collections.abc import Callable, Iterable
from functools import reduce

import tensorflow as tf

from vq_layer.kernels import draws, k_means, seeding
from vq_layer.kernels.compilation import shared
from vq_layer.non_finite import finite_rows, where_known
from vq_layer.parts.comparisons import Comparison
from vq_layer.parts.statistics import Candidates, Total, most_distant

SAMPLED = 32  # vectors for each embedding, from which the seeds are drawn
Batches = Callable[[], Iterable[tf.Tensor]]

_seeds = shared(seeding.seeds)  # many steps, of which each takes less time in a graph


def k_means_of(batches: Batches, n: int, iterations: int, seed: int, comparison: Comparison) -> tf.Tensor:
    """Return the centres that k-means finds among the finite rows of all batches, ``[number, d]`` each: ``[n, d]``.

    The seeds are drawn by k-means++ from a sample of them. Each of Lloyd's steps goes through all batches.

    Parameters
    ----------
    batches : function
        Which gives them, once more each time.
    n, iterations, seed : int
    comparison : Comparison
        Which scales the rows, and at last the centres.
    """

    def rows() -> Iterable[tf.Tensor]:
        return map(comparison.scaled, batches())

    sample = reduce(Candidates.merged, (_drawn(batch, SAMPLED * n, seed + i) for i, batch in enumerate(rows())))
    found = where_known(tf.expand_dims(sample.distance > 0, -1), sample.vectors)
    centres = _seeds(found, n=n, seed=seed)
    for _ in range(iterations):
        sums = [list(map(Total, k_means.sums(batch, centres))) for batch in rows()]
        total, count = (reduce(Total.merged, of_batches).value for of_batches in zip(*sums, strict=True))
        centres = k_means.mean(total, count, centres)
    return comparison.scaled(centres)


def _drawn(rows: tf.Tensor, number: int, seed: int) -> Candidates:
    """Return a sample of the finite rows, each with a key that is drawn for it, the largest first."""
    keys = draws.keys(tf.range(tf.shape(rows, tf.int64)[0]), seed, tf.constant(1, tf.int64), rows.dtype)
    return most_distant(where_known(finite_rows(rows), keys), rows, number)
