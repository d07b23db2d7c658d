"""Faults of replicas (VQ-30): most are what each replica does that knows nothing of the others."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import reference
from reference import quantizer as heart
from reference import replicas
from reference.parts.replacement import DeadCodes
from reference.passes import Pass, look_up
from reference.statistics import Candidates, merged
from tests.property import test_replicas as laws
from tests.suite.faults.consequences import Array
from tests.suite.faults.machinery import instead_of

TRAIN, BEGUN, SCALED, MERGED, PASS = (
    f"reference.replicas.{name}" for name in ("train_replicas", "_begun", "_scaled", "merged", "look_up")
)

as_one = laws.test_replicas_are_left_with_what_one_is_left_with_that_has_the_whole_batch
drawn_alike = partial(laws.test_what_is_drawn_over_dead_codes_does_not_depend_on_the_parts, cut=5)
one_mask = partial(laws.test_a_mask_may_be_that_of_one_replica, start="k-means", centre=4.0, cut=2)
mean_loss = laws.test_the_mean_of_a_loss_over_replicas_is_that_of_the_whole_batch

right_train, right_begun, right_gather = replicas.train_replicas, replicas._begun, DeadCodes.gather
State = dict[str, Any]
Parts = Sequence[Array]
Results = list[reference.Result]


def alone(results: Results, parts: Parts, state: State, quantizer: Any, masks: Any) -> list[State]:
    """Return what each replica is left with by its own part, or by all where its part is too small to start from."""
    own = []
    for result, x, mask in zip(results, parts, [None] * len(parts) if masks is None else masks, strict=True):
        try:
            own.append(right_train([x], state, quantizer, [mask])[0].state)
        except ValueError:
            own.append(result.state)
    return own


@instead_of(TRAIN, "VQ-30.2", as_one)
def each_replica_learns_from_its_own_part(parts: Parts, state: State, quantizer: Any, masks: Any = None) -> Results:
    results = right_train(parts, state, quantizer, masks)
    own = alone(results, parts, state, quantizer, masks)
    return [result._replace(state=after) for result, after in zip(results, own, strict=True)]


@instead_of(TRAIN, "VQ-30.1", as_one)
def the_first_replica_decides(parts: Parts, state: State, quantizer: Any, masks: Any = None) -> Results:
    results = right_train(parts, state, quantizer, masks)
    first = alone(results, parts, state, quantizer, masks)[0]
    return [result._replace(state=first) for result in results]


@instead_of(TRAIN, "VQ-30.1", as_one)
def the_states_of_replicas_are_averaged(parts: Parts, state: State, quantizer: Any, masks: Any = None) -> Results:
    results = right_train(parts, state, quantizer, masks)
    own = alone(results, parts, state, quantizer, masks)
    mean = {name: np.mean([it[name] for it in own], axis=0) for name in own[0]}
    kept = {name: value.astype(np.asarray(own[0][name]).dtype) for name, value in mean.items()}
    return [result._replace(state=kept) for result in results]


@instead_of(MERGED, "VQ-30.1", as_one)
def counts_of_the_last_replica_are_all(first: State, second: State) -> State:
    return {**merged(first, second), "access_count": second["access_count"]} if "access_count" in first else second


@instead_of(MERGED, "VQ-30.1", as_one)
def sums_are_averaged(first: State, second: State) -> State:
    both = merged(first, second)
    return {**both, "vector_sum": both["vector_sum"] / 2} if "vector_sum" in both else both


@instead_of(MERGED, "VQ-30.1", as_one)
def candidates_are_those_of_the_first_replica(first: State, second: State) -> State:
    kept = {name: value for name, value in first.items() if isinstance(value, Candidates)}
    return {**merged(first, second), **kept}


@instead_of(MERGED, "VQ-30.1", as_one)
def candidates_of_later_replicas_come_first_on_ties(first: State, second: State) -> State:
    both = merged(first, second)
    for name, it in both.items():
        if isinstance(it, Candidates):
            names = ("distance", "order", "vector")
            joined = [np.concatenate([getattr(second[name], part), getattr(first[name], part)]) for part in names]
            kept = np.argsort(-joined[0], kind="stable")[: it.number]
            both[name] = Candidates(it.number, *(part[kept] for part in joined))
    return both


@instead_of(BEGUN, "VQ-30.3", as_one)
def the_first_replica_starts(parts: Parts, state: State, quantizer: Any, counted: Any) -> State:
    alone = next((i for i, flags in enumerate(counted) if flags.sum() >= len(state["emb_space"])), None)
    if alone is None:
        return right_begun(parts, state, quantizer, counted)
    return right_begun([parts[alone]], state, quantizer, [counted[alone]])


@instead_of(BEGUN, "VQ-30.3", as_one)
def parts_start_in_the_reverse_order(parts: Parts, state: State, quantizer: Any, counted: Any) -> State:
    return right_begun(parts[::-1], state, quantizer, counted[::-1])


@instead_of(BEGUN, "VQ-30.3", as_one)
def a_start_does_not_know_the_masks(parts: Parts, state: State, quantizer: Any, counted: Any) -> State:
    try:
        return right_begun(parts, state, quantizer, [np.ones_like(flags) for flags in counted])
    except ValueError:
        return right_begun(parts, state, quantizer, counted)


@instead_of(TRAIN, "VQ-30.3", one_mask)
def masks_hold_only_where_every_replica_has_one(
    parts: Parts, state: State, quantizer: Any, masks: Any = None
) -> Results:
    return right_train(parts, state, quantizer, None if masks is None or any(it is None for it in masks) else masks)


@instead_of(PASS, "VQ-30.4", as_one)
def replicas_draw_the_same_places(x: Array, counted: Array, emb_space: Array, quantizer: Any, _: int) -> Pass:
    return look_up(x, counted, emb_space, quantizer, 0)


@instead_of("reference.parts.replacement.DeadCodes.gather", "VQ-30.4", drawn_alike)
def each_part_is_drawn_from_with_another_seed(rule: DeadCodes, it: Pass) -> State:
    return right_gather(replace(rule, seed=rule.seed + it.first), it)


@instead_of(SCALED, "VQ-30.5", mean_loss)
def a_loss_is_the_mean_over_the_own_vectors(loss: Any, it: Pass, *_: Any) -> Any:
    return np.float64(loss.value(it))


@instead_of(SCALED, "VQ-30.5", mean_loss)
def losses_of_replicas_add_up_to_that_of_the_batch(loss: Any, it: Pass, number: int, found: list[int]) -> Any:
    return np.float64(loss.value(it) * number / max(sum(found), 1))


@instead_of(SCALED, "VQ-30.5", mean_loss)
def vectors_that_do_not_count_count_in_the_share(loss: Any, it: Pass, _: int, found: list[int]) -> Any:
    return np.float64(loss.value(it) * len(found) * it.emb_index.size / max(sum(found), 1))


@instead_of(SCALED, "VQ-30.6", mean_loss)
def without_a_vector_there_is_no_coulomb_loss(loss: Any, it: Pass, number: int, found: list[int]) -> Any:
    return np.float64(loss.value(it) * len(found) * number / max(sum(found), 1))


@instead_of(SCALED, "VQ-30.6", mean_loss)
def the_coulomb_loss_of_each_replica_adds_up(loss: Any, it: Pass, number: int, found: list[int]) -> Any:
    share = len(found) * number / sum(found) if sum(found) else 1
    return np.float64(loss.value(it) * (len(found) if loss.name == "coulomb_loss" else share))


@instead_of("reference.replicas.put_out", "VQ-30.7", mean_loss)
def the_output_is_that_of_the_next_state(x: Array, it: Pass) -> Array:
    return heart.put_out(x, it._replace(state={"emb_space": it.state["emb_space"][::-1]}))
