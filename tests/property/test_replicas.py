"""Laws of a training pass that replicas make together (VQ-30)."""

from dataclasses import replace

import numpy as np
import pytest

from reference.parts.replacement import DeadCodes
from vq_verify.comparison import assert_within, rounding
from vq_verify.protocol import Case, Implementation
from vq_verify.strategies import replicas
from vq_verify.verify import verify

# Of what a rule keeps for itself, nothing is said but the names.
UNSAID = ("candidate_inputs", "candidate_keys", "draws")


@verify("VQ-30.1", "VQ-30.2", "VQ-30.3", "VQ-30.4", drawn=replicas.trainings)
def test_replicas_are_left_with_what_one_is_left_with_that_has_the_whole_batch(implementation, drawn):
    case, number, batch = drawn
    one, together = (implementation.training(case, number) for _ in range(2))
    first, *others = together.replicas_pass(batch.parts, batch.masks)
    one.training_pass(batch.x, batch.mask)
    for name, value in one.state.items():
        for other in others:
            np.testing.assert_array_equal(other.state[name], first.state[name], err_msg=name, strict=True)
        if name not in UNSAID:
            np.testing.assert_array_equal(first.state[name], value, err_msg=name, strict=True)
        np.testing.assert_array_equal(together.state[name], first.state[name], err_msg=name)


@pytest.mark.clause("VQ-30.4")
@pytest.mark.parametrize("cut", [1, 5])
def test_what_is_drawn_over_dead_codes_does_not_depend_on_the_parts(implementation: Implementation, cut: int) -> None:
    x = np.arange(1, 9, dtype=np.float32).reshape(8, 1, 1)
    emb_space = np.array([[0.0], [-9.0], [-10.0], [-11.0], [-12.0]], np.float32)  # of which the first is chosen
    rule = DeadCodes(0.5, 0.0, "sample", number=4)
    case = Case(x=x, emb_space=emb_space, weights={}, replacement=rule, replicas=True)
    one, together = (implementation.training(case, 1) for _ in range(2))
    one.training_pass(x)
    together.replicas_pass([x[:cut], x[cut:]], [None, None])
    assert (one.state["emb_space"] >= 0).all()
    np.testing.assert_array_equal(together.state["emb_space"], one.state["emb_space"])


@pytest.mark.clause("VQ-21.15", "VQ-30.3")
@pytest.mark.parametrize(("start", "centre"), [("batch", 1.0), ("k-means", 4.0)])
@pytest.mark.parametrize("cut", [2, 1])
def test_a_mask_may_be_that_of_one_replica(implementation: Implementation, start: str, centre: float, cut: int) -> None:
    x, mask = np.array([90, 1, 8, 3], np.float32).reshape(4, 1, 1), np.array([False, True, True, True])
    case = Case(x=x, emb_space=np.zeros((1, 1), np.float32), weights={}, start=start, replicas=True)
    trained = implementation.training(case, 1)
    trained.replicas_pass([x[:cut], x[cut:]], [mask[:cut], None])
    np.testing.assert_array_equal(trained.state["emb_space"], [[centre]])


@verify("VQ-30.5", "VQ-30.6", "VQ-30.7", drawn=replicas.losses)
def test_the_mean_of_a_loss_over_replicas_is_that_of_the_whole_batch(implementation, drawn):
    case, batch = drawn
    whole = implementation.quantize(replace(case, x=batch.x, mask=batch.mask))
    parts = implementation.training(case, 1).replicas_pass(batch.parts, batch.masks)
    layer_out = np.concatenate([it.layer_out for it in parts])
    np.testing.assert_array_equal(layer_out.astype(np.float64), whole.layer_out.astype(np.float64))
    assert all(it.losses.keys() == whole.losses.keys() for it in parts)
    arithmetic = rounding(case.x.dtype)
    for name, value in whole.losses.items():
        of_parts = [np.float64(it.losses[name]) for it in parts]
        # Every loss is a sum of terms of one sign, each rounded by a norm of d squares, and then some divisions more.
        operations = 2 * (batch.x.size + case.emb_space.size + 10)
        error = arithmetic.gamma(operations) * sum(map(abs, [value, *of_parts]))
        assert_within(np.mean(of_parts), np.float64(value), error, name)
