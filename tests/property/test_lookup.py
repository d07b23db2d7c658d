"""Laws of the lookup, for every implementation (VQ-1, VQ-2, VQ-4)."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import strategies as st

from vq_verify import strategies
from vq_verify.comparison import assert_same_distances, comparison_dtype, distance_error, rounding
from vq_verify.protocol import Case, Implementation
from vq_verify.strategies.vectors import normal
from vq_verify.verify import held_to, verify

_EXPONENTS = {"float64": 200, "float32": 40, "bfloat16": 40, "float16": 1}


def pieces(case, layer_out):
    return layer_out.reshape(-1, case.emb_space.shape[1])


def assert_near(case, layer_out, expected):
    """Assert that outputs are equal but for embeddings so close that their distance may underflow to 0."""
    apart = pieces(case, layer_out.astype(np.float64)) - pieces(case, expected.astype(np.float64))
    most = distance_error(0.0, case.emb_space.shape[1], case.lookup_ord, rounding(case.x.dtype))
    assert (np.linalg.norm(apart, case.lookup_ord, axis=-1) <= most).all()


@verify("VQ-2.4", "VQ-2.5", "VQ-14.1", case=strategies.cases)
def test_each_output_piece_is_the_indexed_row_bit_for_bit(implementation, case):
    result = implementation.quantize(case)
    assert result.layer_out.dtype == case.x.dtype
    assert result.layer_out.shape == case.x.shape
    rows = case.emb_space.astype(case.x.dtype)[result.emb_index.reshape(-1)]
    np.testing.assert_array_equal(pieces(case, result.layer_out), rows, strict=True)


@pytest.mark.clause("VQ-2.5")
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_a_zero_comes_out_with_the_sign_that_it_has_in_the_embedding(implementation: Implementation, dtype: str):
    # The first two embeddings are equal, and the first is chosen for both zeros of the input.
    emb_space = np.array([[-0.0, 1.0], [0.0, 1.0], [4.0, -0.0]], comparison_dtype(dtype))
    x = np.array([[[0.0, 1.0], [-0.0, 1.0], [4.0, 0.0]]], dtype)
    signs = np.signbit(implementation.quantize(Case(x=x, emb_space=emb_space, weights={})).layer_out)
    np.testing.assert_array_equal(signs, [[[True, False], [True, False], [False, True]]])


@pytest.mark.clause("VQ-2.7")
def test_a_coordinate_beyond_the_range_of_x_comes_out_as_infinity(implementation: Implementation) -> None:
    for dtype in {"float16", "bfloat16"}.intersection(implementation.dtypes):
        x = normal(np.ones((1, 1, 3)), dtype)
        emb_space = np.array([[3.4e38, 1, -3.4e38]], np.float32)  # 3.39e38 is the largest bfloat16
        layer_out = implementation.quantize(Case(x=x, emb_space=emb_space, lookup_ord=np.inf, weights={})).layer_out
        np.testing.assert_array_equal(layer_out.astype(np.float64), [[[np.inf, 1, -np.inf]]])


@verify("VQ-2.1", case=strategies.cases)
def test_no_other_row_is_nearer(implementation, case):
    result = implementation.quantize(case)
    chosen = np.take_along_axis(result.distance, result.emb_index[..., np.newaxis], axis=-1)
    # Two ways to compute one distance may part by the error of each.
    error = distance_error(chosen, case.emb_space.shape[1], case.lookup_ord, rounding(case.x.dtype))
    assert (chosen <= result.distance + 2 * error).all()


@pytest.mark.clause("VQ-2.1", "VQ-15.1")
@pytest.mark.parametrize("lookup_ord", [1, 2, np.inf])
def test_the_nearest_is_found_at_magnitudes_whose_distances_just_do_not_overflow(
    implementation: Implementation, lookup_ord: float
) -> None:
    for dtype in {"float64", "float32"}.intersection(implementation.dtypes):
        _, exponent = np.frexp(np.finfo(dtype).max)
        # No sum of all distances overflows, nor under L2 one of squares.
        scale = 2.0 ** float(exponent // 2 - 4 if lookup_ord == 2 else exponent - 6)
        emb_space = scale * np.array([[-1, -1, -1], [1, 1, 1], [0.5, 1, 1]])
        x = scale * np.array([[[0.875, 1, 1]], [[0.625, 1, 1]]])
        case = Case(x=x.astype(dtype), emb_space=emb_space.astype(dtype), lookup_ord=lookup_ord, weights={})
        result = implementation.quantize(case)
        np.testing.assert_array_equal(result.emb_index, [[1], [2]])


@verify("VQ-2.1", "VQ-2.2", "VQ-2.3", case=strategies.exact_cases)
def test_ties_go_to_the_lowest_index(implementation, case):
    result = implementation.quantize(case)
    np.testing.assert_array_equal(result.emb_index, result.distance.argmin(axis=-1))


@verify("VQ-2.2", case=strategies.cases)
def test_the_first_of_equal_rows_is_chosen(implementation, case):
    doubled = replace(case, emb_space=np.concatenate([case.emb_space, case.emb_space]))
    assert (implementation.quantize(doubled).emb_index < len(case.emb_space)).all()


@verify("VQ-2.1", "VQ-2.6", case=strategies.cases)
def test_quantizing_twice_changes_nothing(implementation, case):
    once = implementation.quantize(case).layer_out
    if (once.astype(case.emb_space.dtype) == once).all():
        representable = replace(case, emb_space=case.emb_space.astype(case.x.dtype).astype(case.emb_space.dtype))
        once = implementation.quantize(representable).layer_out
        twice = implementation.quantize(replace(representable, x=once)).layer_out
        assert twice.dtype == once.dtype
        assert_near(representable, twice, once)


@verify("VQ-2.1", "VQ-2.6", case=strategies.cases)
def test_an_input_equal_to_a_row_maps_to_it_at_distance_zero(implementation, case):
    rows = case.emb_space.astype(case.x.dtype)
    inside = replace(case, x=rows[:, np.newaxis], emb_space=rows.astype(case.emb_space.dtype), num_splits=1)
    result = implementation.quantize(inside)
    assert_near(inside, result.layer_out, inside.x)
    assert not np.diagonal(result.distance[:, 0]).any()
    assert not np.take_along_axis(result.distance, result.emb_index[..., np.newaxis], axis=-1).any()


@pytest.mark.clause("VQ-14.2")
@pytest.mark.parametrize("lookup_ord", [1, 2, np.inf])
def test_no_difference_nor_its_square_overflows_in_half_precision(implementation: Implementation, lookup_ord: float):
    embedding = np.array([3, 4]) * 2.0**13  # of norm 5 * 2^13; the largest float16 is just below 8 * 2^13
    emb_space = np.array([embedding * 0, -embedding], np.float32)
    x = embedding.astype(np.float16).reshape(1, 1, 2)
    distance = implementation.quantize(Case(x=x, emb_space=emb_space, lookup_ord=lookup_ord, weights={})).distance
    norm = {1: 7, 2: 5, np.inf: 4}[lookup_ord] * 2.0**13
    np.testing.assert_array_equal(distance, [[[norm, 2 * norm]]])


@pytest.mark.clause("VQ-15.1", "VQ-15.3")
@pytest.mark.parametrize("lookup_ord", [1, 2, np.inf])
def test_rows_far_from_the_origin_map_to_themselves(implementation: Implementation, lookup_ord: float):
    rng = np.random.default_rng(0)
    emb_space = (100 + 0.01 * rng.standard_normal((256, 16))).astype(np.float32)
    result = implementation.quantize(
        Case(x=emb_space[:, np.newaxis], emb_space=emb_space, lookup_ord=lookup_ord, weights={})
    )
    np.testing.assert_array_equal(result.emb_index[:, 0], np.arange(256))


@verify("VQ-4.1", "VQ-4.2", "VQ-4.3", "VQ-14.5", case=strategies.cases)
def test_access_counts_count_the_indices(implementation, case):
    result = implementation.quantize(case)
    assert result.access_count.sum() == len(case.vectors)
    np.testing.assert_array_equal(
        result.access_count, np.bincount(result.emb_index.reshape(-1), minlength=len(case.emb_space))
    )
    with held_to("VQ-4.2", "VQ-14.5"):
        assert result.access_count.dtype in (np.float32, np.float64)


@verify("VQ-1.4", case=strategies.all_cases)
def test_permuting_the_embeddings_permutes_the_distances(implementation, case):
    order = np.random.default_rng(len(case.emb_space)).permutation(len(case.emb_space))
    result = implementation.quantize(case)
    permuted = implementation.quantize(replace(case, emb_space=case.emb_space[order]))
    assert_same_distances(case, permuted.distance, result.distance[..., order])


@verify("VQ-1.3", case=strategies.exact_cases)
def test_splitting_equals_reshaping(implementation, case):
    batch, r, q = case.x.shape
    s = case.num_splits
    reshaped = replace(case, x=case.x.reshape(batch, r * s, q // s), num_splits=1)
    result, expected = implementation.quantize(case), implementation.quantize(reshaped)
    np.testing.assert_array_equal(result.layer_out.reshape(expected.layer_out.shape), expected.layer_out)
    np.testing.assert_array_equal(result.emb_index, expected.emb_index)
    np.testing.assert_array_equal(result.distance, expected.distance)


@verify("VQ-1.1", "VQ-1.2", "VQ-6.1", "VQ-6.2", case=strategies.exact_cases, is_large=lambda _: st.booleans())
def test_a_scale_of_all_coordinates_is_one_of_the_distances(implementation, case, is_large):
    # Powers of 2 round nothing, and leave room for squares; that of float64 is far beyond the range of float32.
    factor = 2.0 ** (_EXPONENTS[case.x.dtype.name] if is_large else -_EXPONENTS[case.x.dtype.name])
    x, emb_space = (rows * rows.dtype.type(factor) for rows in (case.x, case.emb_space))
    result, scaled = implementation.quantize(case), implementation.quantize(replace(case, x=x, emb_space=emb_space))
    np.testing.assert_array_equal(scaled.emb_index, result.emb_index)
    for name in ("distance", "emb_spacing", "emb_closest_spacing"):
        np.testing.assert_array_equal(getattr(scaled, name), factor * getattr(result, name).astype(np.float64))


@verify("VQ-1.1", "VQ-1.2", "VQ-1.4", case=strategies.all_cases)
def test_each_element_of_the_batch_is_quantized_by_itself(implementation, case):
    result = implementation.quantize(case)
    last = implementation.quantize(replace(case, x=case.x[-1:]))
    assert_same_distances(case, last.distance, result.distance[-1:])
    if case.exact:
        np.testing.assert_array_equal(last.layer_out, result.layer_out[-1:])


@verify("VQ-2.4", "VQ-4.3", case=strategies.cases)
def test_an_empty_batch_gives_an_empty_output(implementation, case):
    result = implementation.quantize(replace(case, x=case.x[:0]))
    assert result.layer_out.shape == (0, *case.x.shape[1:])
    assert result.access_count.sum() == 0
