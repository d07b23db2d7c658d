"""Fixed cases of everyday sizes, beyond those of random ones: each is large in one way alone, and so takes little time.

Where an implementation takes a chunk, a block or a group at a time, or counts in a small dtype, it shows beyond that
size. The numbers of coordinates and embeddings are prime, so that no group of them is full.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vq_verify.comparison import comparison_dtype
from vq_verify.protocol import Case, CosineCase, ResidualCase, ScalarCase, Vote
from vq_verify.strategies.learning import Started
from vq_verify.strategies.parts import Masked, Step
from vq_verify.strategies.scalar import Clear, middles

Rows = NDArray[np.int64]


class Sizes(NamedTuple):
    """What is large."""

    n: int
    d: int
    batch: int
    r: int = 1
    num_splits: int = 1


SIZES = {
    "coordinates": Sizes(n=7, d=103, batch=6, r=14, num_splits=5),
    "more coordinates": Sizes(n=3, d=773, batch=35, r=2),
    "embeddings": Sizes(n=521, d=3, batch=10, r=3, num_splits=2),
    "vectors": Sizes(n=5, d=3, batch=4201),
    "splits": Sizes(n=7, d=20, batch=2, r=19, num_splits=37),
}

MORE_EMBEDDINGS = Sizes(n=1037, d=3, batch=20, r=3, num_splits=2)

# |v| <= LARGEST leaves all exact that float32 compares: of 773 coordinates the squares sum to less than 2^18.
LARGEST, FAR = 3, 9


def rows_of(sizes: Sizes, seed: int = 0) -> tuple[Rows, Rows]:
    """Return the vectors, ``[M, d]``, and the embedding space, ``[n, d]``, of small integers.

    Half of the vectors equal one embedding, more often than half types can count if there are many. A quarter equal
    embeddings of all places, the last included; and a quarter differ from zero in one coordinate, of all places, too.
    """
    rng = np.random.default_rng(seed)
    n, d, count = sizes.n, sizes.d, sizes.batch * sizes.r * sizes.num_splits
    largest = FAR if d == 3 else LARGEST  # so that most of many embeddings differ
    emb_space = rng.integers(-largest, largest + 1, [n, d])
    i = np.arange(count)
    vectors = np.where(i[:, np.newaxis] % 4 == 1, emb_space[places(count, n)], emb_space[n // 2])
    alone = (i[:, np.newaxis] % 4 == 3) & (places(count, d)[:, np.newaxis] == np.arange(d))
    vectors[i % 4 == 3] = FAR * alone[i % 4 == 3]
    return vectors, emb_space


def places(count: int, size: int) -> NDArray[np.int64]:
    """Return a place of so many for each vector, such that one in four of these reach from the last to the first."""
    return (-1 - np.arange(count) // 4 * max(1, 4 * size // count)) % size


def exact_case(sizes: Sizes, lookup_ord: float = 2, dtype: Any = np.float32) -> Case:
    """Return a case on which float32 does not round."""
    vectors, emb_space = rows_of(sizes)
    return Case(
        x=vectors.reshape(sizes.batch, sizes.r, -1).astype(dtype),
        emb_space=emb_space.astype(comparison_dtype(dtype)),
        lookup_ord=lookup_ord,
        num_splits=sizes.num_splits,
        exact=True,
    )


def masked_case(sizes: Sizes, dtype: Any = np.float32) -> Masked:
    """Return a case with a mask of two in three, and the same without what is masked."""
    masked = exact_case(sizes, dtype=dtype)
    mask = np.arange(sizes.batch * sizes.r).reshape(sizes.batch, sizes.r) % 3 > 0
    case = replace(masked, x=masked.x[mask][:, np.newaxis])
    return Masked(case, replace(masked, mask=mask), np.repeat(mask.reshape(-1), sizes.num_splits))


def per_split_case(sizes: Sizes) -> Case:
    """Return a case with a codebook per split, none of which equals another."""
    case = exact_case(sizes)
    shifted = [np.roll(case.emb_space, s, axis=-1) for s in range(sizes.num_splits)]
    return replace(case, emb_space=np.stack(shifted), codebooks="per-split")


COSINE_SIZES = {
    "coordinates": Sizes(n=61, d=103, batch=12, r=2, num_splits=5),
    "more coordinates": Sizes(n=31, d=773, batch=10, r=4),
    "embeddings": Sizes(n=1037, d=20, batch=8, r=3, num_splits=2),
    "vectors": Sizes(n=5, d=4, batch=2201),
    "splits": Sizes(n=7, d=20, batch=2, r=3, num_splits=37),
}

# Beyond what 8 and 16 bits hold, and with a lowest one; their differences times a hundredth are many votes.
# Two of them share most of the votes, nearly two fifths each, which many voters reach or just miss.
LABELS, SHARES = np.array([0, 3, 200, 40_000, 70_000]), (0.05, 0.05, 0.1, 0.4, 0.4)
CLASSES = 70_001


def directions_of(sizes: Sizes, seed: int = 0) -> tuple[Rows, Rows]:
    """Return vectors, ``[M, d]``, and embeddings, ``[n, d]``, of 1 and 4 coordinates of magnitude 1: norms 1 and 2.

    The coordinates of the embeddings are of all places, as are those of the vectors, half of which equal an embedding.
    """
    rng = np.random.default_rng(seed)
    n, d, count = sizes.n, sizes.d, sizes.batch * sizes.r * sizes.num_splits
    first = (-1 - np.arange(n) * max(1, d // n)) % d
    order = rng.random([n, d])
    order[np.arange(n), first] = -1  # the least
    alike = (np.arange(n) % 2 == 0) & (np.arange(n) < 2 * d)  # more of one coordinate would repeat
    width = np.where(alike, 1, 4)[:, np.newaxis]
    emb_space = rng.choice([-1, 1], [n, d]) * (order.argsort(axis=1).argsort(axis=1) < width)
    place = places(count, n)
    alone = rng.choice([-1, 1], [count, 1]) * (first[place][:, np.newaxis] == np.arange(d))
    return np.where(np.arange(count)[:, np.newaxis] % 2, alone, emb_space[place]), emb_space


def exact_cosine_case(sizes: Sizes, vote: bool, dtype: Any = np.float32) -> CosineCase:
    """Return a case whose similarities are exact, with a vote of most of the embeddings or without."""
    vectors, emb_space = directions_of(sizes)
    k = sizes.n * 2 // 3
    labels = np.random.default_rng(1).choice(LABELS, sizes.n, p=SHARES)
    return CosineCase(
        x=vectors.reshape(sizes.batch, sizes.r, -1).astype(dtype),
        emb_space=emb_space.astype(comparison_dtype(dtype)),
        num_splits=sizes.num_splits,
        vote=Vote(labels, CLASSES, k, (k * 5 // 12 + 1) / k, "nearest") if vote else None,
    )


def trainings(sizes: Sizes, dtype: Any = np.float32) -> tuple[Case, list[Step]]:
    """Return the case of a training without losses, and two passes over vectors twice as far from zero as embeddings.

    Few of them equal an embedding, and the most distant stand in all parts of a batch.
    """
    case = replace(exact_case(sizes, lookup_ord=1, dtype=dtype), weights={})
    steps = []
    for seed in (1, 2):
        vectors = 2 * rows_of(sizes, seed)[0] + 1
        far = np.arange(0, len(vectors), 97)
        vectors[far, 0] += 10 + 3 * (far % 23)
        steps.append(Step(vectors.reshape(case.x.shape).astype(dtype), None, trains=True))
    return case, steps


def starting(sizes: Sizes, method: str, distinct: int) -> Started:
    """Return a training that starts from a first pass over so many distinct vectors, the last ones several times."""
    _, emb_space = rows_of(sizes._replace(n=distinct))
    pool = np.unique(emb_space, axis=0)
    rows = pool[np.minimum(np.arange(sizes.batch * sizes.r * sizes.num_splits), len(pool) - 1)]
    case = replace(exact_case(sizes), start=method, weights={})
    x = rows.reshape(case.x.shape).astype(case.x.dtype)
    case = replace(case, emb_space=np.zeros_like(case.emb_space))
    return Started(case, [Step(x, None, trains=True), Step(-x, None, trains=True)], rows)


def stages(sizes: Sizes, number: int, dtype: Any = np.float32) -> ResidualCase:
    """Return so many stages on which float32 does not round; each has a codebook of its own."""
    case = exact_case(sizes, dtype=dtype)
    emb_spaces = [np.roll(case.emb_space, i, axis=-1) for i in range(number)]
    return ResidualCase(case=case, emb_spaces=np.stack(emb_spaces), order=tuple(range(number)))


def clear_grid(levels: tuple[int, ...], batch: int, num_splits: int, dtype: Any = np.float32) -> Clear:
    """Return vectors in the middles of levels, two in three in those of the last index; every fifth is masked."""
    level = np.random.default_rng(0).integers(0, levels, [batch, num_splits, len(levels)])
    level[np.arange(batch * num_splits).reshape(batch, num_splits) % 3 > 0] = np.array(levels) - 1
    x = middles(level, levels, dtype).astype(dtype).reshape(batch, 1, -1)
    mask = np.arange(batch)[:, np.newaxis] % 5 > 0
    case = ScalarCase(x=x, levels=levels, num_splits=num_splits, mask=mask)
    return Clear(case, level, np.ones(level.shape[:-1], bool), np.repeat(mask, num_splits, axis=1))
