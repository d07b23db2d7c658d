"""Finite scalar quantization, by examples (VQ-29)."""

import math
from dataclasses import replace

import numpy as np
import pytest

import reference
from reference.finite_scalar import bounded, decoded, index_of, level_of, rounded
from vq_verify.adapters.oracle import Oracle
from vq_verify.protocol import ScalarCase


def quantized(x, levels, **arguments):
    return reference.finite_scalar_quantization(np.array(x, np.float64)[np.newaxis], levels, **arguments)


@pytest.mark.clause("VQ-29.1", "VQ-29.2")
@pytest.mark.parametrize(
    ("number", "least", "most"), [(2, -1, 0), (3, -1, 1), (4, -2, 1), (5, -2, 2), (4097, -2048, 2048)]
)
def test_the_bound_of_what_is_far_is_the_outermost_level_exactly(number, least, most):
    far = bounded(np.array([[-99.0], [99.0]]), [number], np.float64)
    np.testing.assert_array_equal(far, [[least], [most]])


@pytest.mark.clause("VQ-29.3")
@pytest.mark.parametrize("number", [2, 3, 4, 8, 2**16])
def test_the_bound_of_0_is_nearly_0(number):
    # tanh(tan(a)) = a - a^5 / 15 + ..., times h = o / a, with a = o / h = 1 / (L - 1): off by o a^4 / 15, here by three
    # times that for the terms left out, and by four roundings of numbers up to 1/2.
    assert abs(bounded(np.zeros(1), [number], np.float64)[0]) <= 0.5 * (number - 1.0) ** -4 / 5 + 4 * 2.0**-54


@pytest.mark.clause("VQ-29.3")
def test_the_shift_is_rounded_to_the_comparison_dtype():
    shift = np.tan(1 / 3)
    assert bounded(-np.array([shift]), [4], np.float64) == -0.5
    for dtype in (np.float32, np.float16):
        assert bounded(-np.array([shift]).astype(np.float32).astype(np.float64), [4], dtype) == -0.5
        assert bounded(-np.array([shift]), [4], dtype) != -0.5


@pytest.mark.clause("VQ-29.4", "VQ-29.5")
def test_the_nearest_integer_is_the_even_one_of_two():
    bound = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49999999999999994, -0.75])
    np.testing.assert_array_equal(rounded(bound), [-2, -2, 0, 0, 2, 2, 0, -1])


@pytest.mark.clause("VQ-29.6", "VQ-29.8", "VQ-29.9", "VQ-29.14")
def test_each_split_is_a_vector_whose_first_coordinate_runs_fastest():
    result = quantized([[-9.0, 0.0, 0.0, 9.0], [9.0, 9.0, -9.0, -9.0]], [3, 4], num_splits=2)
    np.testing.assert_array_equal(result.layer_out, [[[-1, 0, 0, 0.5], [1, 0.5, -1, -1]]])
    np.testing.assert_array_equal(result.emb_index, [[0 + 3 * 2, 1 + 3 * 3, 2 + 3 * 3, 0]])
    np.testing.assert_array_equal(np.flatnonzero(result.access_count), [0, 6, 10, 11])


@pytest.mark.clause("VQ-29.6")
def test_an_output_is_rounded_to_the_comparison_dtype_and_then_to_that_of_x():
    number, integer, half_type = 65535, 32759, np.dtype("float16")
    once = half_type.type(integer / 32767)
    twice = np.float32(integer / 32767).astype(half_type)
    assert once != twice  # 32759/32767 is between two numbers of float16, and nearer to the middle than float32 tells
    np.testing.assert_array_equal(decoded(np.array([32767 + integer]), [number], half_type), [[twice]], strict=True)


@pytest.mark.clause("VQ-29.7", "VQ-29.8")
@pytest.mark.parametrize("levels", [(2,), (3, 4), (5, 2, 3), (2**16,)])
def test_indices_and_levels_are_each_others_inverse(levels):
    index = np.arange(math.prod(levels))
    level = level_of(index, levels)
    np.testing.assert_array_equal(index_of(level, levels), index)
    assert (level.min(axis=0) == 0).all()
    np.testing.assert_array_equal(level.max(axis=0), np.array(levels) - 1)
    assert (np.diff(level[: levels[0], 0]) == 1).all()


@pytest.mark.clause("VQ-29.14")
@pytest.mark.parametrize(("levels", "is_counted"), [((2**10, 2**10), True), ((2**10, 2**10 + 1), False)])
def test_up_to_2_to_the_20_vectors_are_counted(levels, is_counted):
    count = quantized([[0.0, 0.0]], levels).access_count
    assert (count is not None) == is_counted
    assert count is None or (len(count), count.sum()) == (2**20, 1)


@pytest.mark.clause("VQ-29.12")
def test_the_gradient_is_that_of_the_bound_over_half_the_levels():
    levels, step = (2, 3, 4, 7, 255), 1e-6
    z = np.linspace(-3, 3, 13)[:, np.newaxis] * np.ones(5)
    ahead, behind = (bounded(z + of, levels, np.float64) / (np.array(levels) // 2) for of in (step, -step))
    passed = reference.finite_scalar_gradient(z[np.newaxis], levels, np.full_like(z, 2)[np.newaxis])
    # A central difference is off by step^2 / 6 times the third derivative, 2 at most, and by rounding over the step.
    np.testing.assert_allclose(passed[0], (ahead - behind) / step, atol=2 * (step**2 + 2.0**-52 / step))


@pytest.mark.clause("VQ-29.15", "VQ-29.16", "VQ-29.17", "VQ-29.18")
def test_what_is_not_finite_or_masked_is_apart():
    x = np.array([[[np.inf, 0.0], [-0.0, np.nan], [0.0, 0.0]]], np.float32)
    mask = np.array([[True, False, True]])
    result = reference.finite_scalar_quantization(x, [3, 3], mask=mask)
    np.testing.assert_array_equal(result.layer_out, [[[np.nan, np.nan], [0, np.nan], [0, 0]]])
    assert np.signbit(result.layer_out[0, 1, 0])
    np.testing.assert_array_equal(result.emb_index, [[-1, -1, 4]])
    assert result.access_count.sum() == 1
    passed = reference.finite_scalar_gradient(x, [3, 3], np.full_like(x, 2), mask=mask)
    np.testing.assert_array_equal(passed, [[[0, 0], [2, 2], [2, 2]]])


@pytest.mark.clause("VQ-29.19", "VQ-29.20")
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64"])
def test_an_index_stands_for_its_vector_in_every_integer_dtype(dtype):
    np.testing.assert_array_equal(decoded(np.array([[11], [0]], dtype), [3, 4], np.float64), [[[1, 0.5]], [[-1, -1]]])
    if np.dtype(dtype).kind == "i":
        assert np.isnan(decoded(np.array([-1], dtype), [3, 4], np.float32)).all()
        with pytest.raises(ValueError, match=r"`emb_index` must lie in \[0, n\) = \[0, 12\), or be -1. Received: -2"):
            decoded(np.array([-2], dtype), [3, 4], np.float64)
    with pytest.raises(ValueError, match=r"Received: 12"):
        decoded(np.array([12], dtype), [3, 4], np.float64)


@pytest.mark.clause("VQ-29.20")
def test_the_largest_unsigned_index_is_none_of_a_grid_and_not_minus_one():
    with pytest.raises(ValueError, match=rf"Received: {2**64 - 1}"):
        decoded(np.array([2**64 - 1], np.uint64), [3, 4], np.float64)


@pytest.mark.clause("VQ-29.21", "VQ-29.22", "VQ-29.23", "VQ-29.24")
@pytest.mark.parametrize(
    ("levels", "error", "message"),
    [
        (4, TypeError, r"`levels` must be a sequence of integers. Received: levels=4"),
        ("33", TypeError, r"`levels` must be a sequence of integers. Received: levels='33'"),
        ([], ValueError, r"`levels` must hold at least one integer. Received: levels=\[\]"),
        ([3, 2.0], TypeError, r"`levels` must be an integer. Received: levels=2.0"),
        ([3, True], TypeError, r"`levels` must be an integer. Received: levels=True"),
        ([3, 1], ValueError, r"`levels` must be from 2 to 2\^16 each. Received: levels=\[3, 1\]"),
        ([3, 65537], ValueError, r"`levels` must be from 2 to 2\^16 each"),
        ([2**16] * 3 + [2**15], ValueError, r"the product of `levels` must be below 2\^63. Received: levels=\[65536"),
        ([3, 3, 3], ValueError, r"`levels` must hold one for each .*Received: levels=\[3, 3, 3\], num_splits=1, q=2"),
    ],
)
def test_wrong_levels_are_named_with_their_rule_and_value(levels, error, message):
    with pytest.raises(error, match=message):
        quantized([[0.0, 0.0]], levels)
    if levels != [3, 3, 3]:
        with pytest.raises(error, match=message):
            decoded(np.array([0]), levels, np.float32)


@pytest.mark.clause("VQ-16.4", "VQ-16.6", "VQ-16.12")
def test_a_wrong_input_is_refused():
    with pytest.raises(ValueError, match=r"`x` must have the shape"):
        reference.finite_scalar_quantization(np.ones((2, 3)), [3, 3, 3])
    with pytest.raises(TypeError, match=r"`x` must have a floating dtype"):
        reference.finite_scalar_quantization(np.ones((1, 2, 3), np.int32), [3, 3, 3])
    with pytest.raises(ValueError, match=r"`num_splits` must be greater than 0"):
        quantized([[0.0]], [3], num_splits=0)


@pytest.mark.clause("VQ-29.13")
def test_the_adapter_asks_for_what_the_case_says():
    case = ScalarCase(x=np.array([[[9.0], [-9.0]]]), levels=(3,), mask=np.array([[True, False]]))
    np.testing.assert_array_equal(Oracle().quantize_scalar(case).emb_index, [[2, -1]])
    np.testing.assert_array_equal(Oracle().quantize_scalar(replace(case, mask=None)).emb_index, [[2, 0]])
