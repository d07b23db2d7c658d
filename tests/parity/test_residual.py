"""Residual quantization against the oracle, value by value (VQ-28)."""

import numpy as np

from vq_verify.adapters.oracle import Oracle
from vq_verify.comparison import assert_within, rounding, weighted_sum_error
from vq_verify.comparison.cosine import assert_identical
from vq_verify.strategies import residual
from vq_verify.verify import verify


def assert_equal_to_the_oracle(implementation, case):
    """Compare the output, the indices and the counts of an exact case bit for bit, and the losses of each stage."""
    result, expected = implementation.quantize_residual(case), Oracle().quantize_residual(case)
    for name in ("layer_out", "emb_index", "access_count"):
        value = getattr(result, name)
        assert_identical(value, getattr(expected, name).astype(value.dtype), name)
    arithmetic, terms = rounding(case.case.x.dtype), case.case.x.size + case.emb_spaces[0].size + 3
    for losses, exact in zip(result.losses, expected.losses, strict=True):
        assert list(losses) == list(exact)
        for name, value in exact.items():
            # Of its terms, all of one sign, at most a root rounds; of a mean over two axes there are two divisions.
            error = weighted_sum_error(value, arithmetic.gamma(1) * abs(value), terms, arithmetic)
            assert_within(losses[name], value, error, name)


@verify("VQ-28.1", "VQ-28.2", "VQ-28.3", "VQ-28.5", "VQ-28.15", case=residual.parity_cases)
def test_every_endpoint_and_loss_of_every_stage_equals_the_oracle(implementation, case):
    assert_equal_to_the_oracle(implementation, case)


@verify("VQ-28.5", "VQ-28.9", "VQ-28.12", "VQ-28.15", drawn=residual.residual_trainings)
def test_every_pass_of_a_training_leaves_the_states_that_it_must(implementation, drawn):
    case, number, batches = drawn
    trained, expected = (it.residual_training(case, number) for it in (implementation, Oracle()))
    for x, mask in batches:
        trained.training_pass(x, mask)
        expected.training_pass(x, mask)
        for state, of_oracle in zip(trained.states, expected.states, strict=True):
            for name, value in of_oracle.items():
                np.testing.assert_array_equal(state[name], value.astype(state[name].dtype), err_msg=name)
