"""Laws of the passes of a training: start, statistics, replacement within a pass, in order (VQ-17, VQ-22, VQ-23)."""

from dataclasses import replace

import numpy as np
import pytest

from vq_verify.protocol import STATE, Case, Implementation
from vq_verify.strategies import parts, training
from vq_verify.verify import verify


def take(trained, step):
    """Make one pass."""
    if step.trains:
        trained.training_pass(step.x, step.mask)
    else:
        trained.inference_pass(step.x)


def assert_same_state(state, other):
    for name in STATE:
        np.testing.assert_array_equal(state[name], other[name], err_msg=name, strict=True)


@verify(
    "VQ-12.1", "VQ-17.13", "VQ-17.15", "VQ-17.16", "VQ-17.17", "VQ-17.18", "VQ-21.15", drawn=parts.started_trainings
)
def test_the_first_training_pass_begins_with_the_first_vectors_that_are_not_masked(implementation, drawn):
    (case, number), (first, *others) = drawn
    n, d = case.emb_space.shape
    counted = first.x if first.mask is None else first.x[first.mask]
    emb_space = counted.reshape(-1, d)[:n].astype(case.emb_space.dtype)
    started = implementation.training(case, number)
    begun = implementation.training(replace(case, start=None, emb_space=emb_space), number)
    started.inference_pass(counted)  # which starts nothing
    assert not started.state["initialized"]
    assert not started.state["emb_space"].any()
    for step in (first, *others):  # no later one begins anew
        take(started, step)
        take(begun, step)
        assert started.state["initialized"]
        assert_same_state(started.state, begun.state)


@verify("VQ-22.9", drawn=training.trainings)
def test_the_order_of_the_vectors_changes_neither_the_usage_nor_the_distances_that_are_kept(implementation, drawn):
    (case, number), first, second = drawn
    x = np.concatenate([first, second])
    one, other = (implementation.training(case, number) for _ in range(2))
    one.training_pass(x)
    other.training_pass(x[::-1])
    for name in ("accumulated_usage_count", "input_distances"):
        np.testing.assert_array_equal(other.state[name], one.state[name])


@verify("VQ-22.1", drawn=training.trainings)
def test_of_a_vector_that_is_not_kept_only_its_embedding_matters(implementation, drawn):
    (case, number), x, _ = drawn
    result = implementation.quantize(replace(case, x=x))
    least = np.where(result.emb_index < 0, -1, np.where(np.isnan(result.distance), np.inf, result.distance).min(-1))
    kept = np.argsort(-least.reshape(-1), kind="stable")[:number]
    moved = np.array(result.layer_out).reshape(-1, case.emb_space.shape[1])
    moved[kept] = x.reshape(moved.shape)[kept]
    one, other = (implementation.training(case, number) for _ in range(2))
    one.training_pass(x)
    other.training_pass(moved.reshape(x.shape))
    assert_same_state(one.state, other.state)


@verify("VQ-17.13", "VQ-23.2", "VQ-23.3", "VQ-23.4", "VQ-23.5", drawn=parts.trainings_with_every)
def test_the_pass_that_is_due_replaces_last_of_all_what_it_gathered_included(implementation, drawn):
    (case, number), steps = drawn
    itself = implementation.training(case, number)
    by_hand = implementation.training(replace(case, every=None), number)
    passes = 0
    for step in steps:  # one of inference counts nothing
        take(itself, step)
        take(by_hand, step)
        passes += step.trains
        if passes == case.every:
            by_hand.replace_embeds()
            passes = 0
        assert_same_state(itself.state, by_hand.state)
        assert itself.state["passes_since_replacement"] == passes


@pytest.mark.clause("VQ-23.2", "VQ-23.6")
def test_a_replacement_that_writes_nothing_begins_anew_all_the_same(implementation: Implementation) -> None:
    x = np.array([[[1.0]], [[2.0]]], np.float32)
    case = Case(x=x, emb_space=np.array([[1.0], [2.0]], np.float32), every=2)
    trained = implementation.training(case, 1)
    trained.training_pass(x)
    assert trained.state["passes_since_replacement"] == 1
    trained.training_pass(x)
    for name in ("passes_since_replacement", "accumulated_usage_count", "input_distances"):
        assert not trained.state[name].any()
    np.testing.assert_array_equal(trained.state["emb_space"], case.emb_space)


@pytest.mark.clause("VQ-23.4")
def test_a_replacement_by_hand_begins_the_count_anew(implementation: Implementation) -> None:
    case = Case(x=np.ones((1, 1, 1), np.float32), emb_space=np.array([[1.0], [2.0]], np.float32), every=3)
    trained = implementation.training(case, 1)
    trained.training_pass(case.x)
    trained.replace_embeds()
    assert not trained.state["passes_since_replacement"].any()
