"""Laws of the replacement, for every implementation (VQ-11)."""

import numpy as np
import pytest
from hypothesis import strategies as st

from vq_verify.protocol import STATE, Case, Implementation
from vq_verify.strategies import training
from vq_verify.verify import verify


def begun(implementation, drawn):
    return implementation.training(drawn.case, drawn.num_embeds_replaced)


def new_inputs(state):
    """Return the stored inputs that are not known yet, each once, in order."""
    known = set(map(tuple, state["emb_space"]))
    waiting = map(tuple, state["distant_inputs"][state["input_distances"] > 0])
    return [row for row in dict.fromkeys(waiting) if row not in known]


def kept(state):
    """Return a copy of the state that is compared, by name: an implementation may have more."""
    return {name: np.copy(state[name]) for name in STATE}


def assert_equal(state, other):
    for name in STATE:
        np.testing.assert_array_equal(state[name], other[name], err_msg=name, strict=True)


@verify("VQ-11.2", "VQ-11.3", "VQ-11.4", "VQ-22.8", "VQ-22.9", drawn=training.trainings)
def test_two_batches_leave_what_one_with_both_leaves(implementation, drawn):
    start, first, second = drawn
    apart, together = begun(implementation, start), begun(implementation, start)
    for batch in (first, second):
        apart.training_pass(batch)
    together.training_pass(np.concatenate([first, second]))
    assert_equal(apart.state, together.state)


@verify("VQ-11.3", drawn=training.trainings)
def test_the_slots_hold_the_most_distant_inputs_first(implementation, drawn):
    start, *batches = drawn
    trained = begun(implementation, start)
    for batch in batches:
        trained.training_pass(batch)
        distances = np.copy(trained.state["input_distances"])
        np.testing.assert_array_equal(distances, -np.sort(-distances))


@verify("VQ-11.6", "VQ-11.7", "VQ-11.8", "VQ-11.9", drawn=training.trainings, known=lambda _: st.booleans())
def test_the_most_distant_new_inputs_replace_the_least_used_and_all_starts_anew(implementation, drawn, known):
    start, *batches = drawn
    trained = begun(implementation, start)
    for batch in batches:
        trained.training_pass(batch)
    if known:  # by now: initialized from vectors that the batches repeat
        trained.initialize_from_batch(np.repeat(start.case.x, len(start.case.emb_space), axis=0))
    before = kept(trained.state)
    trained.replace_embeds()
    after = kept(trained.state)
    new = new_inputs(before)
    targets = np.argsort(before["accumulated_usage_count"], kind="stable")[: len(new)]
    np.testing.assert_array_equal(after["emb_space"][targets], np.reshape(new, (-1, before["emb_space"].shape[1])))
    np.testing.assert_array_equal(
        np.delete(after["emb_space"], targets, axis=0), np.delete(before["emb_space"], targets, axis=0)
    )
    assert not after["accumulated_usage_count"].any()
    assert not after["input_distances"].any()
    trained.replace_embeds()  # of nothing
    assert_equal(trained.state, after)


@pytest.mark.clause("VQ-11.9")
def test_equal_inputs_replace_one_embedding(implementation: Implementation) -> None:
    x = np.array([[[9.0]], [[9.0]], [[2.0]]], np.float32)
    trained = implementation.training(Case(x=x, emb_space=np.array([[0], [1], [2]], np.float32), weights={}), 2)
    trained.training_pass(x)
    trained.replace_embeds()
    np.testing.assert_array_equal(trained.state["emb_space"], [[9], [1], [2]])


@pytest.mark.clause("VQ-11.9")
def test_an_input_that_equals_an_embedding_written_over_is_skipped(implementation: Implementation) -> None:
    x = np.array([[[30.0]], [[4.0]]], np.float32)
    trained = implementation.training(Case(x=x, emb_space=np.array([[0], [1]], np.float32), weights={}), 2)
    trained.training_pass(x)  # both choose the second
    trained.initialize_from_batch(np.array([[[4.0]], [[10.0]]], np.float32))
    trained.replace_embeds()
    np.testing.assert_array_equal(trained.state["emb_space"], [[30], [10]])


@pytest.mark.clause("VQ-11.6", "VQ-13.16")
def test_embeddings_that_are_not_finite_are_the_least_used_and_replaced(implementation: Implementation) -> None:
    emb_space = np.array([[1], [np.nan], [np.inf]], np.float32)
    x = np.array([[[1.0]], [[6.0]], [[9.0]]], np.float32)
    trained = implementation.training(Case(x=x, emb_space=emb_space, weights={}), 3)
    for batch, expected in ((x[:2], [[1], [6], [np.inf]]), (x, [[1], [6], [9]])):
        trained.training_pass(batch)
        trained.replace_embeds()
        np.testing.assert_array_equal(trained.state["emb_space"], expected)


@pytest.mark.clause("VQ-11.1")
def test_a_training_begins_with_nothing(implementation: Implementation) -> None:
    case = Case(x=np.ones((1, 1, 2)), emb_space=np.ones((3, 2)), weights={})
    state = kept(implementation.training(case, 2).state)
    assert [value.shape for value in state.values()] == [(3, 2), (3,), (2, 2), (2,)]
    assert not any(value.any() for name, value in state.items() if name != "emb_space")


@pytest.mark.clause("VQ-11.2", "VQ-14.5")
def test_usage_adds_up_to_more_than_half_types_can_count(implementation: Implementation) -> None:
    x = np.ones((1001, 1, 1), np.float16)
    trained = implementation.training(Case(x=x, emb_space=np.array([[1], [5]], np.float32), weights={}), 1)
    for _ in range(3):
        trained.training_pass(x)
    np.testing.assert_array_equal(trained.state["accumulated_usage_count"], [3003, 0])


@pytest.mark.clause("VQ-11.6", "VQ-14.3")
def test_replacing_leaves_the_precision_of_the_other_embeddings(implementation: Implementation) -> None:
    emb_space = np.array([[1 / 3], [0.1]], np.float32)  # which float16 cannot hold
    x = np.array([[[0.5]], [[2.5]]], np.float16)
    trained = implementation.training(Case(x=x, emb_space=emb_space, weights={}), 1)
    trained.training_pass(x)
    trained.replace_embeds()
    np.testing.assert_array_equal(trained.state["emb_space"], [emb_space[0], [2.5]])


@pytest.mark.clause("VQ-8.11", "VQ-8.15")
def test_with_pca_inputs_are_distant_in_the_reduced_space(implementation: Implementation) -> None:
    # The principal axis is the first; along it the inputs are 2 and 6 from the nearest embedding.
    case = Case(
        x=np.array([[[2.0, 100.0]], [[10.0, 0.0]]]),
        emb_space=np.array([[0.0, 0.0], [4.0, 0.0]]),
        dim_reduction="pca-emb-space",
        num_dim_reduction_components=1,
        weights={},
    )
    trained = implementation.training(case, 1)
    trained.training_pass(case.x)
    np.testing.assert_array_equal(trained.state["distant_inputs"], [[10.0, 0.0]])
