"""Laws of the lookup in a space of principal components, for every implementation (VQ-8)."""

from dataclasses import replace

import numpy as np
import pytest

from vq_verify.comparison import assert_within, exact_distances, rounding
from vq_verify.comparison.reduction import (
    reduced_beta_gradient_error,
    reduced_distance_error,
    reduced_similarity_error,
)
from vq_verify.protocol import Case
from vq_verify.strategies.reduction import as_cosine, hull_cases, orthogonal_cases, orthogonal_cosine_cases
from vq_verify.verify import verify


@verify(
    "VQ-8.1", "VQ-8.2", "VQ-8.3", "VQ-8.4", "VQ-8.5", "VQ-8.6", "VQ-8.7", "VQ-8.8", "VQ-13.13", drawn=orthogonal_cases
)
def test_rows_in_pairs_on_orthogonal_lines_are_projected_on_these_wherever_they_lie(implementation, drawn):
    exact = exact_distances(drawn.vectors, drawn.emb_space, drawn.case.lookup_ord)
    exact = exact.reshape(len(drawn.case.x), -1, len(drawn.emb_space))
    error = reduced_distance_error(drawn.case, exact) + rounding(drawn.case.x.dtype).smallest_normal / drawn.scale
    distance = implementation.quantize(drawn.scaled).distance
    assert_within(distance[drawn.finite] / drawn.scale, exact, error, "distance")
    if not drawn.axes.any():  # all fitted rows are equal
        assert not distance[drawn.finite].any()
    assert np.isnan(np.delete(distance, drawn.finite, axis=0)).all()


@verify(
    "VQ-8.1",
    "VQ-8.2",
    "VQ-8.3",
    "VQ-8.4",
    "VQ-8.5",
    "VQ-8.6",
    "VQ-8.7",
    "VQ-8.10",
    "VQ-13.13",
    drawn=orthogonal_cosine_cases,
)
def test_similarity_is_that_of_the_projections_from_the_mean_at_any_scale(implementation, drawn):
    known, case = drawn
    lengths = np.outer(*(np.linalg.norm(rows, axis=-1) for rows in (known.vectors, known.emb_space)))
    similarity = known.vectors @ known.emb_space.T / np.where(lengths == 0, 1, lengths)
    values = implementation.quantize_cosine(case).similarity_values.reshape(len(case.x), -1)
    error = reduced_similarity_error(as_cosine(known.case)).max(axis=-1)
    assert_within(values[known.finite].reshape(-1), similarity.max(axis=-1), error, "similarity_values")
    if not known.axes.any():
        assert not values[known.finite].any()
    assert np.isnan(np.delete(values, known.finite, axis=0)).all()


@verify("VQ-3.1", "VQ-3.2", "VQ-5.10", "VQ-8.9", drawn=orthogonal_cases)
def test_no_loss_reaches_x_and_the_beta_loss_pulls_along_the_axes_only(implementation, drawn):
    gradients = implementation.gradients(drawn.scaled, np.ones_like(drawn.scaled.x))
    assert (gradients.output_to_x == 1).all()
    assert not gradients.output_to_emb_space.any()
    assert list(gradients.losses_to_x) == drawn.scaled.losses
    assert not any(gradient.any() for gradient in gradients.losses_to_x.values())
    gradient = gradients.losses_to_emb_space["beta_loss"]
    across = gradient - gradient @ drawn.axes @ drawn.axes.T
    # The length of a bound on the coordinates bounds what is left of them.
    assert (np.linalg.norm(across, axis=-1) <= np.linalg.norm(reduced_beta_gradient_error(drawn.case), axis=-1)).all()


@verify("VQ-8.6", drawn=hull_cases)
def test_components_beyond_the_rank_of_the_fitted_rows_are_null(implementation, drawn):
    case = replace(drawn.case, num_dim_reduction_components=max(drawn.rank, 1))
    error = reduced_distance_error(case, drawn.distance)
    assert_within(implementation.quantize(drawn.case).distance, drawn.distance, error, "distance")


@pytest.mark.clause("VQ-8.6")
@pytest.mark.parametrize(("dtype", "n", "d"), [("float32", 4, 8), ("float64", 8, 2)])
def test_an_axis_is_null_below_the_larger_size_times_the_roundoff_of_the_comparison_dtype(implementation, dtype, n, d):
    unit = rounding(dtype).unit
    # The singular values are 1 and s, times root 2: the second is null for s < 8 u.
    for s, across in ((6 * unit, 0), (10 * unit, 1)):
        emb_space, x = np.zeros((n, d), dtype), np.zeros((1, 1, d), dtype)
        emb_space[:4, :2], x[..., 1] = [[1, 0], [-1, 0], [0, s], [0, -s]], 1
        case = Case(
            x=x,
            emb_space=emb_space,
            lookup_ord=np.inf,
            dim_reduction="pca-emb-space",
            num_dim_reduction_components=2,
            weights={},
        )
        distance = implementation.quantize(case).distance[0, 0]
        # Distances are off by s at most, and by a few roundings.
        np.testing.assert_allclose(distance, [1, 1, *[across] * (n - 2)], atol=16 * unit)


@pytest.mark.clause("VQ-8.6")
def test_rows_on_a_line_far_from_zero_have_one_axis(implementation):
    far = 2.0**20  # a mean near it, of three rows, is off by more than the roundoff of the differences
    emb_space, x = np.array([[1, 3], [2, 6], [4, 12]]) + far, np.array([[[5, -9]]]) + far
    case = Case(
        x=x,
        emb_space=emb_space,
        lookup_ord=1,
        dim_reduction="pca-emb-space",
        num_dim_reduction_components=2,
        weights={},
    )
    # Along (1, 3) / root 10 the input is at -22 / root 10. Some tens of roundings, on lengths up to 20.
    expected = (np.array([10, 20, 40]) + 22) / np.sqrt(10)
    np.testing.assert_allclose(implementation.quantize(case).distance[0, 0], expected, rtol=64 * 2.0**-53)


@pytest.mark.clause("VQ-8.2", "VQ-8.5")
@pytest.mark.parametrize("scale", [2.0**900, 2.0**-900])
def test_the_axes_are_found_where_squares_overflow_or_underflow(implementation, scale):
    emb_space, x = np.array([[-1, 3], [1, -3], [6, 2], [-6, -2]]) * scale, np.array([[[1, 2]]]) * scale
    case = Case(
        x=x,
        emb_space=emb_space,
        lookup_ord=1,
        dim_reduction="pca-emb-space",
        num_dim_reduction_components=1,
        weights={},
    )
    # Along (3, 1) / root 10 the input is at 5 / root 10, the embeddings at 0, 0, 20, -20. Some tens of roundings.
    distance = implementation.quantize(case).distance[0, 0] / scale
    np.testing.assert_allclose(distance, np.array([5, 5, 15, 25]) / np.sqrt(10), rtol=64 * 2.0**-53)


@pytest.mark.clause("VQ-2.2", "VQ-2.6")
@pytest.mark.parametrize("dim_reduction", ["pca-batch", "pca-emb-space"])
def test_rows_of_many_coordinates_map_to_the_first_that_equals_them_at_distance_zero(implementation, dim_reduction):
    # Of sizes at which a matrix product rounds a row by its position.
    emb_space = np.random.default_rng(0).standard_normal((12, 100))
    emb_space = np.concatenate([emb_space, emb_space[3:4]])
    x = emb_space[8:, np.newaxis]
    case = Case(x=x, emb_space=emb_space, dim_reduction=dim_reduction, num_dim_reduction_components=3, weights={})
    result = implementation.quantize(case)
    assert result.emb_index[:, 0].tolist() == [8, 9, 10, 11, 3]
    assert not result.distance[range(5), 0, [8, 9, 10, 11, 3]].any()
    assert result.distance[4, 0, 12] == 0


@pytest.mark.clause("VQ-4.3", "VQ-5.11", "VQ-8.1", "VQ-8.2")
@pytest.mark.parametrize("dim_reduction", ["pca-batch", "pca-emb-space"])
def test_an_empty_batch_gives_an_empty_output(implementation, dim_reduction):
    emb_space, x = np.array([[1, 2], [-1, 3], [4, 0]], np.float32), np.zeros((0, 3, 2), np.float32)
    case = Case(x=x, emb_space=emb_space, dim_reduction=dim_reduction, num_dim_reduction_components=1)
    result = implementation.quantize(case)
    assert (result.layer_out.shape, result.distance.shape) == (x.shape, (0, 3, 3))
    assert not result.access_count.any()
    assert (result.losses["alpha_loss"], result.losses["beta_loss"]) == (0, 0)


@pytest.mark.clause("VQ-8.3", "VQ-13.17")
@pytest.mark.parametrize("dim_reduction", ["pca-batch", "pca-emb-space"])
def test_an_embedding_that_is_not_finite_is_left_out_of_the_fit(implementation, dim_reduction):
    emb_space = np.array([[1, 2], [-1, 3], [np.nan, 1], [4, 0]], np.float32)
    x = np.array([[[0, 1], [2, 2], [-1, 3]]], np.float32)
    case = Case(x=x, emb_space=emb_space, dim_reduction=dim_reduction, num_dim_reduction_components=1, weights={})
    clean = replace(case, emb_space=emb_space[[0, 1, 3]])
    result, expected = implementation.quantize(case), implementation.quantize(clean)
    assert np.isnan(result.distance[..., 2]).all()
    error = 2 * reduced_distance_error(clean, expected.distance)
    assert_within(result.distance[..., [0, 1, 3]], expected.distance, error, "distance")


@pytest.mark.clause("VQ-6.4", "VQ-8.8", "VQ-8.13", "VQ-8.14")
@pytest.mark.parametrize("dim_reduction", ["pca-batch", "pca-emb-space"])
def test_spacing_and_alpha_loss_are_those_of_the_full_space(implementation, dim_reduction):
    # One axis, the first: along it the input is nearest to the embedding that lies 5 off.
    emb_space = np.array([[16, 0], [-16, 0], [1, 5], [-1, 5], [0, -10]], np.float32)
    case = Case(
        x=np.array([[[1, 0]]], np.float32),
        emb_space=emb_space,
        lookup_ord=1,
        weights={"alpha_loss": 2, "coulomb_loss": 3},
        dim_reduction=dim_reduction,
        num_dim_reduction_components=1,
    )
    result = implementation.quantize(case)
    assert result.emb_index == [[2]]
    assert result.losses == {"alpha_loss": 2 * 5, "coulomb_loss": -3 * (20 + 20 + 2 + 2 + 16)}
    np.testing.assert_array_equal(result.emb_spacing, [32, 20, 22, 26, 22, 20, 26, 2, 16, 16])
