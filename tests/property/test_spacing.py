"""Laws of the spacing, for every implementation (VQ-6)."""

from dataclasses import replace

import numpy as np

from vq_verify import strategies
from vq_verify.comparison import assert_same_distances, distance_error, rounding
from vq_verify.verify import verify


def square(case, emb_spacing):
    """Put the triangle back into a symmetric matrix, ``[n, n]``."""
    n = len(case.emb_space)
    matrix = np.zeros((n, n))
    matrix[np.triu_indices(n, k=1)] = emb_spacing
    return matrix + matrix.T


@verify("VQ-6.1", case=strategies.all_cases)
def test_spacing_is_the_triangle_of_the_distances_of_the_embeddings(implementation, case):
    spacing = square(case, implementation.quantize(case).emb_spacing)
    rows = case.emb_space.astype(case.x.dtype)
    among = replace(case, x=rows[:, np.newaxis], emb_space=rows.astype(case.emb_space.dtype), num_splits=1)
    if (among.emb_space == case.emb_space).all():
        assert_same_distances(case, implementation.quantize(among).distance[:, 0], spacing)


@verify("VQ-1.1", "VQ-6.1", case=strategies.cases)
def test_spacing_obeys_the_triangle_inequality(implementation, case):
    spacing = square(case, implementation.quantize(case).emb_spacing)
    detour = (spacing[:, :, np.newaxis] + spacing[np.newaxis]).min(axis=1)
    # Each of the three sides has its own error, at most that of the longest.
    error = 3 * distance_error(2 * spacing.max(), case.emb_space.shape[1], case.lookup_ord, rounding(case.x.dtype))
    assert (spacing <= detour + error).all()


@verify("VQ-6.2", case=strategies.cases)
def test_closest_spacing_is_the_least_spacing_to_another(implementation, case):
    result = implementation.quantize(case)
    spacing = square(case, result.emb_spacing)
    np.fill_diagonal(spacing, np.inf)
    expected = spacing.min(axis=1) if len(spacing) > 1 else np.zeros(1)
    np.testing.assert_array_equal(result.emb_closest_spacing, expected)


@verify("VQ-6.1", "VQ-6.2", case=strategies.cases)
def test_spacing_does_not_depend_on_the_inputs(implementation, case):
    result = implementation.quantize(case)
    other = implementation.quantize(replace(case, x=np.zeros_like(case.x)))
    np.testing.assert_array_equal(other.emb_spacing, result.emb_spacing)
    np.testing.assert_array_equal(other.emb_closest_spacing, result.emb_closest_spacing)


@verify("VQ-6.3", case=strategies.cases)
def test_a_single_embedding_has_no_spacing(implementation, case):
    result = implementation.quantize(replace(case, emb_space=case.emb_space[:1]))
    assert result.emb_spacing.shape == (0,)
    np.testing.assert_array_equal(result.emb_closest_spacing, [0])
