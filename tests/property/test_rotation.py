"""Laws of the estimators by rotation and DiVeQ, for every implementation (VQ-27)."""

import numpy as np
import pytest

from vq_verify.comparison import assert_within, projected, rotated
from vq_verify.protocol import Case, Implementation
from vq_verify.strategies import parts
from vq_verify.verify import verify


@verify(
    "VQ-27.1",
    "VQ-27.2",
    "VQ-27.3",
    "VQ-27.4",
    "VQ-27.5",
    "VQ-27.6",
    "VQ-27.8",
    "VQ-27.10",
    "VQ-27.11",
    drawn=parts.rotations,
)
def test_the_gradient_is_turned_back_by_the_rotation_of_the_vector_onto_its_embedding(implementation, drawn):
    case, upstream = drawn
    gradients, emb_index = implementation.gradients(case, upstream), implementation.quantize(case).emb_index
    passed, error = rotated(case, emb_index, upstream)[:2]
    assert_within(gradients.output_to_x.reshape(passed.shape), passed, error, "gradient under a rotation")
    assert not gradients.output_to_emb_space.any()


@verify("VQ-27.1", "VQ-27.8", "VQ-27.9", drawn=parts.rotations)
def test_the_gradient_has_the_length_of_the_one_that_arrives_times_the_scale(implementation, drawn):
    case, upstream = drawn
    gradient, emb_index = implementation.gradients(case, upstream).output_to_x, implementation.quantize(case).emb_index
    length, error = rotated(case, emb_index, upstream)[2:]
    found = np.linalg.norm(gradient.astype(np.float64).reshape(-1, case.emb_space.shape[-1]), axis=-1)
    assert_within(found, length, error, "length of a gradient under a rotation")


@pytest.mark.clause("VQ-27.7")
def test_where_the_scale_overflows_the_gradient_passes_on_as_it_is(implementation: Implementation) -> None:
    upstream = np.array([[[3.0, -2.0]]])
    for dtype in {"float64", "float32"}.intersection(implementation.dtypes):
        info = np.finfo(dtype)
        x, emb_space = np.array([[[info.tiny, 0]]], dtype), np.array([[0, info.max / 4]], dtype)
        case = Case(x=x, emb_space=emb_space, lookup_ord=np.inf, weights={}, estimator="rotation")
        gradient = implementation.gradients(case, upstream.astype(dtype)).output_to_x
        np.testing.assert_array_equal(gradient, upstream)


@verify("VQ-27.12", "VQ-27.13", "VQ-27.14", "VQ-27.15", "VQ-27.16", drawn=parts.projections)
def test_diveq_takes_out_of_the_gradient_what_lies_toward_the_embedding(implementation, drawn):
    case, upstream = drawn
    gradients, emb_index = implementation.gradients(case, upstream), implementation.quantize(case).emb_index
    passed, error = projected(case, emb_index, upstream)
    assert_within(gradients.output_to_x.reshape(passed.shape), passed, error, "gradient under DiVeQ")
    assert not gradients.output_to_emb_space.any()
