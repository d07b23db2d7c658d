"""Laws of vectors and embeddings that are not finite, for every implementation (VQ-13)."""

from dataclasses import replace

import numpy as np
import pytest

from vq_verify.comparison import (
    assert_within,
    commitment_gradient,
    loss_gradient_intervals,
    rounding,
    square_loss,
    weighted_sum_error,
)
from vq_verify.offers import offered
from vq_verify.protocol import Case, Implementation, Quantized
from vq_verify.strategies import training
from vq_verify.verify import verify

SQUARES = ("codebook_loss", "commitment_loss")


def rows(case, result):
    """Return output, distances and indices, a row a vector."""
    n, d = case.emb_space.shape
    return result.layer_out.reshape(-1, d), result.distance.reshape(-1, n), result.emb_index.reshape(-1)


def broken(case, kept):
    """Return the embedding space with NaN or an infinity in one coordinate of each row that is not kept."""
    emb_space = case.emb_space.copy()
    for i in np.flatnonzero(~kept):
        emb_space[i, i % emb_space.shape[1]] = (np.nan, np.inf, -np.inf)[i % 3]
    return emb_space


def without(case, whole, kept):
    """Return what is left of a result when only some embeddings are kept: NaN in the place of the others."""
    distance = np.where(kept, whole.distance, np.nan)
    emb_index = np.nanargmin(distance, axis=-1)
    n, (i, j) = len(kept), np.triu_indices(len(kept), k=1)
    spacing = np.full((n, n), np.inf)  # inf: no pair, so that the minimum passes over it
    spacing[i, j] = spacing[j, i] = np.where(kept[i] & kept[j], whole.emb_spacing, np.inf)
    closest = np.where(np.isinf(spacing).all(axis=-1), 0, spacing.min(axis=-1))
    return Quantized(
        layer_out=case.emb_space.astype(case.x.dtype)[emb_index].reshape(case.x.shape),
        emb_index=emb_index,
        access_count=np.bincount(emb_index.reshape(-1), minlength=n),
        distance=distance,
        emb_spacing=np.where(np.isinf(spacing[i, j]), np.nan, spacing[i, j]),
        emb_closest_spacing=np.where(kept, closest, np.nan),
        losses={
            "alpha_loss": case.alpha * np.nanmin(distance, axis=-1).astype(np.float64).mean(),
            "beta_loss": case.beta * np.nansum(distance, axis=-1, dtype=np.float64).mean(),
            "coulomb_loss": -case.gamma * np.sum(closest, where=kept, dtype=np.float64),
            **{name: square_loss(case, emb_index, case.weights[name])[0] for name in SQUARES if name in case.weights},
        },
    )


def assert_same_losses(case, losses, expected):
    """Compare losses whose terms are the same numbers, apart from terms 0, but may be summed in another way."""
    # 3 for a mean over two axes, and 1 since the bound is of the exact sum, not of `expected`.
    terms = case.vectors.size + len(case.emb_space) + 4
    assert list(losses) == case.losses
    for name, loss in losses.items():
        bound = 2 * weighted_sum_error(expected[name], 0, terms, rounding(case.x.dtype))
        assert_within(loss, expected[name], bound, name)


def assert_gradients(case, gradients, emb_index, kept=slice(None), counted=slice(None)):
    """Require gradients to the kept embeddings and the counted vectors to be those of the case, and no others."""
    enclosures = loss_gradient_intervals(case, emb_index)
    for name, gradient in gradients.losses_to_emb_space.items():
        assert enclosures[name].contains(gradient[kept]).all(), (name, gradient, enclosures[name])
        assert np.count_nonzero(gradient) == np.count_nonzero(gradient[kept])
    for name, gradient in gradients.losses_to_x.items():
        if name == "commitment_loss":
            to_vectors = gradient.reshape(-1, case.emb_space.shape[1])
            assert_within(to_vectors[counted].reshape(case.x.shape), *commitment_gradient(case, emb_index), name)
            assert np.count_nonzero(gradient) == np.count_nonzero(to_vectors[counted])
        else:
            assert not gradient.any()


@verify("VQ-13.1", "VQ-13.2", "VQ-13.3", "VQ-13.4", "VQ-13.5", "VQ-13.9", drawn=training.exact_interrupted_cases)
def test_a_vector_that_is_not_finite_comes_out_as_nan_and_all_others_as_if_it_were_not_there(implementation, drawn):
    result, expected = implementation.quantize(drawn.interrupted), implementation.quantize(drawn.case)
    for value, alone in zip(rows(drawn.case, result), rows(drawn.case, expected), strict=True):
        np.testing.assert_array_equal(value[drawn.finite], alone, strict=True)
    layer_out, distance, emb_index = (value[~drawn.finite] for value in rows(drawn.case, result))
    assert np.isnan(layer_out).all()
    assert np.isnan(distance).all()
    assert (emb_index == -1).all()
    for name in ("access_count", "emb_spacing", "emb_closest_spacing"):
        np.testing.assert_array_equal(getattr(result, name), getattr(expected, name), strict=True)
    assert_same_losses(drawn.interrupted, result.losses, expected.losses)


@verify("VQ-3.2", "VQ-13.4", "VQ-13.5", "VQ-13.7", "VQ-13.8", drawn=training.interrupted_cases)
def test_it_is_not_counted_moves_no_embedding_and_passes_its_own_gradient_on(implementation, drawn):
    upstream = np.arange(drawn.interrupted.x.size).reshape(drawn.interrupted.x.shape) % 5
    gradients = implementation.gradients(drawn.interrupted, upstream.astype(drawn.case.x.dtype))
    result = implementation.quantize(drawn.interrupted)
    assert result.access_count.sum() == drawn.finite.sum()
    assert_gradients(drawn.case, gradients, result.emb_index.reshape(-1)[drawn.finite], counted=drawn.finite)
    np.testing.assert_array_equal(gradients.output_to_x, upstream)
    assert not gradients.output_to_emb_space.any()  # nor NaN


@verify("VQ-13.16", "VQ-13.17", "VQ-13.18", "VQ-13.22", "VQ-13.24", drawn=training.cases_with_broken_embeddings)
def test_an_embedding_that_is_not_finite_is_never_chosen_and_takes_no_part(implementation, drawn):
    case, kept = drawn
    expected = without(case, implementation.quantize(case), kept)
    result = implementation.quantize(replace(case, emb_space=broken(case, kept)))
    for name in Quantized._fields[:-1]:
        np.testing.assert_array_equal(getattr(result, name), getattr(expected, name))
    assert_same_losses(case, result.losses, expected.losses)


@verify("VQ-3.2", "VQ-13.7", "VQ-13.23", drawn=training.cases_with_broken_embeddings)
def test_an_embedding_that_is_not_finite_gets_no_gradient_and_changes_none(implementation, drawn):
    case, kept = drawn
    with_broken = replace(case, emb_space=broken(case, kept))
    upstream = np.ones_like(case.x)
    gradients = implementation.gradients(with_broken, upstream)
    emb_index = (np.cumsum(kept) - 1)[implementation.quantize(with_broken).emb_index]
    assert_gradients(replace(case, emb_space=case.emb_space[kept]), gradients, emb_index, kept)
    np.testing.assert_array_equal(gradients.output_to_x, upstream)
    assert not gradients.output_to_emb_space.any()


@pytest.mark.clause("VQ-6.3", "VQ-13.18", "VQ-13.24")
@pytest.mark.parametrize(
    ("emb_space", "closest"), [([[np.nan]], [np.nan]), ([[np.inf], [3], [np.nan]], [np.nan, 0, np.nan])]
)
def test_the_closest_spacing_of_what_is_not_finite_is_nan_and_that_of_the_only_finite_embedding_0(
    implementation: Implementation, emb_space: list[list[float]], closest: list[float]
) -> None:
    case = Case(x=np.ones((1, 1, 1), np.float32), emb_space=np.array(emb_space, np.float32), weights={})
    np.testing.assert_array_equal(implementation.quantize(case).emb_closest_spacing, closest)


@pytest.mark.clause("VQ-13.16", "VQ-15.5")
@pytest.mark.parametrize("lookup_ord", [1, 2, np.inf])
def test_an_embedding_too_far_for_its_distance_is_chosen_before_one_that_is_not_finite(
    implementation: Implementation, lookup_ord: float
) -> None:
    for dtype in {"float64", "float32"}.intersection(implementation.dtypes):
        largest = np.finfo(dtype).max
        emb_space = np.array([[np.nan], [largest], [np.inf]], dtype)
        case = Case(x=np.array([[[-largest]]], dtype), emb_space=emb_space, lookup_ord=lookup_ord, weights={})
        with np.errstate(over="ignore"):
            assert implementation.quantize(case).emb_index == 1


@pytest.mark.clause("VQ-3.2", "VQ-13.6", "VQ-13.8", "VQ-13.23", "VQ-13.25", "VQ-18.6", "VQ-18.11")
@pytest.mark.parametrize("lookup_ord", [1, 2, np.inf])
def test_where_no_embedding_is_finite_no_vector_finds_one(implementation: Implementation, lookup_ord: float) -> None:
    x, emb_space = np.array([[[1.0, 0.0]], [[np.inf, 0.0]]]), np.array([[np.nan, 1.0], [-np.inf, 0.0]])
    case = Case(x=x, emb_space=emb_space, lookup_ord=lookup_ord)
    case = case.weighted(**dict.fromkeys(offered(implementation, "losses", SQUARES), 0.5))
    result, gradients = implementation.quantize(case), implementation.gradients(case, np.ones_like(case.x))
    assert np.isnan(result.layer_out).all()
    assert (result.emb_index == -1).all()
    assert not result.access_count.any()
    assert not any(result.losses.values())
    assert not any(gradient.any() for gradient in gradients.losses_to_emb_space.values())
    assert not any(gradient.any() for gradient in gradients.losses_to_x.values())
    np.testing.assert_array_equal(gradients.output_to_x, np.ones_like(case.x))
    assert not gradients.output_to_emb_space.any()
