"""The oracle's principal components against closed forms in exact fractions, and what is drawn for them (VQ-8)."""

from fractions import Fraction
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from reference import vector_quantization
from reference.reduction import IDENTITY, fit, projection
from tests.oracle import exact
from tests.oracle.cases import LOOKUP_ORDS
from tests.oracle.rounding import error, once_rounded, roundings, values
from vq_verify.adapters.oracle import Oracle
from vq_verify.comparison.reduction import reduced_distance_error
from vq_verify.protocol import Case
from vq_verify.strategies.reduction import hull_cases, orthogonal_cases, reduced_cases

U = 2.0**-53
TURN = 16 * U  # of the axes of a few rows of small integers: a few roundings
NO_SHRINKING = hypothesis.settings(phases=[hypothesis.Phase.generate], max_examples=10_000)
MODES = ("pca-batch", "pca-emb-space")

Rows = list[list[int]]


def points(least: int, most: int) -> st.SearchStrategy[Rows]:
    """Draw points of the plane with small integer coordinates."""
    return st.lists(st.lists(st.integers(-9, 9), min_size=2, max_size=2), min_size=least, max_size=most)


def array(rows: Any) -> NDArray[np.float64]:
    return np.array(rows, np.float64)


def principal_axes(rows: Rows) -> tuple[list[exact.Vector], Fraction]:
    """Return the two principal axes of points of the plane, and the gap of the squares of their singular values.

    With the sums a, b, c of x^2, x y and y^2 about the mean, the axes are at half the angle of (a - c, 2 b), and the
    squares of the singular values are ``(a + c +- R) / 2``, R the length of that vector. An axis whose value is 0 is 0.
    The gap is in units of ``a + c``; without a gap the axes are whatever they are.
    """
    mean = [sum(map(Fraction, column)) / len(rows) for column in zip(*rows, strict=True)]
    centred = [exact.difference(list(map(Fraction, row)), mean) for row in rows]
    a, b, c = (sum((row[i] * row[k] for row in centred), Fraction(0)) for i, k in ((0, 0), (0, 1), (1, 1)))
    gap = exact.root((a - c) ** 2 + 4 * b**2)
    if gap == 0:
        return [[Fraction(0)] * 2] * 2, Fraction(0)
    cosine, sine = (exact.root((1 + sign * (a - c) / gap) / 2) for sign in (1, -1))
    sine = -sine if b < 0 else sine
    second = [-sine, cosine] if a * c != b * b else [Fraction(0)] * 2
    return [[cosine, sine], second], gap / (a + c)


def dot(vector: exact.Vector, other: exact.Vector) -> Fraction:
    return sum((x * y for x, y in zip(vector, other, strict=True)), Fraction(0))


@pytest.mark.clause("VQ-8.4", "VQ-8.5")
@given(emb_space=points(3, 5), vectors=points(1, 3), mode=st.sampled_from(MODES), components=st.sampled_from([1, 2]))
def test_distances_in_the_plane_are_those_along_the_axes_in_closed_form(
    emb_space: Rows, vectors: Rows, mode: str, components: int
) -> None:
    axes, gap = principal_axes(emb_space + vectors if mode == "pca-batch" else emb_space)
    for lookup_ord in LOOKUP_ORDS if gap else ():
        distance = vector_quantization(
            array([vectors]),
            array(emb_space),
            lookup_ord=lookup_ord,
            dim_reduction=mode,
            num_dim_reduction_components=components,
        ).distance
        expected = [
            [
                exact.norm(
                    [dot([Fraction(x - y) for x, y in zip(v, e, strict=True)], axis) for axis in axes[:components]],
                    lookup_ord,
                )
                for e in emb_space
            ]
            for v in vectors
        ]
        # The matrix of a, b, c, of norm a + c at most, is off by twice 20 N d roundings, as in vq_verify.comparison:
        # the axes turn by that over the gap, and no difference is longer than 26. The same again
        # for what is not the axes.
        bound = 26 * components * (1 + 1 / gap) * roundings(2 * 20 * 8 * 2)
        assert error(distance, [expected], scale=Fraction(1)) <= bound


@pytest.mark.clause("VQ-8.4")
@given(rows=points(2, 7))
def test_the_mean_is_rounded_once(rows: Rows) -> None:
    expected = [sum(map(Fraction, column)) / len(rows) for column in zip(*rows, strict=True)]
    assert values(fit(array(rows), 1, U).mean) == once_rounded(expected)


@pytest.mark.clause("VQ-8.5")
def test_a_worked_reduction() -> None:
    # About their mean (1, 2) the embeddings lie at +-(3, 4) and +-(4, -3) / 5: the first axis is (3, 4) / 5. The input
    # is at (5, 0) from the mean, so at 3 along it; the embeddings at 5, -5, 0, 0.
    emb_space = array([[4, 6], [-2, -2], [1.8, 1.4], [0.2, 2.6]])
    result = vector_quantization(
        array([[[6, 2]]]), emb_space, alpha=1, dim_reduction="pca-emb-space", num_dim_reduction_components=1
    )
    np.testing.assert_allclose(result.distance, [[[2, 8, 3, 3]]], rtol=8 * U)
    assert result.emb_index.tolist() == [[0]]
    assert result.losses["alpha_loss"] == np.sqrt(20)  # in the full space
    assert result.emb_spacing[0] == 10


@pytest.mark.clause("VQ-8.9")
def test_a_worked_beta_gradient() -> None:
    # One axis, (3, 4) / 5; along it the embeddings lie at 2, -8, -3, -3 from the input: the signs of these pull.
    emb_space = array([[4, 6], [-2, -2], [1.8, 1.4], [0.2, 2.6]])
    case = Case(
        x=array([[[6, 2]]]),
        emb_space=emb_space,
        weights={"beta_loss": 5},
        dim_reduction="pca-emb-space",
        num_dim_reduction_components=1,
    )
    gradient = Oracle().gradients(case, np.zeros_like(case.x)).losses_to_emb_space["beta_loss"]
    np.testing.assert_allclose(gradient, [[3, 4], [-3, -4], [-3, -4], [-3, -4]], rtol=8 * U)


@pytest.mark.clause("VQ-8.6")
@pytest.mark.parametrize("unit", [2.0**-24, 2.0**-53])
@pytest.mark.parametrize(("number", "d"), [(4, 2), (4, 7), (8, 2)])
def test_an_axis_below_the_larger_size_times_the_roundoff_is_null(unit: float, number: int, d: int) -> None:
    size = max(number, d)
    for s, is_null in (((size - 0.5) * unit, True), ((size + 0.5) * unit, False)):
        rows = np.zeros((number, d))
        rows[:4, :2] = [[1, 0], [-1, 0], [0, s], [0, -s]]
        axes = fit(rows, 2, unit).axes
        assert axes is not None
        np.testing.assert_allclose(np.abs(axes[:2]), [[1, 0], [0, 1 - is_null]], atol=TURN)
        assert axes[:, 1].any() != is_null


@pytest.mark.clause("VQ-8.6")
def test_on_a_null_axis_and_where_all_rows_are_equal_everything_projects_to_zero() -> None:
    line = fit(array([[1, 3], [2, 6], [4, 12]]) + 2.0**20, 2, U)
    assert (line.apply(array([[5, -9], [0, 3]]))[:, 1] == 0).all()
    same = fit(np.full((3, 2), 0.1), 2, U)
    assert (same.apply(array([[5, -9], [0, 3]])) == 0).all()


@pytest.mark.clause("VQ-8.5")
def test_projecting_and_back_is_the_part_along_the_axes() -> None:
    fitted = fit(array([[3, 1], [-1, 1], [1, 2], [1, 0]]), 1, U)
    np.testing.assert_allclose(np.abs(fitted.apply(array([[6, 7]]))), [[5]], atol=8 * TURN)
    np.testing.assert_allclose(fitted.pull_back(fitted.apply(array([[6, 7]]))), [[5, 0]], atol=8 * TURN)


@pytest.mark.clause("VQ-8.17")
@pytest.mark.parametrize(("number", "d", "components"), [(3, 2, 3), (3, 5, 3), (2, 2, 2), (1, 1, 1)])
def test_more_components_than_the_rows_can_have_are_refused(number: int, d: int, components: int) -> None:
    rows = np.arange(float(number * d)).reshape(number, d)
    with pytest.raises(
        ValueError, match=rf"`num_dim_reduction_components`.*Received: {components} with d={d} and {number} rows"
    ):
        fit(rows, components, U)
    if min(d, number - 1):
        fit(rows, min(d, number - 1), U)


@pytest.mark.clause("VQ-8.1", "VQ-8.2", "VQ-8.3", "VQ-13.13")
def test_a_fit_is_on_the_finite_embeddings_and_for_a_batch_on_the_finite_vectors_too() -> None:
    emb_space = array([[0, 0], [np.nan, 9], [0, 2]])
    vectors = array([[[9, 1], [np.inf, 0], [-9, 1]]])
    alone, batch = (projection(vectors, emb_space, mode, 1, U) for mode in reversed(MODES))
    assert alone.axes is not None
    assert batch.axes is not None
    assert alone.mean.tolist() == batch.mean.tolist() == [0, 1]
    np.testing.assert_allclose(np.abs(alone.axes), [[0], [1]], atol=TURN)
    np.testing.assert_allclose(np.abs(batch.axes), [[1], [0]], atol=TURN)
    assert np.isnan(alone.apply(emb_space)).tolist() == [[False], [True], [False]]
    assert projection(vectors, emb_space, None, -1, U) is IDENTITY


@pytest.mark.clause("VQ-16.2", "VQ-16.3", "VQ-16.17", "VQ-16.18")
@pytest.mark.parametrize(
    ("mode", "components", "raised", "message"),
    [
        ("pca", 1, ValueError, r"'pca-batch' or 'pca-emb-space'. Received: dim_reduction='pca'"),
        (1, 1, TypeError, r"`dim_reduction` must be None or a string. Received: dim_reduction=1"),
        ("pca-batch", 0, ValueError, r"greater than 0. Received: num_dim_reduction_components=0"),
        ("pca-batch", -1, ValueError, r"greater than 0. Received: num_dim_reduction_components=-1"),
        ("pca-batch", 1.0, TypeError, r"`num_dim_reduction_components` must be an integer. Received: .*=1.0"),
        ("pca-emb-space", 2, ValueError, r"min\(d, fitted rows - 1\). Received: 2 with d=2 and 2 rows"),
    ],
)
def test_a_wrong_reduction_is_named_with_its_rule_and_value(
    mode: Any, components: Any, raised: type[Exception], message: str
) -> None:
    with pytest.raises(raised, match=message):
        vector_quantization(np.ones((1, 2, 2)), np.eye(2), dim_reduction=mode, num_dim_reduction_components=components)


@given(case=reduced_cases(Oracle()))
def test_the_spectra_drawn_leave_errors_of_a_few_roundings(case: Case) -> None:
    distance = Oracle().quantize(case).distance
    size = np.abs(case.vectors).max() + np.abs(case.emb_space).max()
    # In float64, a singular value of 0 does not come out as surely null. Where all is 0, flushes are all there is.
    if case.x.dtype != np.float64 and size > 0:
        assert (reduced_distance_error(case, distance) <= 40 * 2.0**-24 * size).all()


@pytest.mark.parametrize(
    "promise",
    [
        lambda case: len(case.emb_space) == 1,
        lambda case: case.emb_space.shape[1] == 1,
        lambda case: (case.vectors[:, np.newaxis] == case.emb_space).all(axis=-1).any() and case.emb_space.any(),
        lambda case: case.num_dim_reduction_components > np.linalg.matrix_rank(case.emb_space - case.emb_space[0]) > 0,
        lambda case: case.num_dim_reduction_components < np.linalg.matrix_rank(case.emb_space - case.emb_space[0]),
        lambda case: 1e4 > np.abs(case.emb_space).min() > 3 * np.ptp(case.emb_space, axis=0).max() > 0,
    ],
    ids=["n = 1", "d = 1", "an input equal to an embedding", "null axes", "a cut", "far from 0"],
)
def test_what_is_promised_is_drawn(promise: Any) -> None:
    hypothesis.find(reduced_cases(Oracle()), promise, settings=NO_SHRINKING)


@pytest.mark.parametrize(
    ("strategy", "promise"),
    [
        (orthogonal_cases, lambda drawn: not drawn.axes.any()),
        (orthogonal_cases, lambda drawn: drawn.axes.shape[1] > drawn.case.num_dim_reduction_components),
        (orthogonal_cases, lambda drawn: drawn.axes.shape[1] < drawn.axes.shape[0]),
        (hull_cases, lambda drawn: drawn.rank < drawn.case.num_dim_reduction_components),
        (hull_cases, lambda drawn: drawn.rank > 0 and (drawn.distance == 0).all(axis=-1).any()),
        (hull_cases, lambda drawn: drawn.rank == drawn.case.emb_space.shape[1] > 1),
    ],
    ids=["all equal", "null axes", "a cut", "a flat", "inputs off a flat", "a full space"],
)
def test_what_is_promised_of_known_axes_is_drawn(strategy: Any, promise: Any) -> None:
    hypothesis.find(strategy(Oracle()), promise, settings=NO_SHRINKING)
