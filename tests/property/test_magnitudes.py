"""Laws of large numbers whose sums or squares their dtype cannot hold, for every implementation (VQ-13, VQ-14)."""

from dataclasses import replace

import numpy as np
import pytest

from reference.parts.replacement import DeadCodes
from reference.parts.updates import MovingAverage
from vq_verify.cases import LOSSES
from vq_verify.comparison import assert_within, comparison_dtype, rounding
from vq_verify.comparison.cosine import similarity_error
from vq_verify.offers import offered
from vq_verify.protocol import Case, CosineCase, Implementation, ScalarCase

# The greatest power of 2 of each dtype. Twice as much, the sum of two such coordinates, is infinite.
LARGEST = {"float16": 2.0**15, "bfloat16": 2.0**127, "float32": 2.0**127, "float64": 2.0**1023}

# Times it. Of no two is a difference greater than one of them.
EMB_SPACE = np.array([[1.0, 1.0], [1.5, 1.25], [0.5, 0.25]])
VECTORS = np.array([[1.5, 1.5], [1.0, 0.875], [1.0, 1.0]])
INDEX = [1, 0, 0]


def large_case(dtype: str, lookup_ord: float) -> Case:
    """Return the case of one dtype: float16 under any norm, others under the one that adds nothing up."""
    x, emb_space = VECTORS[:, np.newaxis] * LARGEST[dtype], EMB_SPACE * LARGEST[dtype]
    return Case(
        x=x.astype(dtype), emb_space=emb_space.astype(comparison_dtype(dtype)), lookup_ord=lookup_ord, weights={}
    )


OF_DTYPES = [
    *(("float16", order) for order in (1, 2, np.inf)),
    *((dtype, np.inf) for dtype in LARGEST if dtype != "float16"),
]


@pytest.mark.clause("VQ-2.1", "VQ-2.5", "VQ-13.1", "VQ-13.2", "VQ-13.16", "VQ-14.2")
@pytest.mark.parametrize(("dtype", "lookup_ord"), OF_DTYPES)
def test_a_row_is_finite_if_its_coordinates_are_whatever_their_sum(
    implementation: Implementation, dtype: str, lookup_ord: float
) -> None:
    case = large_case(dtype, lookup_ord)
    result = implementation.quantize(case)
    np.testing.assert_array_equal(result.emb_index[:, 0], INDEX)
    np.testing.assert_array_equal(result.access_count, [2, 1, 0])
    np.testing.assert_array_equal(result.layer_out[:, 0], case.emb_space[INDEX].astype(case.x.dtype))
    difference = np.abs(VECTORS[:, np.newaxis] - EMB_SPACE)
    # In float64, each rounds as in the comparison dtype: no sum or square has more than a few digits.
    exact = np.linalg.norm(difference, lookup_ord, axis=-1).astype(result.distance.dtype) * LARGEST[dtype]
    np.testing.assert_array_equal(result.distance[:, 0], exact)


@pytest.mark.clause("VQ-5.3", "VQ-5.4", "VQ-5.5", "VQ-14.4", "VQ-18.1", "VQ-18.2", "VQ-18.3", "VQ-18.4")
def test_losses_and_gradients_of_half_types_are_those_of_the_same_numbers_in_float32(
    implementation: Implementation,
) -> None:
    weights = dict.fromkeys(offered(implementation, "losses", LOSSES), 2.0**-8)
    half = replace(large_case("float16", 2), weights=weights)
    single = replace(half, x=half.x.astype(np.float32))
    # Sums of a few numbers of few digits, none of which float32 rounds but a root or a third.
    for name, loss in implementation.quantize(half).losses.items():
        np.testing.assert_allclose(loss, implementation.quantize(single).losses[name], rtol=8 * 2.0**-24)
    upstream = np.zeros_like(half.x)
    found, expected = (implementation.gradients(it, upstream) for it in (half, single))
    for name in half.losses:
        others = expected.losses_to_emb_space[name]
        np.testing.assert_allclose(found.losses_to_emb_space[name], others, rtol=8 * 2.0**-24)
        # That to x is rounded to its dtype at last.
        to_x, others = (it.losses_to_x[name].astype(np.float64) for it in (found, expected))
        np.testing.assert_allclose(to_x, others, rtol=2.0**-11 + 8 * 2.0**-24)


@pytest.mark.clause("VQ-11.2", "VQ-11.3", "VQ-13.14", "VQ-14.2")
def test_large_vectors_are_gathered(implementation: Implementation) -> None:
    case, unit = large_case("float16", 2), LARGEST["float16"]
    trained = implementation.training(case, 3)
    trained.training_pass(case.x)
    state = trained.state
    np.testing.assert_array_equal(state["accumulated_usage_count"], [2, 1, 0])
    np.testing.assert_array_equal(state["input_distances"], np.array([0.25, 0.125, 0]) * unit)
    np.testing.assert_array_equal(state["distant_inputs"][:2], VECTORS[:2] * unit)


@pytest.mark.clause("VQ-24.2", "VQ-26.7")
def test_large_vectors_are_averaged_and_written_over_dead_codes(implementation: Implementation) -> None:
    case = replace(large_case("float16", 2), replacement=DeadCodes(0.5, 0.0, "most-distant", number=1, every=1))
    trained = implementation.training(case, 1)
    trained.training_pass(case.x)
    expected = EMB_SPACE * LARGEST["float16"]
    expected[2] = VECTORS[0] * LARGEST["float16"]  # the first that is dead
    np.testing.assert_array_equal(trained.state["emb_space"], expected)
    trained = implementation.training(replace(case, replacement=None, update=MovingAverage(0.0, 0.0)), 1)
    trained.training_pass(case.x)
    moved = np.array([[1.0, 0.9375], [1.5, 1.5], *EMB_SPACE[2:]])
    np.testing.assert_array_equal(trained.state["emb_space"], moved * LARGEST["float16"])


@pytest.mark.clause("VQ-25.1", "VQ-25.3", "VQ-25.4")
@pytest.mark.parametrize("start", ["sample", "k-means"])
def test_a_training_starts_from_large_vectors(implementation: Implementation, start: str) -> None:
    case = large_case("float16", 2)
    trained = implementation.training(replace(case, emb_space=np.zeros((3, 2), np.float32), start=start), 1)
    trained.training_pass(case.x)
    started = sorted(map(tuple, (trained.state["emb_space"] / LARGEST["float16"]).tolist()))
    assert started == sorted(map(tuple, VECTORS.tolist()))


@pytest.mark.clause("VQ-9.2", "VQ-13.10")
@pytest.mark.parametrize("dtype", LARGEST)
def test_large_vectors_have_similarities(implementation: Implementation, dtype: str) -> None:
    emb_space, x = (np.array(rows) * LARGEST[dtype] for rows in ([[1.5, -1.5], [1.5, 1.5]], [[[1.5, 1.5]]]))
    case = CosineCase(x=x.astype(dtype), emb_space=emb_space.astype(comparison_dtype(dtype)))
    result = implementation.quantize_cosine(case)
    assert result.emb_index == 1
    assert_within(result.similarity_values, [1], similarity_error(2, rounding(dtype)), "similarity_values")


@pytest.mark.clause("VQ-29.7", "VQ-29.15")
@pytest.mark.parametrize("dtype", LARGEST)
def test_large_vectors_have_the_outermost_levels(implementation: Implementation, dtype: str) -> None:
    vectors = np.array([[1.5, 1.5], [-1.5, -1.5], [1.5, -1.5]]) * LARGEST[dtype]
    case = ScalarCase(x=vectors[:, np.newaxis].astype(dtype), levels=(5, 4))
    emb_index = implementation.quantize_scalar(case).emb_index[:, 0]
    np.testing.assert_array_equal(emb_index, [19, 0, 4])
