"""Trainings that learn against the oracle, value by value where nothing is left to chance (VQ-24, VQ-26)."""

import numpy as np

from vq_verify.adapters.oracle import Oracle
from vq_verify.comparison import assert_within, rounding
from vq_verify.comparison.averages import average_count, averages, is_dyadic, moving_share
from vq_verify.strategies import learning
from vq_verify.verify import verify

from ..property.test_moving_averages import chosen_vectors, indices
from ..property.test_passes import take


@verify("VQ-24.1", "VQ-24.2", "VQ-24.3", "VQ-24.4", drawn=learning.first_averages)
def test_the_first_averages_are_those_of_the_oracle(implementation, drawn):
    case, (step,) = drawn
    trained, expected = (it.training(case, 1) for it in (implementation, Oracle()))
    take(trained, step)
    take(expected, step)
    count, sums = chosen_vectors(case, step, indices(Oracle(), case, step, case.emb_space))
    arithmetic, emb_space = rounding(case.x.dtype), case.emb_space.astype(np.float64)
    exact, error = average_count(np.zeros(len(count)), count, case.update.decay, arithmetic)
    if is_dyadic(case.update.decay):
        error = np.zeros_like(error)
    assert_within(trained.state["average_count"], expected.state["average_count"], error, "average_count")
    if count.any():
        error = averages(emb_space, exact, count, sums, case.update, arithmetic).error
        pair = (it.state["emb_space"][count > 0] for it in (trained, expected))
        assert_within(*pair, error[count > 0], "emb_space")
    np.testing.assert_array_equal(trained.state["emb_space"][count == 0], case.emb_space[count == 0])


@verify("VQ-26.1", "VQ-26.4", "VQ-26.6", "VQ-26.7", "VQ-26.10", "VQ-26.11", drawn=learning.determined_trainings)
def test_dead_codes_become_the_most_distant_vectors_as_in_the_oracle(implementation, drawn):
    case, steps = drawn
    trained, expected = (it.training(case, 1) for it in (implementation, Oracle()))
    for step in steps:
        before = np.array(trained.state["moving_share"], np.float64)
        index = indices(Oracle(), case, step, expected.state["emb_space"])
        expected.state = {**expected.state, "moving_share": before}  # which may have rounded
        take(trained, step)
        take(expected, step)
        np.testing.assert_array_equal(trained.state["emb_space"], expected.state["emb_space"])
        count = np.bincount(index[index >= 0], minlength=len(before))
        error = moving_share(before, count, case.replacement.decay, rounding(case.x.dtype)).error * step.trains
        assert_within(trained.state["moving_share"], expected.state["moving_share"], error, "moving_share")
