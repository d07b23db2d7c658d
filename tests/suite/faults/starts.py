"""Faults of the starts from a sample and from k-means (VQ-25)."""

from functools import partial
from itertools import cycle
from typing import Any

import numpy as np

from reference import lookup
from reference.distances import pairwise_distance
from reference.parts.starts import FromBatch, k_means_seeds, lloyd_step, sample
from tests.property import test_starts as laws
from tests.suite.faults.consequences import Array
from tests.suite.faults.machinery import instead_of

STARTS = "reference.parts.starts"
BEGIN, DRAWN = (f"{STARTS}.FromBatch.{name}" for name in ("begin", "drawn"))

sampled = laws.test_a_sample_takes_vectors_that_count_all_of_them_equally_often
distinct = laws.test_k_means_of_no_more_distinct_vectors_than_embeddings_are_these
groups = laws.test_k_means_of_groups_far_apart_are_their_means
by_l2 = laws.test_k_means_moves_to_the_mean_of_what_is_nearest_by_l2_under_any_norm
one_mean = partial(laws.test_one_mean_is_that_of_all, lookup_ord=2)
NOTHING = [
    partial(laws.test_a_pass_without_a_vector_starts_nothing, start=start, nothing=nothing)
    for start in ("sample", "k-means")
    for nothing in ("not finite", "masked", "empty")
]

_SEEDS = cycle(range(2))  # so that an example that fails does so again

right_begin, right_drawn, right_sample, right_seeds = FromBatch.begin, FromBatch.drawn, sample, k_means_seeds
right_step = lloyd_step
State = dict[str, Any]


@instead_of(f"{STARTS}.sample", "VQ-25.1", sampled)
def a_sample_is_drawn_with_replacement(vectors: Array, n: int, rng: np.random.Generator) -> Array:
    return vectors[rng.integers(len(vectors), size=n)]


@instead_of(f"{STARTS}.sample", "VQ-25.2", sampled)
def too_few_vectors_leave_zeros(vectors: Array, n: int, rng: np.random.Generator) -> Array:
    drawn = rng.permutation(vectors)[:n]
    return np.pad(drawn, [(0, n - len(drawn)), (0, 0)])


@instead_of(f"{STARTS}.sample", "VQ-25.2", sampled)
def too_few_vectors_repeat_the_last(vectors: Array, n: int, rng: np.random.Generator) -> Array:
    drawn = rng.permutation(vectors)[:n]
    return np.pad(drawn, [(0, n - len(drawn)), (0, 0)], mode="edge")


@instead_of(f"{STARTS}.k_means_seeds", "VQ-25.3", distinct, groups)
def seeds_are_a_sample(vectors: Array, n: int, rng: np.random.Generator) -> Array:
    return right_sample(vectors, n, rng)


@instead_of(f"{STARTS}.k_means_seeds", "VQ-25.3", distinct)
def seeds_are_drawn_by_the_distance_to_the_first_alone(vectors: Array, n: int, rng: np.random.Generator) -> Array:
    drawn = [vectors[rng.integers(len(vectors))]]
    while len(drawn) < n:
        square = pairwise_distance(vectors, np.array(drawn[:1]), 2).min(axis=-1) ** 2
        drawn.append(vectors[rng.choice(len(vectors), p=square / square.sum() if square.any() else None)])
    return np.array(drawn)


@instead_of(f"{STARTS}.k_means_seeds", "VQ-25.3", distinct)
def seeds_that_are_all_drawn_leave_the_origin(vectors: Array, n: int, rng: np.random.Generator) -> Array:
    seeds = right_seeds(vectors, n, rng)
    known = [any(np.array_equal(row, other) for other in seeds[:i]) for i, row in enumerate(seeds)]
    return np.where(np.array(known)[:, np.newaxis], 0, seeds)


@instead_of(f"{STARTS}.lloyd_step", "VQ-25.5", distinct)
def what_nothing_is_nearest_to_becomes_nan(vectors: Array, centres: Array) -> Array:
    nearest = lookup.nearest(pairwise_distance(vectors, centres, 2))
    return np.array([vectors[nearest == j].mean(axis=0) for j in range(len(centres))])


@instead_of(f"{STARTS}.lloyd_step", "VQ-25.5", distinct)
def what_nothing_is_nearest_to_becomes_zero(vectors: Array, centres: Array) -> Array:
    nearest = lookup.nearest(pairwise_distance(vectors, centres, 2))
    return np.array([vectors[nearest == j].sum(axis=0) / max((nearest == j).sum(), 1) for j in range(len(centres))])


@instead_of(f"{STARTS}.lloyd_step", "VQ-25.4", groups, one_mean)
def a_step_moves_to_the_median(vectors: Array, centres: Array) -> Array:
    nearest = lookup.nearest(pairwise_distance(vectors, centres, 2))
    groups = [vectors[nearest == j] for j in range(len(centres))]
    pairs = zip(groups, centres, strict=True)
    return np.array([np.sort(of, axis=0)[len(of) // 2] if len(of) else centre for of, centre in pairs])


@instead_of(f"{STARTS}.lloyd_step", "VQ-25.4", groups, one_mean, by_l2)
def no_step_is_taken(vectors: Array, centres: Array) -> Array:
    del vectors
    return centres


@instead_of(f"{STARTS}.lloyd_step", "VQ-25.4", by_l2)
def what_is_nearest_is_told_by_l1(vectors: Array, centres: Array) -> Array:
    nearest = lookup.nearest(pairwise_distance(vectors, centres, 1))
    groups = [vectors[nearest == j] for j in range(len(centres))]
    return np.array([of.mean(axis=0) if len(of) else centre for of, centre in zip(groups, centres, strict=True)])


@instead_of(BEGIN, "VQ-17.18", sampled, distinct)
def a_later_pass_starts_again(rule: FromBatch, state: State, vectors: Array, comparison: Any) -> State:
    return right_begin(rule, {**state, "initialized": np.array(False)}, vectors, comparison)


@instead_of(DRAWN, "VQ-25.1", sampled)
def vectors_that_are_not_finite_are_drawn_as_zero(rule: FromBatch, vectors: Array, n: int, comparison: Any) -> Any:
    return right_drawn(rule, np.where(np.isfinite(vectors), vectors, 1e6), n, comparison)


@instead_of(BEGIN, "VQ-25.7", *NOTHING)
def a_pass_of_nothing_counts_as_the_start(rule: FromBatch, state: State, vectors: Array, comparison: Any) -> State:
    return {**right_begin(rule, state, vectors, comparison), "initialized": np.array(True)}


@instead_of(DRAWN, "VQ-25.8", sampled)
def a_start_draws_from_a_generator_that_all_share(rule: FromBatch, vectors: Array, n: int, comparison: Any) -> Any:
    return right_drawn(FromBatch(rule.method, rule.iterations, next(_SEEDS)), vectors, n, comparison)
