"""Faults of the moving averages (VQ-24)."""

from typing import Any

import numpy as np

from reference import quantizer
from reference.parts.updates import MovingAverage
from reference.passes import Pass
from tests.parity import test_learning as parity
from tests.property import test_moving_averages as laws
from tests.suite.faults.consequences import Array
from tests.suite.faults.machinery import instead_of
from vq_verify.adapters.oracle import OracleTraining

UPDATE = "reference.parts.updates.MovingAverage"
AFTER, GATHER, RESTARTED = (f"{UPDATE}.{name}" for name in ("after", "gather", "restarted"))
TRAINING = f"{OracleTraining.__module__}.OracleTraining"

a_pass = laws.test_a_pass_moves_counts_and_the_embeddings_that_were_chosen_as_averages
still = laws.test_embeddings_that_nothing_but_themselves_chooses_do_not_move
not_finite = laws.test_vectors_that_are_not_finite_move_nothing
written = laws.test_a_row_that_is_written_counts_as_the_others_do_on_average
initialized = laws.test_rows_that_a_batch_initializes_all_count_as_the_mean
worked = laws.test_a_worked_average
full_space = laws.test_under_pca_embeddings_move_in_the_full_space
not_any_more = laws.test_an_embedding_that_is_not_chosen_any_more_keeps_its_place
oracle = parity.test_the_first_averages_are_those_of_the_oracle

right_after, right_gather, right_restarted = MovingAverage.after, MovingAverage.gather, MovingAverage.restarted
State = dict[str, Any]


def _moved(rule: MovingAverage, state: State, statistics: State, rate: Any, rows: Any = None) -> State:
    """Return the state of a rule that moves rows at another rate, or all that were chosen."""
    after = right_after(rule, state, statistics, None)
    count, emb_space = statistics["access_count"], state["emb_space"]
    pull = statistics["vector_sum"] - count[:, np.newaxis] * emb_space
    chosen = (count > 0)[:, np.newaxis] if rows is None else rows
    step = np.where(chosen, rate(after["average_count"])[:, np.newaxis] * pull, 0)
    return {**after, "emb_space": emb_space + step}


@instead_of(AFTER, "VQ-24.1", a_pass, worked, oracle)
def the_decay_is_the_weight_of_what_is_new(
    rule: MovingAverage, state: State, statistics: State, comparison: Any
) -> State:
    swapped = MovingAverage(min(1 - rule.decay, 0.999), rule.epsilon)
    return right_after(swapped, state, statistics, comparison)


@instead_of(AFTER, "VQ-24.4", a_pass, not_any_more)
def what_nothing_chose_shrinks_toward_zero(
    rule: MovingAverage, state: State, statistics: State, comparison: Any
) -> State:
    after = right_after(rule, state, statistics, comparison)
    unchosen = (statistics["access_count"] == 0)[:, np.newaxis]
    return {**after, "emb_space": np.where(unchosen, rule.decay * state["emb_space"], after["emb_space"])}


@instead_of(AFTER, "VQ-24.3", worked, a_pass)
def counts_are_not_smoothed(rule: MovingAverage, state: State, statistics: State, comparison: Any) -> State:
    return right_after(MovingAverage(rule.decay, 0.0), state, statistics, comparison)


@instead_of(AFTER, "VQ-24.3", worked, a_pass, oracle)
def smoothed_counts_are_shares(rule: MovingAverage, state: State, statistics: State, comparison: Any) -> State:
    del comparison

    def rate(counts: Array) -> Array:
        smoothed = (counts + rule.epsilon) / (counts.sum() + len(counts) * rule.epsilon)  # times the sum, one forgot
        return np.asarray((1 - rule.decay) / np.where(smoothed == 0, 1, smoothed))

    return _moved(rule, state, statistics, rate)


@instead_of(AFTER, "VQ-24.2", worked, a_pass, oracle, full_space)
def embeddings_move_by_the_sum_in_place_of_the_mean(
    rule: MovingAverage, state: State, statistics: State, comparison: Any
) -> State:
    del comparison
    return _moved(rule, state, statistics, lambda counts: np.full(len(counts), 1 - rule.decay))


@instead_of(AFTER, "VQ-24.2", still, a_pass)
def embeddings_become_the_average_of_what_began_as_zero(
    rule: MovingAverage, state: State, statistics: State, comparison: Any
) -> State:
    # m / N with Adam's habit of beginning from nothing, when N does not.
    after = right_after(rule, state, statistics, comparison)
    counts = np.maximum(after["average_count"], 1e-30)[:, np.newaxis]
    chosen = (statistics["access_count"] > 0)[:, np.newaxis]
    moved = (1 - rule.decay) * statistics["vector_sum"] / counts
    return {**after, "emb_space": np.where(chosen, moved, state["emb_space"])}


@instead_of(AFTER, "VQ-24.2", a_pass, worked)
def embeddings_move_by_the_counts_before(
    rule: MovingAverage, state: State, statistics: State, comparison: Any
) -> State:
    del comparison
    before = state["average_count"]
    return _moved(rule, state, statistics, lambda _: (1 - rule.decay) / np.where(before == 0, 1, before))


@instead_of(AFTER, "VQ-24.1", a_pass)
def counts_are_kept_in_half_precision(rule: MovingAverage, state: State, statistics: State, comparison: Any) -> State:
    after = right_after(rule, state, statistics, comparison)
    return {**after, "average_count": after["average_count"].astype(np.float16).astype(np.float64)}


@instead_of("reference.lookup.access_count", "VQ-24.6", not_finite, a_pass)
def vectors_that_find_no_embedding_are_counted_for_the_first(emb_index: Array, n: int) -> Array:
    return np.bincount(np.maximum(emb_index, 0).reshape(-1), minlength=n).astype(np.float64)


@instead_of(GATHER, "VQ-24.10", full_space)
def under_pca_what_moves_are_the_projections(rule: MovingAverage, it: Pass) -> State:
    mean = it.codebook.mean(axis=0)
    kept = it.vectors.copy()
    kept[..., 1:] = mean[1:]
    return right_gather(rule, it._replace(vectors=kept))


@instead_of(RESTARTED, "VQ-24.9", written, initialized)
def a_row_that_was_written_keeps_the_count_of_the_one_before(
    rule: MovingAverage, state: State, rows: Array, comparison: Any
) -> State:
    del rule, rows, comparison
    return state


@instead_of(RESTARTED, "VQ-24.9", written, initialized)
def a_row_that_was_written_begins_with_nothing(
    rule: MovingAverage, state: State, rows: Array, comparison: Any
) -> State:
    del rule, comparison
    return {**state, "average_count": np.where(rows, 0, state["average_count"])}


@instead_of(RESTARTED, "VQ-24.9", written)
def all_counts_begin_anew_when_a_row_is_written(
    rule: MovingAverage, state: State, rows: Array, comparison: Any
) -> State:
    return right_restarted(rule, state, np.full_like(rows, rows.any()), comparison)


@instead_of(f"{TRAINING}.inference_pass", "VQ-24.7", a_pass)
def an_inference_pass_moves_embeddings_too(training: OracleTraining, x: Array) -> None:
    moved = quantizer.quantize(x, training.state, training._quantizer, training=True).state
    counts = {name: moved[name] for name in moved if name in ("average_count", "emb_space")}
    training.state = {**training.state, **(counts if "average_count" in moved else {})}
