"""The oracle's estimators: the value is the chosen row, whatever the gradient."""

import numpy as np
import pytest
from hypothesis import given

from reference import Cosine, DiVeQ, Majority, NoGradient, Norm, Quantizer, Rotation, StraightThrough, quantize
from reference.quantizer import gradients
from tests.oracle.cases import Case, cases

ESTIMATORS = [StraightThrough(), NoGradient(), Rotation(), DiVeQ()]
LABELS = np.array([0, 1])


def _bits(array: np.ndarray) -> list[str]:
    return [it.hex() for it in array.reshape(-1).tolist()]


@pytest.mark.clause("VQ-19.1")
@given(case=cases(finite=False))
def test_the_output_is_the_chosen_row_bit_for_bit_whatever_the_estimator(case: Case) -> None:
    rows = np.concatenate([case.emb_space, np.full((1, case.emb_space.shape[1]), np.nan)])
    for estimator in ESTIMATORS:
        quantizer = Quantizer(comparison=Norm(1), estimator=estimator, num_splits=case.num_splits)
        result = quantize(case.x, {"emb_space": case.emb_space}, quantizer)
        assert _bits(result.layer_out) == _bits(rows[result.emb_index])


@pytest.mark.clause("VQ-19.2", "VQ-19.3")
@given(case=cases(finite=False))
def test_the_gradient_of_the_output_passes_to_x_as_it_is_or_not_at_all(case: Case) -> None:
    upstream = np.arange(case.x.size).reshape(case.x.shape) / 8 - 1
    for estimator, factor in ((StraightThrough(), 1), (NoGradient(), 0)):
        quantizer = Quantizer(estimator=estimator, num_splits=case.num_splits)
        found = gradients(case.x, {"emb_space": case.emb_space}, quantizer, upstream)
        assert found.output_to_x.tolist() == (factor * upstream).tolist()
        assert not found.output_to_emb_space.any()
        assert found.output_to_emb_space.shape == case.emb_space.shape


@pytest.mark.clause("VQ-19.4", "VQ-19.5")
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_vector_that_is_kept_passes_its_gradient_on_whatever_the_estimator(
    estimator: StraightThrough | NoGradient | Rotation | DiVeQ,
) -> None:
    # The first vector's label wins with 1 vote of 2, less than the threshold; one that is not finite is not kept.
    x, state = np.array([[[1.0, 0.1], [np.nan, 1.0]]]), {"emb_space": np.eye(2)}
    quantizer = Quantizer(Cosine(), Majority(LABELS, 2, 2, majority_threshold=0.6), estimator=estimator)
    assert quantize(x, state, quantizer).identity_mapping_mask.tolist() == [[True, False]]
    upstream = np.array([[[3.0, -5.0], [7.0, 9.0]]])
    passed = gradients(x, state, quantizer, upstream).output_to_x
    assert passed.tolist() == [[[3.0, -5.0], [0.0, 0.0] if estimator == NoGradient() else [7.0, 9.0]]]


@pytest.mark.clause("VQ-19.2", "VQ-19.3")
def test_estimators_have_names() -> None:
    assert [it.name for it in ESTIMATORS] == ["straight-through", "none", "rotation", "diveq"]


@pytest.mark.clause("VQ-27.12", "VQ-27.13", "VQ-27.14")
@pytest.mark.parametrize(
    ("x", "e", "passed"),
    [
        ([1.0, 2.0], [4.0, -2.0], [1.6, 1.2]),
        ([1.0, 2.0], [1.0, 2.0], [1.0, 2.0]),
        ([np.inf, 2.0], [np.nan, np.nan], [1.0, 2.0]),
        ([1.0, 2.0], [1.0, 2.0 + 2.0**-40], [1.0, 0.0]),
    ],
)
def test_the_part_of_the_gradient_toward_the_embedding_is_taken_out(
    x: list[float], e: list[float], passed: list[float]
) -> None:
    found = DiVeQ().gradient_to_vectors(np.array([x]), np.array([e]), np.array([[1.0, 2.0]]))
    np.testing.assert_allclose(found[0], passed, rtol=8 * 2.0**-53)  # two quotients, a root, and what they come to
