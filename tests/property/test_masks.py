"""Laws of masks, for every implementation (VQ-21)."""

from dataclasses import replace

import numpy as np
import pytest

from vq_verify import strategies
from vq_verify.comparison import assert_within, projected, rotated
from vq_verify.comparison.cosine import assert_identical
from vq_verify.protocol import STATE, Case, Implementation
from vq_verify.strategies import parts
from vq_verify.verify import verify

from .test_non_finite import assert_gradients, assert_same_losses, rows
from .test_validation import refused


def assert_same(result, expected):
    """Assert that all endpoints and losses are equal bit for bit."""
    for name in expected._fields[:-1]:
        assert_identical(getattr(result, name), getattr(expected, name), name)
    assert list(result.losses.items()) == list(expected.losses.items())


@verify(
    "VQ-21.1", "VQ-21.3", "VQ-21.5", "VQ-21.6", "VQ-21.7", "VQ-21.10", "VQ-21.11", "VQ-21.17", drawn=parts.masked_cases
)
def test_a_masked_vector_comes_out_bit_for_bit_and_all_others_as_if_it_were_not_there(implementation, drawn):
    result, expected = implementation.quantize(drawn.masked), implementation.quantize(drawn.case)
    for value, alone in zip(rows(drawn.case, result), rows(drawn.case, expected), strict=True):
        np.testing.assert_array_equal(value[drawn.counted], alone, strict=True)
    layer_out, distance, emb_index = (value[~drawn.counted] for value in rows(drawn.case, result))
    assert layer_out.dtype == drawn.masked.x.dtype
    assert layer_out.tobytes() == drawn.masked.x.reshape(-1, layer_out.shape[1])[~drawn.counted].tobytes()
    assert np.isnan(distance).all()
    assert (emb_index == -1).all()
    for name in ("access_count", "emb_spacing", "emb_closest_spacing"):
        np.testing.assert_array_equal(getattr(result, name), getattr(expected, name), strict=True)
    assert_same_losses(drawn.case, result.losses, expected.losses)


@verify("VQ-19.4", "VQ-21.4", "VQ-21.11", "VQ-21.12", drawn=parts.masked_cases)
def test_a_masked_vector_passes_its_gradient_on_and_gets_none_from_a_loss(implementation, drawn):
    upstream = np.arange(drawn.masked.x.size).reshape(drawn.masked.x.shape) % 5 + 1
    gradients = implementation.gradients(drawn.masked, upstream.astype(drawn.case.x.dtype))
    emb_index = implementation.quantize(drawn.masked).emb_index.reshape(-1)
    assert_gradients(drawn.case, gradients, emb_index[drawn.counted], counted=drawn.counted)
    assert not gradients.output_to_emb_space.any()
    if drawn.case.estimator in ("rotation", "diveq"):
        bounded = {"rotation": rotated, "diveq": projected}[drawn.case.estimator]
        passed, error = bounded(drawn.masked, emb_index, upstream)[:2]
        assert_within(gradients.output_to_x.reshape(passed.shape), passed, error, "gradient of the output")
    else:
        stopped = np.repeat(drawn.counted, drawn.case.emb_space.shape[1]) & (drawn.case.estimator == "none")
        np.testing.assert_array_equal(gradients.output_to_x, np.where(stopped.reshape(upstream.shape), 0, upstream))


@verify("VQ-21.1", case=parts.cases_with_batch_masks)
def test_a_mask_of_the_first_axis_is_one_of_all_below(implementation, case):
    everywhere = np.repeat(case.mask[:, np.newaxis], case.x.shape[1], axis=1)
    assert_same(implementation.quantize(case), implementation.quantize(replace(case, mask=everywhere)))


@verify("VQ-21.16", case=strategies.all_cases)
def test_a_mask_that_is_true_everywhere_changes_nothing(implementation, case):
    masked = replace(case, mask=np.ones(case.x.shape[:-1], bool))
    assert_same(implementation.quantize(masked), implementation.quantize(case))


@verify("VQ-21.14", drawn=parts.masked_cases)
def test_masked_vectors_leave_no_trace_in_a_training(implementation, drawn):
    together, apart = (implementation.training(case, 1) for case in (drawn.masked, drawn.case))
    apart.training_pass(drawn.case.x)
    together.training_pass(drawn.masked.x, drawn.masked.mask)
    for name in STATE:
        np.testing.assert_array_equal(together.state[name], apart.state[name], err_msg=name, strict=True)


@pytest.mark.clause("VQ-21.2")
@pytest.mark.parametrize(
    "mask", [np.ones((2, 3), np.int32), np.ones((3, 2), bool), np.ones((2, 3, 4), bool), np.ones((), bool)]
)
def test_a_wrong_mask_is_refused(implementation: Implementation, mask: np.ndarray) -> None:
    case = Case(x=np.ones((2, 3, 4), np.float32), emb_space=np.eye(3, 2, dtype=np.float32), num_splits=2, mask=mask)
    with refused(implementation):
        implementation.quantize(case)
