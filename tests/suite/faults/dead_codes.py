"""Faults of dead codes (VQ-26)."""

from dataclasses import replace
from functools import partial
from itertools import cycle
from typing import Any

import numpy as np

from reference.parts.replacement import DeadCodes
from reference.passes import Pass
from reference.statistics import Candidates
from tests.parity import test_learning as parity
from tests.property import test_dead_codes as laws
from tests.suite.faults.consequences import Array
from tests.suite.faults.machinery import instead_of

RULE = "reference.parts.replacement.DeadCodes"
GATHER, GATHERED, WRITTEN, RESTARTED, AFTER = (
    f"{RULE}.{name}" for name in ("gather", "gathered", "written", "restarted", "after")
)

written = laws.test_vectors_of_the_latest_pass_are_written_over_the_embeddings_of_too_small_a_share
due = laws.test_a_pass_that_is_due_replaces_as_one_does_by_hand_and_equal_seeds_draw_the_same
DEAD_AFTER = [
    partial(laws.test_what_nothing_chooses_is_dead_after_as_many_passes_as_that_takes, fraction=f, decay=d, passes=p)
    for f, d, p in ((0.3, 0.5, 2), (0.25, 0.5, 3), (0.5, 0.75, 3))
]
fewer = laws.test_a_pass_of_fewer_vectors_than_embeddings_counts_for_less
not_finite = laws.test_an_embedding_that_is_not_finite_is_replaced
seeds = laws.test_seeds_draw_each_of_the_vectors
places = laws.test_passes_do_not_draw_the_same_places
at_an_embedding = laws.test_what_lies_at_an_embedding_is_not_taken_by_distance
BY_DEFAULT = partial(laws.test_the_least_share_is_replaced_first, number=None, expected=[100, 0, 1])
IN_ORDER = [partial(laws.test_the_least_share_is_replaced_first, number=1, expected=[100, 0, 1])]
written_over = laws.test_what_equals_an_embedding_that_is_written_over_is_not_taken
safe = laws.test_a_batch_that_initializes_makes_all_safe_again
oracle = parity.test_dead_codes_become_the_most_distant_vectors_as_in_the_oracle

_SEEDS = cycle(range(2))  # so that an example that fails does so again

right_gather, right_gathered, right_written = DeadCodes.gather, DeadCodes.gathered, DeadCodes.written
right_after = DeadCodes.after
State = dict[str, Any]


def _share(rule: DeadCodes, state: State, statistics: State, share: Array) -> State:
    return {**right_gathered(rule, state, statistics), "moving_share": share}


@instead_of(GATHERED, "VQ-26.1", written, fewer)
def a_pass_of_few_vectors_counts_as_any(rule: DeadCodes, state: State, statistics: State) -> State:
    count, share = statistics["access_count"], state["moving_share"]
    if not count.any():
        return right_gathered(rule, state, statistics)
    return _share(rule, state, statistics, share + (1 - rule.decay) * (count / count.mean() - share))


@instead_of(GATHERED, "VQ-26.1", written, safe)
def the_share_is_an_absolute_count(rule: DeadCodes, state: State, statistics: State) -> State:
    count, share = statistics["access_count"], state["moving_share"]
    return _share(rule, state, statistics, share + (1 - rule.decay) * (count - share) * bool(count.any()))


@instead_of(GATHERED, "VQ-26.1", written, *DEAD_AFTER[2:])
def the_decay_of_the_share_is_the_weight_of_the_pass(rule: DeadCodes, state: State, statistics: State) -> State:
    return right_gathered(replace(rule, decay=min(1 - rule.decay, 0.999)), state, statistics)


@instead_of(GATHERED, "VQ-26.2", written)
def a_pass_without_a_vector_brings_all_nearer_to_death(rule: DeadCodes, state: State, statistics: State) -> State:
    after = right_gathered(rule, state, statistics)
    nothing = not statistics["access_count"].any()
    return {**after, "moving_share": after["moving_share"] * (rule.decay if nothing else 1)}


@instead_of(WRITTEN, "VQ-26.3", DEAD_AFTER[1])  # random draws seldom reach it
def what_is_at_the_fraction_is_dead_too(rule: DeadCodes, state: State) -> State:
    return right_written(replace(rule, fraction=np.nextafter(rule.fraction, 2)), state)


@instead_of(AFTER, "VQ-26.3", due, DEAD_AFTER[0])
def what_is_dead_is_told_before_the_pass_counts(
    rule: DeadCodes, state: State, statistics: State, comparison: Any
) -> State:
    after = right_after(rule, state, statistics, comparison)
    late = (state["moving_share"] >= rule.fraction)[:, np.newaxis]
    return {**after, "emb_space": np.where(late, state["emb_space"], after["emb_space"])}


@instead_of(WRITTEN, "VQ-26.4", *IN_ORDER)
def the_dead_are_replaced_in_the_order_of_their_index(rule: DeadCodes, state: State) -> State:
    share = state["moving_share"]
    level = np.where(share < rule.fraction, 0, share)
    return {**right_written(rule, {**state, "moving_share": level}), "moving_share": share}


@instead_of(WRITTEN, "VQ-26.6", written, oracle)
def the_least_used_are_replaced_dead_or_not(rule: DeadCodes, state: State) -> State:
    return right_written(replace(rule, fraction=1 - 2**-53), {**state, "moving_share": state["moving_share"] / 1e9})


@instead_of(WRITTEN, "VQ-26.9", written)
def one_vector_is_taken_for_several(rule: DeadCodes, state: State) -> State:
    emb_space, keys, share = state["emb_space"].copy(), state["candidate_keys"], state["moving_share"]
    slots = [slot for slot in np.argsort(-keys, kind="stable") if keys[slot] > 0]
    known = {tuple(row) for row in emb_space.tolist()}
    slots = [slot for slot in slots if tuple(state["candidate_inputs"][slot].tolist()) not in known]
    dead = [j for j in np.argsort(share, kind="stable") if share[j] < rule.fraction][: len(keys)]
    for i, j in enumerate(dead if slots else []):
        emb_space[j] = state["candidate_inputs"][slots[i % len(slots)]]
    return {**state, "emb_space": emb_space, "candidate_keys": np.zeros_like(keys)}


@instead_of(WRITTEN, "VQ-26.9", written)
def vectors_that_equal_an_embedding_are_taken(rule: DeadCodes, state: State) -> State:
    emb_space, keys, share = state["emb_space"].copy(), state["candidate_keys"], state["moving_share"]
    dead = [j for j in np.argsort(share, kind="stable") if share[j] < rule.fraction]
    for j, slot in zip(dead, np.argsort(-keys, kind="stable")[: np.count_nonzero(keys)], strict=False):
        emb_space[j] = state["candidate_inputs"][slot]
    return {**state, "emb_space": emb_space, "candidate_keys": np.zeros_like(keys)}


@instead_of(GATHER, "VQ-26.9", written)
def vectors_that_are_not_finite_are_taken_as_zero(rule: DeadCodes, it: Pass) -> State:
    gathered = right_gather(rule, it)
    lost = (it.emb_index < 0).any() and not (it.emb_index >= 0).all()
    if not lost:
        return gathered
    d = it.vectors.shape[-1]
    first = Candidates(gathered["candidates"].number, np.array([np.inf]), np.array([-1]), np.full((1, d), 2.0**-20))
    return {**gathered, "candidates": first.merged(gathered["candidates"])}


@instead_of(GATHER, "VQ-26.7", written)
def the_nearest_vectors_are_taken_first(rule: DeadCodes, it: Pass) -> State:
    gathered = right_gather(rule, it)
    if rule.source == "sample":
        return gathered
    distance = np.nanmin(it.search.distance[it.emb_index >= 0], axis=-1)
    keys = np.where(distance > 0, 1 / np.where(distance > 0, distance, 1), 0)
    order, number = np.flatnonzero(it.emb_index >= 0), gathered["candidates"].number
    nothing = Candidates(number, keys[:0], order[:0], it.vectors[:0].reshape(0, it.vectors.shape[-1]))
    return {**gathered, "candidates": nothing.merged(Candidates(number, keys, order, it.vectors[it.emb_index >= 0]))}


@instead_of(GATHERED, "VQ-26.4", written)
def vectors_of_earlier_passes_are_taken(rule: DeadCodes, state: State, statistics: State) -> State:
    stored = state["candidate_keys"] > 0
    number = len(state["candidate_keys"])
    earlier = Candidates(
        number, state["candidate_keys"][stored] * 2.0**30, np.full(stored.sum(), -1), state["candidate_inputs"][stored]
    )
    merged = earlier.merged(statistics["candidates"])
    after = right_gathered(rule, state, {**statistics, "candidates": merged})
    return {**after, "candidate_inputs": after["candidate_inputs"]}


@instead_of(WRITTEN, "VQ-26.5", written)
def no_more_than_one_is_replaced(rule: DeadCodes, state: State) -> State:
    keys = state["candidate_keys"]
    one = np.where(np.arange(len(keys)) == np.argmax(keys), keys, 0)
    return right_written(rule, {**state, "candidate_keys": one})


@instead_of(f"{RULE}._number", "VQ-26.5", BY_DEFAULT)
def the_number_left_out_is_all_of_them(rule: DeadCodes, n: int) -> int:
    return n if rule.number is None else rule.number


@instead_of(RESTARTED, "VQ-26.10", written, safe)
def a_row_that_was_written_is_as_dead_as_before(rule: DeadCodes, state: State, rows: Array, comparison: Any) -> State:
    del rule, rows, comparison
    return state


@instead_of(RESTARTED, "VQ-26.10", written)
def every_share_begins_anew_with_a_replacement(rule: DeadCodes, state: State, rows: Array, comparison: Any) -> State:
    del rule, comparison
    return {**state, "moving_share": np.ones(len(rows)) if rows.any() else state["moving_share"]}


@instead_of(WRITTEN, "VQ-26.12", not_finite)
def an_embedding_that_is_not_finite_is_passed_by(rule: DeadCodes, state: State) -> State:
    finite = np.isfinite(state["emb_space"]).all(axis=-1)
    alive = np.where(finite, state["moving_share"], 1)
    return {**right_written(rule, {**state, "moving_share": alive}), "moving_share": state["moving_share"]}


@instead_of(GATHER, "VQ-26.13", due)
def a_replacement_draws_from_a_generator_that_all_share(rule: DeadCodes, it: Pass) -> State:
    return right_gather(replace(rule, seed=next(_SEEDS)), it)


@instead_of(GATHER, "VQ-26.8", seeds)
def a_sample_is_the_same_for_all_seeds(rule: DeadCodes, it: Pass) -> State:
    return right_gather(replace(rule, seed=0), it)


@instead_of(GATHER, "VQ-26.8", places)
def a_sample_takes_the_same_places_in_each_pass(rule: DeadCodes, it: Pass) -> State:
    return right_gather(rule, it._replace(state={**it.state, "draws": 0}))


@instead_of(GATHER, "VQ-26.7", at_an_embedding)
def by_distance_vectors_at_an_embedding_use_up_one(rule: DeadCodes, it: Pass) -> State:
    gathered = right_gather(rule, it)
    found = gathered["candidates"]
    return {
        **gathered,
        "candidates": replace(
            found,
            vector=found.vector + (found.distance == 0)[:, np.newaxis] / 8,
            distance=np.where(found.distance == 0, 100, found.distance),
        ),
    }


@instead_of(WRITTEN, "VQ-26.9", written_over)
def vectors_are_compared_with_the_embeddings_as_they_are_by_then(rule: DeadCodes, state: State) -> State:
    share, keys, emb_space = state["moving_share"], state["candidate_keys"], state["emb_space"].copy()
    dead = [j for j in np.argsort(share, kind="stable") if share[j] < rule.fraction]
    for slot in np.argsort(-keys, kind="stable"):
        row = state["candidate_inputs"][slot]
        if keys[slot] > 0 and dead and not (row == emb_space).all(axis=-1).any():
            emb_space[dead.pop(0)] = row
    return {**right_written(rule, state), "emb_space": emb_space}
