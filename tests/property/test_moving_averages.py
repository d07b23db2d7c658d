"""Laws of the moving averages, for every implementation (VQ-24)."""

from dataclasses import replace

import numpy as np
import pytest

from reference.parts.replacement import MostDistant
from reference.parts.updates import Gradient, MovingAverage
from vq_verify.comparison import assert_within, rounding
from vq_verify.comparison.averages import average_count, averages, is_dyadic
from vq_verify.protocol import Case, Implementation
from vq_verify.strategies import learning, training
from vq_verify.verify import verify

from .test_passes import take


def copied(state):
    """Return the state as it is now, in float64."""
    return {name: np.array(value, np.float64) for name, value in state.items()}


def indices(implementation, case, step, emb_space):
    """Return which of these embeddings the vectors of a pass choose, ``[M]``; -1 for none."""
    plain = replace(
        case, x=step.x, mask=step.mask, emb_space=emb_space, update=Gradient(), replacement=None, start=None
    )
    return implementation.quantize(plain).emb_index.reshape(-1)


def chosen_vectors(case, step, emb_index):
    """Return how many vectors of a pass chose each embedding, their sums, and the sums of their magnitudes."""
    vectors = step.x.astype(np.float64).reshape(-1, case.emb_space.shape[1])
    of_one = [vectors[emb_index == j] for j in range(len(case.emb_space))]
    sums = [np.array([magnitude(rows).sum(axis=0) for rows in of_one]) for magnitude in (np.asarray, np.abs)]
    return np.array(list(map(len, of_one))), sums


@verify("VQ-24.1", "VQ-24.2", "VQ-24.3", "VQ-24.4", "VQ-24.6", "VQ-24.7", "VQ-24.10", drawn=learning.averaged_trainings)
def test_a_pass_moves_counts_and_the_embeddings_that_were_chosen_as_averages(implementation, drawn):
    case, steps = drawn
    rule, arithmetic = case.update, rounding(case.x.dtype)
    trained = implementation.training(case, 1)
    assert not trained.state["average_count"].any()
    for step in steps:
        before = copied(trained.state)
        emb_index = indices(implementation, case, step, trained.state["emb_space"])
        take(trained, step)
        after = copied(trained.state)
        if not step.trains:
            np.testing.assert_array_equal(after["average_count"], before["average_count"])
            np.testing.assert_array_equal(after["emb_space"], before["emb_space"])
            continue
        count, sums = chosen_vectors(case, step, emb_index)
        counts, error = average_count(before["average_count"], count, rule.decay, arithmetic)
        assert_within(after["average_count"], counts, 0 if is_dyadic(rule.decay) else error, "average_count")
        chosen = count > 0
        np.testing.assert_array_equal(after["emb_space"][~chosen], before["emb_space"][~chosen])
        if not chosen.any():
            continue
        given = [before["emb_space"], after["average_count"], count]
        exact, error = averages(*given, sums, rule, arithmetic)
        assert_within(after["emb_space"][chosen], exact[chosen], error[chosen], "emb_space")


@verify("VQ-24.2", drawn=learning.still_trainings)
def test_embeddings_that_nothing_but_themselves_chooses_do_not_move(implementation, drawn):
    case, steps = drawn
    trained = implementation.training(case, 1)
    for step in steps:
        take(trained, step)
        np.testing.assert_array_equal(trained.state["emb_space"], case.emb_space)


@verify("VQ-24.6", "VQ-22.4", drawn=training.exact_interrupted_cases)
def test_vectors_that_are_not_finite_move_nothing(implementation, drawn):
    states = []
    for case in (drawn.case, drawn.interrupted):
        trained = implementation.training(replace(case, weights={}, update=MovingAverage(0.75, 0.25)), 1)
        trained.training_pass(case.x)
        states.append(trained.state)
    for name in ("average_count", "emb_space"):
        np.testing.assert_array_equal(states[1][name], states[0][name], err_msg=name)


@verify("VQ-24.9", drawn=learning.rewritten_trainings)
def test_a_row_that_is_written_counts_as_the_others_do_on_average(implementation, drawn):
    case, number, steps = drawn
    trained = implementation.training(case, number)
    itself = implementation.training(replace(case, replacement=MostDistant(number, every=1)), number)
    for step in steps:
        take(trained, step)
        take(itself, step)
        if not step.trains:
            continue
        before = copied(trained.state)
        trained.replace_embeds()
        after = copied(trained.state)
        assert_restarted(case, before, after)
        for name in ("average_count", "emb_space"):  # as if within the pass
            np.testing.assert_array_equal(itself.state[name], after[name], err_msg=name)


def assert_restarted(case, before, after):
    """Assert that what is kept of the rows that were written, and of no other, is the mean of all."""
    pairs = zip(before["emb_space"], after["emb_space"], strict=True)
    written = np.array([not np.array_equal(*pair, equal_nan=True) for pair in pairs])
    counts = before["average_count"]
    np.testing.assert_array_equal(after["average_count"][~written], counts[~written])
    error = rounding(case.x.dtype).gamma(len(counts)) * counts.mean()  # of a sum and a quotient
    assert_within(after["average_count"][written], np.full(written.sum(), counts.mean()), error, "average_count")


@verify("VQ-24.9", drawn=learning.rewritten_trainings)
def test_rows_that_a_batch_initializes_all_count_as_the_mean(implementation, drawn):
    case, number, steps = drawn
    trained = implementation.training(case, number)
    for step in steps:
        take(trained, step)
    counts = copied(trained.state)["average_count"]
    _, r, q = case.x.shape
    trained.initialize_from_batch(np.ones((len(counts), r, q), case.x.dtype))
    error = rounding(case.x.dtype).gamma(len(counts)) * counts.mean()
    assert_within(trained.state["average_count"], np.full(len(counts), counts.mean()), error, "average_count")


@pytest.mark.clause("VQ-24.1", "VQ-24.2", "VQ-24.3")
def test_a_worked_average(implementation: Implementation) -> None:
    x = np.array([9.0, 11.0, 10.0, 90.0] * 2, np.float32).reshape(8, 1, 1)
    emb_space = np.array([[8.0], [96.0]], np.float32)
    trained = implementation.training(Case(x=x, emb_space=emb_space, weights={}, update=MovingAverage(0.75, 0.25)), 1)
    trained.training_pass(x)
    # N is (1.5, 0.5), N' (1.75, 0.75) / 2.5 times 2, or (1.4, 0.6): 8 + 0.25 / 1.4 (60 - 48), and so on.
    np.testing.assert_array_equal(trained.state["average_count"], [1.5, 0.5])
    error = 20 * 2.0**-24 * np.array([[12.0], [100.0]])  # two dozen operations at most, none of a larger result
    assert_within(trained.state["emb_space"], np.array([[8 + 3 / 1.4], [91.0]]), error, "emb_space")


@pytest.mark.clause("VQ-24.10")
def test_under_pca_embeddings_move_in_the_full_space(implementation: Implementation) -> None:
    # The principal axis is the first, along which the vectors are at the embeddings.
    case = Case(
        x=np.array([[[0.0, 8.0]], [[4.0, -2.0]]]),
        emb_space=np.array([[0.0, 0.0], [4.0, 0.0]]),
        dim_reduction="pca-emb-space",
        num_dim_reduction_components=1,
        weights={},
        update=MovingAverage(0.5, 0.0),
    )
    trained = implementation.training(case, 1)
    trained.training_pass(case.x)
    np.testing.assert_array_equal(trained.state["emb_space"], case.x[:, 0])


@pytest.mark.clause("VQ-24.3", "VQ-24.4")
def test_an_embedding_that_is_not_chosen_any_more_keeps_its_place(implementation: Implementation) -> None:
    x = np.array([[[1.0]], [[1.0]]], np.float32)
    emb_space = np.array([[1.0], [3.0], [np.nan]], np.float32)
    trained = implementation.training(Case(x=x, emb_space=emb_space, weights={}, update=MovingAverage(0.0, 0.0)), 1)
    for batch in (3 * x, x, x[:0]):
        trained.training_pass(batch)
        np.testing.assert_array_equal(trained.state["emb_space"], emb_space)
    np.testing.assert_array_equal(trained.state["average_count"], [0, 0, 0])
