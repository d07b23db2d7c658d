"""Faults that show beyond a size: groups and blocks that are not full, small dtypes of what is counted (VQ-1)."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np

from reference import distances as right_distances
from reference import per_split, similarity, splitting
from reference.parts import replacement
from reference.parts.starts import FromBatch
from reference.statistics import Candidates
from reference.voting import Vote, k_most_similar
from tests.parity import test_everyday_sizes as sizes
from tests.suite.faults.consequences import Array, Fields, chosen
from tests.suite.faults.machinery import (
    Check,
    in_cosine,
    in_gradients,
    in_quantize,
    in_residual_quantize,
    in_scalar,
    instead_of,
)
from vq_verify.adapters.oracle import Oracle, OracleTraining
from vq_verify.comparison.scalar import index_at, levels_at
from vq_verify.protocol import (
    Case,
    CosineCase,
    CosineQuantized,
    Gradients,
    Quantized,
    ResidualCase,
    ResidualQuantized,
    ScalarCase,
    ScalarQuantized,
)

GROUP, BLOCK, BYTE, CHUNK = 16, 512, 256, 1024

TRAINING = f"{OracleTraining.__module__}.OracleTraining"


@cache
def quantized(size: str, lookup_ord: float = 2, dtype: str = "float32") -> Check:
    """Return the check of a size."""
    check = sizes.test_every_size_is_quantized_bit_for_bit_with_the_losses_and_gradients_of_all
    return partial(check, size=size, dtype=dtype, lookup_ord=lookup_ord)


@cache
def compared(size: str, vote: bool, dtype: str = "float32") -> Check:
    """Return the check of a size by similarity."""
    return partial(sizes.test_every_size_is_compared_by_cosine_bit_for_bit, size=size, dtype=dtype, vote=vote)


@cache
def trained(check: Check, size: str, dtype: str = "float32") -> Check:
    """Return the check of a training."""
    return partial(check, size=size, dtype=dtype)


other_order = partial(
    sizes.test_under_a_norm_of_another_order_every_size_is_quantized_within_rounding, size="coordinates"
)
more_embeddings = sizes.test_more_embeddings_are_told_apart_bit_for_bit
decoded = sizes.test_more_embeddings_are_decoded
masked = partial(sizes.test_every_size_is_masked, size="vectors", dtype="float16")
codebooks = sizes.test_more_than_a_few_splits_have_a_codebook_each
replaced = sizes.test_every_size_is_replaced_as_in_the_oracle
averaged = sizes.test_every_size_is_averaged_as_in_the_oracle
dead = sizes.test_dead_codes_of_every_size_are_as_in_the_oracle
starts = partial(sizes.test_more_than_a_few_embeddings_start_from_vectors, method="sample")
drawn = [
    partial(sizes.test_what_is_drawn_is_of_all_parts_of_a_batch, how=how)
    for how in ({"start": "sample"}, {"replacement": replacement.DeadCodes(0.5, 0.0, number=99)})
]
in_stages = partial(
    sizes.test_every_size_is_quantized_in_stages_as_in_the_oracle,
    **dict(zip(("sizes", "number", "dtype"), sizes.STAGED["many stages"], strict=True)),
)
on_grid = partial(
    sizes.test_every_size_is_rounded_to_a_grid_as_in_the_oracle,
    **dict(zip(("levels", "num_splits", "dtype"), sizes.GRIDS["many coordinates"], strict=True)),
)

right_pairwise, right_cosine = right_distances.pairwise_distance, similarity.cosine_similarity
right_most_distant, right_divided, right_split_mask = (
    replacement.most_distant,
    per_split.divided,
    splitting.split_mask,
)
right_decode, right_begin, right_gather = Oracle.decode, FromBatch.begin, replacement.DeadCodes.gather
right_training_pass, right_replace_embeds = OracleTraining.training_pass, OracleTraining.replace_embeds


def full_groups(vectors: Array) -> Array:
    """Return the coordinates of the groups that are full; all if none is."""
    d = vectors.shape[-1]
    return vectors[..., : d // GROUP * GROUP or d]


def first_rows(emb_space: Array, number: int) -> Array:
    """Tell which rows are the first so many, with an axis to broadcast."""
    return np.arange(emb_space.shape[-2])[:, np.newaxis] < number


# Coordinates.


@instead_of("reference.distances.pairwise_distance", "VQ-1.1", quantized("coordinates"), other_order)
def coordinates_after_the_last_full_group_have_no_distance(vectors: Array, emb_space: Array, *order: Any) -> Array:
    return right_pairwise(full_groups(vectors), full_groups(emb_space), *order)


@instead_of("reference.similarity.cosine_similarity", "VQ-9.1", compared("coordinates", vote=False))
def coordinates_after_the_last_full_group_have_no_similarity(vectors: Array, emb_space: Array) -> Array:
    return right_cosine(full_groups(vectors), full_groups(emb_space))


@in_gradients("VQ-5.4", quantized("more coordinates"), quantized("coordinates", lookup_ord=1))
def coordinates_after_the_last_full_group_pull_nothing(_: Case, right: Gradients) -> Fields:
    of_beta = right.losses_to_emb_space.get("beta_loss")
    if of_beta is None:
        return {}
    kept = np.arange(of_beta.shape[-1]) < full_groups(of_beta).shape[-1]
    return {"losses_to_emb_space": right.losses_to_emb_space | {"beta_loss": of_beta * kept}}


@in_scalar("VQ-29.8", on_grid)
def the_index_is_of_the_first_group_of_coordinates(case: ScalarCase, right: ScalarQuantized) -> Fields:
    index = np.where(right.emb_index < 0, 0, right.emb_index)
    level = levels_at(index, case.levels) * (np.arange(len(case.levels)) < GROUP)
    return {"emb_index": np.where(right.emb_index < 0, -1, index_at(level, case.levels))}


# Embeddings.


@in_quantize("VQ-2.1", quantized("embeddings"), quantized("embeddings", lookup_ord=1), more_embeddings)
def the_last_block_of_embeddings_is_left_out_if_not_full(case: Case, right: Quantized) -> Fields:
    n = right.distance.shape[-1]
    return chosen(case, right.distance[..., : n // BLOCK * BLOCK].argmin(axis=-1)) if n > BLOCK else {}


@in_quantize("VQ-2.1", quantized("embeddings", lookup_ord=1), more_embeddings)
def an_index_is_kept_in_a_byte(case: Case, right: Quantized) -> Fields:
    return chosen(case, right.emb_index % BYTE) if len(case.emb_space) > BYTE else {}


@instead_of(f"{Oracle.__module__}.Oracle.decode", "VQ-13.29", decoded)
def an_index_is_decoded_from_a_byte(oracle: Oracle, case: Case, emb_index: Array) -> Array:
    return right_decode(oracle, case, emb_index % BYTE if len(case.emb_space) > BYTE else emb_index)


@in_quantize("VQ-6.2", quantized("embeddings"), more_embeddings)
def the_nearest_other_embedding_is_that_of_a_block(case: Case, _: Quantized) -> Fields:
    emb_space = case.emb_space.astype(np.float64)
    if len(emb_space) <= BLOCK:
        return {}
    closest = [
        right_pairwise(emb_space[i : i + BLOCK], emb_space[i : i + BLOCK], case.lookup_ord)
        for i in range(0, len(emb_space), BLOCK)
    ]
    nearest = [np.where(np.eye(len(block)) > 0, np.inf, block).min(axis=-1, initial=np.inf) for block in closest]
    return {"emb_closest_spacing": np.concatenate(nearest)}


@instead_of("reference.similarity.cosine_similarity", "VQ-9.4", compared("embeddings", vote=False))
def the_last_block_of_embeddings_is_similar_to_nothing_if_not_full(vectors: Array, emb_space: Array) -> Array:
    n = len(emb_space)
    known = np.arange(n) < (n // BLOCK * BLOCK or n)
    return np.where(known, right_cosine(vectors, emb_space), -1.0)


@instead_of(f"{TRAINING}.training_pass", "VQ-25.1", starts)
def no_more_than_a_block_of_embeddings_starts(training: OracleTraining, x: Array, *mask: Array) -> None:
    before = training.state
    right_training_pass(training, x, *mask)
    if not before.get("initialized", True):
        after = training.state["emb_space"]
        training.state = {**training.state, "emb_space": np.where(first_rows(after, BLOCK), after, 0)}


@instead_of(f"{TRAINING}.training_pass", "VQ-24.2", trained(averaged, "embeddings"))
def embeddings_beyond_a_byte_do_not_move(training: OracleTraining, x: Array, *mask: Array) -> None:
    before = training.state["emb_space"]
    right_training_pass(training, x, *mask)
    after = training.state["emb_space"]
    training.state = {**training.state, "emb_space": np.where(first_rows(after, BYTE), after, before)}


@instead_of("reference.per_split.divided", "VQ-20.2", codebooks)
def the_ninth_split_has_the_codebook_of_the_first(x: Array, state: Any, quantizer: Any) -> Iterator[Any]:
    parts = list(right_divided(x, state, quantizer))
    yield from ((part, parts[i % 8][1], one) for i, (part, _, one) in enumerate(parts))


@in_residual_quantize("VQ-28.2", in_stages)
def no_stage_after_the_eighth_adds_to_the_output(case: ResidualCase, right: ResidualQuantized) -> Fields:
    later = [case.stage(i).emb_space[right.emb_index[..., i]] for i in range(8, len(case.order))]
    return {"layer_out": right.layer_out - sum(row.reshape(case.case.x.shape) for row in later)}


# Vectors.


@instead_of(
    "reference.parts.replacement.most_distant",
    "VQ-11.3",
    trained(replaced, "vectors"),
    trained(replaced, "vectors", "bfloat16"),
)
def vectors_of_the_last_chunk_alone_compete_for_the_slots(vectors: Array, distance: Array, *others: Any) -> Candidates:
    last = np.arange(distance[..., 0].size).reshape(distance.shape[:-1]) >= distance[..., 0].size - CHUNK
    return right_most_distant(vectors, np.where(last[..., np.newaxis], distance, np.nan), *others)


@instead_of("reference.parts.starts.FromBatch.begin", "VQ-25.1", drawn[0])
def a_start_is_drawn_from_the_first_chunk(start: FromBatch, state: Any, vectors: Array, *others: Any) -> Any:
    return right_begin(start, state, vectors[: max(CHUNK, len(state["emb_space"]))], *others)


@instead_of("reference.parts.replacement.DeadCodes.gather", "VQ-26.8", drawn[1])
def dead_codes_are_drawn_from_the_first_chunk(rule: replacement.DeadCodes, it: Any) -> Any:
    statistics = right_gather(rule, it)
    if rule.source != "sample" or it.emb_index.size <= CHUNK:
        return statistics
    many = right_gather(replace(rule, number=it.emb_index.size), it)["candidates"]
    first = many.order < CHUNK
    number = statistics["candidates"].number
    kept = (getattr(many, name)[first][:number] for name in ("distance", "order", "vector"))
    return {**statistics, "candidates": Candidates(number, *kept)}


@instead_of("reference.splitting.split_mask", "VQ-21.5", masked)
def a_mask_ends_with_the_first_chunk(mask: Array | None, x: Array, num_splits: int) -> Array:
    return right_split_mask(mask, x, num_splits) | (np.arange(len(x))[:, np.newaxis] >= CHUNK)


# What is replaced.


@instead_of(f"{TRAINING}.replace_embeds", "VQ-11.6", trained(replaced, "embeddings"))
def no_more_than_a_group_is_replaced(training: OracleTraining) -> None:
    before = training.state["emb_space"]
    right_replace_embeds(training)
    after = training.state["emb_space"]
    written = (before != after).any(axis=-1)
    late = written & (np.cumsum(written, axis=-1) > GROUP)
    training.state = {**training.state, "emb_space": np.where(late[..., np.newaxis], before, after)}


@instead_of("reference.parts.replacement.DeadCodes._number", "VQ-26.5", trained(dead, "embeddings"))
def no_more_than_a_group_of_dead_codes_is_replaced(rule: replacement.DeadCodes, n: int) -> int:
    return min(GROUP, max(1, n // 8) if rule.number is None else rule.number)


# Votes.


def elected(similarity: Array, emb_labels: Array, k: int, representative: str, score: Any) -> Vote:
    """Return the vote of which the label of the highest score of all votes wins; -1 where nobody votes."""
    shape = similarity.shape[:-1]
    label, votes, emb_index = (np.full(shape, -1) for _ in range(3))
    for place in np.ndindex(*shape):
        voters = k_most_similar(similarity[place], k)
        labels, counts = np.unique(emb_labels[voters], return_counts=True)
        if len(voters):
            winner = np.argmax(score(labels, counts))
            label[place], votes[place] = labels[winner], counts[winner]
            candidates = voters if representative == "nearest" else np.flatnonzero(~np.isnan(similarity[place]))
            emb_index[place] = candidates[emb_labels[candidates] == label[place]][0]
    return Vote(label, np.maximum(votes, 0), emb_index)


@instead_of("reference.voting.majority_vote", "VQ-10.3", compared("embeddings", vote=True))
def ties_are_broken_by_a_hundredth_of_a_vote_for_each_label(
    similarity: Array, emb_labels: Array, _: int, k: int, representative: str
) -> Vote:
    return elected(similarity, emb_labels, k, representative, lambda labels, counts: counts - 0.01 * labels)


@instead_of("reference.voting.majority_vote", "VQ-10.3", compared("embeddings", vote=True))
def votes_are_counted_in_a_byte(similarity: Array, emb_labels: Array, _: int, k: int, representative: str) -> Vote:
    return elected(similarity, emb_labels, k, representative, lambda _, counts: counts % BYTE)


@in_cosine("VQ-10.5", compared("embeddings", vote=True), compared("vectors", True, "float16"))
def labels_are_kept_in_16_bits(_: CosineCase, right: CosineQuantized) -> Fields:
    label = right.most_common_label
    return {} if label is None else {"most_common_label": label.astype(np.int16).astype(label.dtype)}
