"""The sizes and thresholds that the kernels' times and memory depend on, and no result."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Tuning:
    """All that was chosen by measuring; "coordinates" are those of pairs of a vector and an embedding."""

    small: int = (
        1 << 20
    )  # coordinates of all pairs up to which the plain formula takes a few milliseconds and megabytes
    plain_chunk: int = 1 << 20  # coordinates of a chunk of the plain formula, for the same reason
    compiled_chunk: int = 1 << 25  # coordinates of a compiled one, about a millisecond: twenty times what a call takes
    fewest_rows: int = 128  # of a compiled chunk, so that the lanes of a processor are full
    most_rows: int = 4096  # of a compiled chunk, of which half may be filled up
    chunks_at_once: int = os.cpu_count() or 1
    few: int = 512  # rows, of which a chunk of the usual size would be empty for the most part
    few_rows: int = 128  # of a chunk of few rows in a search, and the least that all of few are filled up to

    fused_pairs: int = 1 << 26  # of the largest chunk of few large programs, whose distances take 256 MiB as float32
    fused_step: int = 8  # how many times as large each of three sizes is, so that no loop takes more than 8 chunks

    product_pays: int = 24  # coordinates of a vector from which on a product, with what it takes to trust it, is faster
    product_rows: int = 1024  # of a chunk
    product_of_few: int = 1 << 15  # coordinates of all pairs from which on a product pays for few of them, too
    product_once: int = 1 << 7  # coordinates of all embeddings, likewise, where the number of vectors is unknown
    product_in_xla: int = 1 << 18  # the same where XLA compiles all that is around it, and takes long for more
    product_block: int = 1024  # embeddings, whose scores stay in the cache
    one_product: int = 1 << 11  # embeddings up to which the scores of all of them find the most similar as fast
    settled_coordinates: int = 1 << 18  # of a chunk of such rows, most of which are often few
    settled_rows: int = 4  # likewise, even if these are more coordinates
    settled_plainly: int = 32  # of so many rows one that a product leaves undecided is compared by itself

    strip: int = 16  # vectors of a tile: with fewer, or with several bundles of fewer, XLA is four times slower
    bundle: int = 16  # coordinates that XLA unrolls into one loop, or less than twice as many; see `strip`
    lanes: int = 128  # the most of a tile
    lane_bytes: int = 4096  # of the lanes of a tile: XLA divides more among threads, which takes twice as long
    laid_out: int = 1 << 18  # coordinates of embeddings laid out at once, 1 MiB as float32

    subtracted_by_rows: int = 16  # coordinates of a vector from which on TensorFlow subtracts one from many row by row
    tried_seeds: int = 256  # embeddings up to which each seed of k-means is the best of some, at twice the work
    drawn_seeds: int = 16  # at once of more embeddings, of which the later ones are seldom accepted

    group: int = 4  # embeddings; a larger group has more candidates to compare exactly, a smaller one more maxima
    spare_groups: int = 4  # beyond k, so that the next score is rarely within rounding of the k-th
    score_block: int = 1024  # embeddings, whose scores stay in the cache
    ranking_held: int = 1 << 23  # numbers that a chunk of a ranking holds, about 32 MiB as float32
    ranking_rows: int = 1024  # the most of a chunk of a ranking
    compared_rows: int = 16  # rows that are compared with all embeddings, and so the least of such a chunk
    compared_coordinates: int = 1 << 20  # that are compared with all embeddings at once


TUNING = Tuning()


def cached(build: Callable[..., Any]) -> Any:
    """Call a function once for all equal arguments, and anew for another `TUNING`, which it may read."""
    built = functools.cache(lambda _, *facts: build(*facts))

    @functools.wraps(build)
    def of_tuning(*facts: Any) -> Any:
        return built(TUNING, *facts)

    of_tuning.cache_clear = built.cache_clear  # type: ignore[attr-defined]
    return of_tuning
