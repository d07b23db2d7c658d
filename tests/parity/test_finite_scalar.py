"""Finite scalar quantization against the oracle, value by value (VQ-29)."""

from vq_verify.adapters.oracle import Oracle
from vq_verify.comparison import assert_within
from vq_verify.comparison.cosine import assert_identical
from vq_verify.comparison.scalar import bound, gradient, levels_at
from vq_verify.strategies import scalar as strategies
from vq_verify.verify import verify


@verify("VQ-29.1", "VQ-29.2", "VQ-29.3", "VQ-29.4", "VQ-29.10", "VQ-29.11", case=strategies.scalar_cases)
def test_each_level_is_nearest_to_its_bound_within_rounding(implementation, case):
    integers = levels_at(implementation.quantize_scalar(case).emb_index, case.levels) - [it // 2 for it in case.levels]
    exact, error = bound(case)
    assert_within(integers, exact, 1 / 2 + error, "level")


@verify("VQ-29.12", drawn=strategies.scalar_cases_with_upstream)
def test_gradients_pass_the_rounding_and_the_bound_within_their_errors(implementation, drawn):
    case, upstream = drawn
    to_x = implementation.scalar_gradients(case, upstream).output_to_x
    assert_within(to_x, *gradient(case, upstream), "gradient of layer_out")


@verify("VQ-29.6", "VQ-29.8", "VQ-29.14", "VQ-29.15", "VQ-29.17", drawn=strategies.interrupted_cases)
def test_in_the_middle_of_levels_every_endpoint_equals_the_oracle(implementation, drawn):
    result, expected = (it.quantize_scalar(drawn.case) for it in (implementation, Oracle()))
    assert_identical(result.layer_out, expected.layer_out, "layer_out")
    assert_identical(result.emb_index, expected.emb_index, "emb_index")
    if expected.access_count is None:
        assert result.access_count is None
    else:
        assert_identical(result.access_count, expected.access_count.astype(result.access_count.dtype), "access_count")
