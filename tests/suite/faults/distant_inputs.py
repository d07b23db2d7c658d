"""Faults of what training passes store for a replacement (VQ-11)."""

from typing import Any

import numpy as np

from reference.parts import replacement
from reference.parts.replacement import ReplacementState
from reference.statistics import Candidates
from tests.parity import test_training as parity
from tests.property import test_replacement as trainings
from tests.suite.faults.consequences import Array
from tests.suite.faults.machinery import instead_of
from vq_verify.adapters.oracle import OracleTraining

ACCUMULATE = "reference.parts.replacement.accumulate"
TRAINING = f"{OracleTraining.__module__}.OracleTraining"

every_step = parity.test_every_step_of_a_training_leaves_the_state_that_it_must
two_batches = trainings.test_two_batches_leave_what_one_with_both_leaves
adds_up = trainings.test_usage_adds_up_to_more_than_half_types_can_count
begins = trainings.test_a_training_begins_with_nothing

right_accumulate, right_most_distant = replacement.accumulate, replacement.most_distant


@instead_of(f"{TRAINING}.inference_pass", "VQ-11.5", every_step)
def inference_updates_the_state(training: OracleTraining, x: Array) -> None:
    training.training_pass(x)


@instead_of("reference.parts.replacement.initial_state", "VQ-11.1", begins)
def usage_begins_at_one(n: int, num_embeds_replaced: int, d: int) -> ReplacementState:
    return ReplacementState(np.ones(n), np.zeros((num_embeds_replaced, d)), np.zeros(num_embeds_replaced))


@instead_of(ACCUMULATE, "VQ-11.2", two_batches, every_step)
def usage_is_that_of_the_last_batch(state: ReplacementState, access_count: Array, *batch: Array) -> ReplacementState:
    return right_accumulate(state, access_count, *batch)._replace(usage=access_count)


@instead_of(ACCUMULATE, "VQ-11.2", adds_up)
def usage_is_added_up_in_half_precision(state: ReplacementState, *batch: Array) -> ReplacementState:
    right = right_accumulate(state, *batch)
    return right._replace(usage=right.usage.astype(np.float16).astype(np.float64))


@instead_of(ACCUMULATE, "VQ-11.3", two_batches, every_step)
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


@instead_of(ACCUMULATE, "VQ-11.4", every_step, two_batches)
def of_inputs_that_tie_the_later_is_first(
    state: ReplacementState, access_count: Array, vectors: Array, distance: Array
) -> ReplacementState:
    inputs, distances = candidates(state, vectors, distance)
    return kept(state, access_count, inputs, distances, np.argsort(distances, kind="stable")[::-1])


@instead_of(ACCUMULATE, "VQ-11.4", two_batches)
def the_batch_is_before_what_is_stored(
    state: ReplacementState, access_count: Array, vectors: Array, distance: Array
) -> ReplacementState:
    inputs, distances = (np.roll(it, -len(state.input_distances), 0) for it in candidates(state, vectors, distance))
    return kept(state, access_count, inputs, distances, np.argsort(-distances, kind="stable"))


@instead_of(ACCUMULATE, "VQ-11.3", every_step)
def the_nearest_inputs_are_kept(
    state: ReplacementState, access_count: Array, vectors: Array, distance: Array
) -> ReplacementState:
    inputs, distances = candidates(state, vectors, distance)
    empty = np.where(distances == 0, np.inf, distances)
    return kept(state, access_count, inputs, distances, np.argsort(empty, kind="stable"))


@instead_of(ACCUMULATE, "VQ-11.3", trainings.test_the_slots_hold_the_most_distant_inputs_first)
def the_kept_inputs_are_in_no_order(state: ReplacementState, *batch: Array) -> ReplacementState:
    right = right_accumulate(state, *batch)
    return ReplacementState(right.usage, right.distant_inputs[::-1], right.input_distances[::-1])


@instead_of("reference.parts.replacement.most_distant", "VQ-11.3", every_step)
def an_input_is_distant_from_all_embeddings_on_average(vectors: Array, distance: Array, *others: Any) -> Candidates:
    means = np.where(np.isnan(distance), np.nan, np.nanmean(distance, axis=-1, keepdims=True))
    return right_most_distant(vectors, means, *others)


@instead_of(f"{TRAINING}.save_and_load", "VQ-11.2", every_step)
def saving_loses_the_usage(training: OracleTraining) -> None:
    usage = np.zeros_like(training.state["accumulated_usage_count"])
    training.state = {**training.state, "accumulated_usage_count": usage}
