"""Faults of the replacement (VQ-11)."""

from typing import Any

import numpy as np

from reference import replacement
from reference.replacement import ReplacementState
from tests.implementations.oracle import OracleTraining
from tests.parity import test_training as parity
from tests.property import test_replacement as trainings
from tests.suite.faults.consequences import Array
from tests.suite.faults.machinery import instead_of

ACCUMULATE, REPLACE = "reference.replacement.accumulate", "reference.replacement.replace_embeds"
TRAINING = f"{OracleTraining.__module__}.OracleTraining"

every_step = parity.test_every_step_of_a_training_leaves_the_state_that_it_must
two_batches = trainings.test_two_batches_leave_what_one_with_both_leaves
replaced = trainings.test_the_most_distant_new_inputs_replace_the_least_used_and_all_starts_anew
begins = trainings.test_a_training_begins_with_nothing

right_accumulate, right_replace = replacement.accumulate, replacement.replace_embeds


# What a pass stores.


@instead_of(f"{TRAINING}.inference_pass", "VQ-11", every_step)
def inference_updates_the_state(training: OracleTraining, x: Array) -> None:
    training.training_pass(x)


@instead_of("reference.replacement.initial_state", "VQ-11", begins)
def usage_begins_at_one(n: int, num_embeds_replaced: int, d: int) -> ReplacementState:
    return ReplacementState(np.ones(n), np.zeros((num_embeds_replaced, d)), np.zeros(num_embeds_replaced))


@instead_of(ACCUMULATE, "VQ-11", two_batches, every_step)
def usage_is_that_of_the_last_batch(state: ReplacementState, access_count: Array, *batch: Array) -> ReplacementState:
    return right_accumulate(state, access_count, *batch)._replace(usage=access_count)


@instead_of(ACCUMULATE, "VQ-11", two_batches, every_step)
def a_new_batch_forgets_the_stored_inputs(state: ReplacementState, *batch: Array) -> ReplacementState:
    return right_accumulate(state._replace(input_distances=np.zeros_like(state.input_distances)), *batch)


def kept(state: ReplacementState, access_count: Array, inputs: Array, distances: Array, order: Array) -> Any:
    """Return the state that keeps the first of the inputs in an order."""
    slots = order[: len(state.input_distances)]
    return ReplacementState(state.usage + access_count, inputs[slots], distances[slots])


def candidates(state: ReplacementState, vectors: Array, distance: Array) -> tuple[Array, Array]:
    """Return all inputs that may be kept, and their distances."""
    found = ~np.isnan(distance).all(axis=-1)
    nearest = np.nanmin(distance[found], axis=-1, initial=np.inf)
    return np.concatenate([state.distant_inputs, vectors[found]]), np.concatenate([state.input_distances, nearest])


@instead_of(ACCUMULATE, "VQ-11", every_step, two_batches)
def of_inputs_that_tie_the_later_is_first(
    state: ReplacementState, access_count: Array, vectors: Array, distance: Array
) -> ReplacementState:
    inputs, distances = candidates(state, vectors, distance)
    return kept(state, access_count, inputs, distances, np.argsort(distances, kind="stable")[::-1])


@instead_of(ACCUMULATE, "VQ-11", two_batches, every_step)
def the_batch_is_before_what_is_stored(
    state: ReplacementState, access_count: Array, vectors: Array, distance: Array
) -> ReplacementState:
    inputs, distances = (np.roll(it, -len(state.input_distances), 0) for it in candidates(state, vectors, distance))
    return kept(state, access_count, inputs, distances, np.argsort(-distances, kind="stable"))


@instead_of(ACCUMULATE, "VQ-11", every_step)
def the_nearest_inputs_are_kept(
    state: ReplacementState, access_count: Array, vectors: Array, distance: Array
) -> ReplacementState:
    inputs, distances = candidates(state, vectors, distance)
    empty = np.where(distances == 0, np.inf, distances)
    return kept(state, access_count, inputs, distances, np.argsort(empty, kind="stable"))


@instead_of(ACCUMULATE, "VQ-11", every_step)
def the_kept_inputs_are_in_no_order(state: ReplacementState, *batch: Array) -> ReplacementState:
    right = right_accumulate(state, *batch)
    return ReplacementState(right.usage, right.distant_inputs[::-1], right.input_distances[::-1])


@instead_of(ACCUMULATE, "VQ-11", every_step)
def an_input_is_distant_from_all_embeddings_on_average(
    state: ReplacementState, access_count: Array, vectors: Array, distance: Array
) -> ReplacementState:
    means = np.where(np.isnan(distance), np.nan, np.nanmean(distance, axis=-1, keepdims=True))
    return right_accumulate(state, access_count, vectors, means)


@instead_of(f"{TRAINING}.save_and_load", "VQ-11", every_step)
def saving_loses_the_usage(training: OracleTraining) -> None:
    training._state = training._state._replace(usage=np.zeros_like(training._state.usage))


# What a replacement writes.


@instead_of(REPLACE, "VQ-11", replaced, every_step)
def the_most_used_are_replaced(state: ReplacementState, emb_space: Array) -> Any:
    return right_replace(state._replace(usage=-state.usage), emb_space)


@instead_of(REPLACE, "VQ-11", replaced)
def of_equally_used_embeddings_the_last_is_replaced(state: ReplacementState, emb_space: Array) -> Any:
    emb_space, zeroed = right_replace(state._replace(usage=state.usage[::-1]), emb_space[::-1])
    return emb_space[::-1], zeroed


@instead_of(REPLACE, "VQ-11", replaced, every_step)
def usage_goes_on_after_a_replacement(state: ReplacementState, emb_space: Array) -> Any:
    emb_space, zeroed = right_replace(state, emb_space)
    return emb_space, zeroed._replace(usage=state.usage)


@instead_of(REPLACE, "VQ-11", replaced, every_step)
def distances_go_on_after_a_replacement(state: ReplacementState, emb_space: Array) -> Any:
    emb_space, zeroed = right_replace(state, emb_space)
    return emb_space, zeroed._replace(input_distances=state.input_distances)


@instead_of(REPLACE, "VQ-11", replaced, every_step)
def an_empty_slot_is_written(state: ReplacementState, emb_space: Array) -> Any:
    return right_replace(state._replace(input_distances=state.input_distances + 1), emb_space)


@instead_of(REPLACE, "VQ-11", replaced)
def the_least_distant_input_is_written_first(state: ReplacementState, emb_space: Array) -> Any:
    emb_space, zeroed = right_replace(
        state._replace(input_distances=1 / state.input_distances * (state.input_distances > 0)), emb_space
    )
    return emb_space, zeroed


def written(state: ReplacementState, emb_space: Array, skipped: Any, used_up: bool = False) -> Any:
    """Write the inputs, but those that are skipped for themselves, the embeddings and the earlier inputs."""
    emb_space, before = emb_space.copy(), emb_space
    targets = list(np.argsort(state.usage, kind="stable"))
    for i, (row, distance) in enumerate(zip(state.distant_inputs, state.input_distances, strict=True)):
        if distance > 0 and not skipped(row, before, state.distant_inputs[:i]):
            emb_space[targets.pop(0)] = row
        elif used_up:
            targets.pop(0)
    return emb_space, right_replace(state, emb_space)[1]


def among(row: Array, rows: Array) -> bool:
    """Tell whether a row equals one of several."""
    return bool((rows == row).all(axis=-1).any())


@instead_of(REPLACE, "VQ-11", replaced)
def a_skipped_slot_uses_up_an_embedding(state: ReplacementState, emb_space: Array) -> Any:
    return written(
        state, emb_space, lambda row, before, earlier: among(row, before) or among(row, earlier), used_up=True
    )


@instead_of(REPLACE, "VQ-11", replaced)
def an_input_that_equals_an_embedding_is_written(state: ReplacementState, emb_space: Array) -> Any:
    return written(state, emb_space, lambda row, _, earlier: among(row, earlier))


@instead_of(REPLACE, "VQ-11", replaced, every_step)
def equal_inputs_are_all_written(state: ReplacementState, emb_space: Array) -> Any:
    return written(state, emb_space, lambda row, before, _: among(row, before))
