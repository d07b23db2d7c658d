"""Laws of the estimators, for every implementation (VQ-19)."""

from dataclasses import replace

import numpy as np

from vq_verify.strategies import parts
from vq_verify.verify import verify

from .test_masks import assert_same


@verify("VQ-19.1", drawn=parts.cases_with_other_estimators)
def test_no_estimator_changes_a_value(implementation, drawn):
    case, _ = drawn
    assert_same(implementation.quantize(case), implementation.quantize(replace(case, estimator="straight-through")))


@verify("VQ-3.2", "VQ-19.2", "VQ-19.3", drawn=parts.cases_that_pass_all_or_nothing)
def test_an_estimator_passes_the_gradient_of_the_output_on_or_nothing(implementation, drawn):
    case, upstream = drawn
    gradients = implementation.gradients(case, upstream)
    passed = np.zeros_like(upstream) if case.estimator == "none" else upstream
    np.testing.assert_array_equal(gradients.output_to_x, passed, strict=True)
    assert not gradients.output_to_emb_space.any()


@verify("VQ-19.5", drawn=parts.interrupted_cases_with_estimators)
def test_a_vector_that_is_not_finite_passes_on_what_any_does(implementation, drawn):
    case, upstream = drawn
    gradient = implementation.gradients(case, upstream).output_to_x
    passed = np.zeros_like(upstream) if case.estimator == "none" else upstream
    if case.estimator in ("rotation", "diveq"):  # what these pass on to the others are laws of their own
        finite = np.isfinite(case.vectors).all(axis=-1, keepdims=True)
        passed = np.where(np.broadcast_to(finite, case.vectors.shape).reshape(upstream.shape), gradient, passed)
    np.testing.assert_array_equal(gradient, passed)


@verify("VQ-18.10", drawn=parts.cases_with_other_estimators)
def test_no_estimator_changes_the_gradient_of_a_loss(implementation, drawn):
    case, upstream = drawn
    of_other, of_one = (
        implementation.gradients(it, upstream) for it in (case, replace(case, estimator="straight-through"))
    )
    for name in case.losses:
        np.testing.assert_array_equal(of_other.losses_to_x[name], of_one.losses_to_x[name])
        np.testing.assert_array_equal(of_other.losses_to_emb_space[name], of_one.losses_to_emb_space[name])
