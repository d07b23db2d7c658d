"""Faults of the passes of a training: start, statistics, replacement within a pass (VQ-17, VQ-22, VQ-23)."""

from typing import Any

import numpy as np

import reference
from reference.parts.replacement import MostDistant, most_distant
from reference.parts.starts import FromBatch
from reference.statistics import Candidates
from tests.parity import test_parts as parity
from tests.property import test_passes as laws
from tests.property import test_replacement as replacements
from tests.suite.faults.consequences import Array
from tests.suite.faults.machinery import instead_of
from vq_verify.adapters.oracle import OracleTraining

AFTER, REPLACED = (f"reference.parts.replacement.MostDistant.{name}" for name in ("after", "replaced"))
BEGIN = "reference.parts.starts.FromBatch.begin"
TRAINING = f"{OracleTraining.__module__}.OracleTraining"
PASSES = "passes_since_replacement"

begins = laws.test_the_first_training_pass_begins_with_the_first_vectors_that_are_not_masked
any_order = laws.test_the_order_of_the_vectors_changes_neither_the_usage_nor_the_distances_that_are_kept
only_embedding = laws.test_of_a_vector_that_is_not_kept_only_its_embedding_matters
due = laws.test_the_pass_that_is_due_replaces_last_of_all_what_it_gathered_included
nothing_new = laws.test_a_replacement_that_writes_nothing_begins_anew_all_the_same
by_hand = laws.test_a_replacement_by_hand_begins_the_count_anew
two_batches = replacements.test_two_batches_leave_what_one_with_both_leaves
every_pass = parity.test_every_pass_of_a_training_of_parts_leaves_the_state_that_it_must

right_after, right_replaced, right_begin = MostDistant.after, MostDistant.replaced, FromBatch.begin
right_most_distant = most_distant
right_training_pass, right_inference_pass = OracleTraining.training_pass, OracleTraining.inference_pass
State = dict[str, Any]


# Start.


@instead_of(BEGIN, "VQ-17.18", begins)
def every_pass_starts_anew(rule: FromBatch, state: State, vectors: Array, comparison: Any) -> State:
    enough = len(vectors) >= len(state["emb_space"]) and np.isfinite(vectors).all()
    return right_begin(rule, {**state, "initialized": np.array(False)}, vectors, comparison) if enough else state


@instead_of(BEGIN, "VQ-17.17", begins)
def a_start_is_not_remembered(rule: FromBatch, state: State, vectors: Array, comparison: Any) -> State:
    if state["emb_space"].any():
        return state
    return {**right_begin(rule, state, vectors, comparison), "initialized": np.array(False)}


@instead_of(f"{TRAINING}.inference_pass", "VQ-17.15", begins)
def an_inference_pass_starts(training: OracleTraining, x: Array) -> None:
    if "initialized" in training.state:
        n, d = training.state["emb_space"].shape
        training.state = right_begin(
            FromBatch(), training.state, np.resize(x, (n, d)).astype(np.float64), reference.Norm()
        )
    right_inference_pass(training, x)


@instead_of(f"{TRAINING}.training_pass", "VQ-17.13", begins)
def the_first_pass_looks_up_before_it_starts(training: OracleTraining, x: Array, mask: Array | None = None) -> None:
    if training.state.get("initialized", True):
        right_training_pass(training, x, mask)
        return
    before = training.state
    training.state = {**before, "initialized": np.array(True)}
    right_training_pass(training, x, mask)
    gathered, training.state = training.state, before
    right_training_pass(training, x, mask)
    started = {name: training.state[name] for name in ("emb_space", "initialized")}
    training.state = gathered | started


# Statistics.


@instead_of("reference.parts.replacement.most_distant", "VQ-22.9", any_order, two_batches)
def the_first_inputs_of_a_batch_are_kept(vectors: Array, distance: Array, number: int, first: int = 0) -> Candidates:
    found = np.flatnonzero(~np.isnan(distance).all(axis=-1))[:number]
    rows = vectors.reshape(-1, vectors.shape[-1])[found]
    least = np.nanmin(distance.reshape(-1, distance.shape[-1])[found], axis=-1, initial=np.inf)
    return Candidates(number, least, first + found, rows)


@instead_of("reference.lookup.access_count", "VQ-22.8", two_batches, every_pass)
def a_pass_counts_each_embedding_once(emb_index: Array, n: int) -> Array:
    return np.minimum(np.bincount(emb_index[emb_index >= 0], minlength=n), 1).astype(np.float64)


@instead_of("reference.parts.replacement.most_distant", "VQ-22.1", only_embedding)
def distances_are_kept_relative_to_their_mean(
    vectors: Array, distance: Array, number: int, first: int = 0
) -> Candidates:
    least = np.where(np.isnan(distance), np.inf, distance).min(axis=-1)
    mean = least.mean(where=np.isfinite(least))
    return right_most_distant(vectors, distance / (mean if mean > 0 else 1), number, first)


# Replacement within a pass.


@instead_of(f"{TRAINING}.inference_pass", "VQ-23.5", due)
def an_inference_pass_is_counted(training: OracleTraining, x: Array) -> None:
    right_inference_pass(training, x)
    if PASSES in training.state:
        training.state = {**training.state, PASSES: training.state[PASSES] + 1}


@instead_of(AFTER, "VQ-23.3", due, nothing_new, every_pass)
def a_replacement_is_a_pass_late(rule: MostDistant, state: State, statistics: Any, comparison: Any) -> State:
    if rule.every is None:
        return right_after(rule, state, statistics, comparison)
    return right_after(MostDistant(rule.number, rule.every + 1), state, statistics, comparison)


@instead_of(AFTER, "VQ-23.3", due, every_pass)
def a_replacement_comes_before_the_pass_has_gathered(
    rule: MostDistant, state: State, statistics: Any, comparison: Any
) -> State:
    if rule.every is None or state[PASSES] + 1 < rule.every:
        return right_after(rule, state, statistics, comparison)
    state = right_replaced(rule, state)
    gathered = right_after(MostDistant(rule.number), state, statistics, comparison)
    return {**gathered, PASSES: np.zeros_like(state[PASSES])}


@instead_of(AFTER, "VQ-23.3", due, every_pass)
def no_pass_replaces(rule: MostDistant, state: State, statistics: Any, comparison: Any) -> State:
    return right_after(MostDistant(rule.number), state, statistics, comparison) | {
        name: state[name] + 1 for name in state if name == PASSES
    }


@instead_of(AFTER, "VQ-23.4", due, every_pass)
def every_pass_replaces_once_the_first_is_due(
    rule: MostDistant, state: State, statistics: Any, comparison: Any
) -> State:
    after = right_after(rule, state, statistics, comparison)
    replaced = PASSES in state and after[PASSES] == 0
    return {**after, PASSES: state[PASSES] + 1} if replaced else after


@instead_of(AFTER, "VQ-23.4", due, every_pass)
def a_replacement_within_a_pass_goes_on_gathering(
    rule: MostDistant, state: State, statistics: Any, comparison: Any
) -> State:
    after = right_after(rule, state, statistics, comparison)
    if PASSES not in state or after[PASSES] > 0:
        return after
    return {
        **right_after(MostDistant(rule.number), state, statistics, comparison),
        "emb_space": after["emb_space"],
        PASSES: np.int64(0),
    }


@instead_of(REPLACED, "VQ-23.6", nothing_new, every_pass)
def a_replacement_that_writes_nothing_is_none(rule: MostDistant, state: State) -> State:
    after = right_replaced(rule, state)
    return after if (after["emb_space"] != state["emb_space"]).any() else state


@instead_of(REPLACED, "VQ-23.4", by_hand)
def a_replacement_by_hand_leaves_the_count(rule: MostDistant, state: State) -> State:
    due = PASSES in state and state[PASSES] >= rule.every
    return right_replaced(rule, state) | ({} if due or PASSES not in state else {PASSES: state[PASSES]})
