"""The oracle's gradients against exact ones, and against exact central differences of the losses."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.gradients import (
    alpha_gradient,
    beta_gradient,
    coulomb_gradient,
    norm_gradient,
    output_gradient_to_x,
)
from tests.oracle import exact
from tests.oracle.cases import EXACT_ORDS, LOOKUP_ORDS, Case, cases, smooth_cases, weights
from tests.oracle.rounding import error, once_rounded, roundings, values

# Roundings of one coordinate of a direction v / ||v||, as the oracle has it, scaled by the largest magnitude: 1 to
# scale, (d + 2) / 2 + 1 for the length (a square counts the scaling twice and rounds, d - 1 additions, a root), 1 for
# the quotient, so 6 for d = 4. A share 1 / k of Linf has 1. A direction of L1 is exact.
DIRECTION = 6

# The step of a difference is far below the gaps that keep smooth cases from a kink (at least 1 / 8, about 1e-5 between
# roots); for L2 the difference is then off by about 1e-30, far below any rounding.
STEP = Fraction(1, 10**15)
CURVATURE = Fraction(1, 10**25)


@pytest.mark.clause("VQ-7.2", "VQ-7.3", "VQ-7.4")
@pytest.mark.parametrize(
    ("lookup_ord", "vector", "expected"),
    [
        (1, [2.0, -3.0, 0.0], [1.0, -1.0, 0.0]),
        (2, [3.0, -4.0, 12.0], [3 / 13, -4 / 13, 12 / 13]),
        (np.inf, [1.0, -3.0, 2.0], [0.0, -1.0, 0.0]),
        (np.inf, [2.0, -2.0, 2.0], [1 / 3, -1 / 3, 1 / 3]),
        (np.inf, [2.0, 1.0, -2.0], [0.5, 0.0, -0.5]),
    ],
)
def test_a_worked_direction(lookup_ord: float, vector: list[float], expected: list[float]) -> None:
    found = norm_gradient(np.array(vector), lookup_ord)
    assert error(found, exact.rationals(expected)) <= roundings(DIRECTION + 1)  # 1 for the expected quotient


@pytest.mark.clause("VQ-7.6")
@pytest.mark.parametrize("lookup_ord", LOOKUP_ORDS)
@pytest.mark.parametrize("d", [1, 4])
def test_the_gradient_of_a_norm_is_zero_at_zero(d: int, lookup_ord: float) -> None:
    assert norm_gradient(np.zeros((2, d)), lookup_ord).tolist() == [[0.0] * d] * 2


@pytest.mark.clause("VQ-7.2", "VQ-7.3", "VQ-7.4")
@given(vectors=st.integers(1, 4).flatmap(lambda d: st.lists(_short_vectors(d), min_size=3, max_size=6)))
def test_directions_are_off_by_no_more_than_their_roundings(vectors: list[list[float]]) -> None:
    for lookup_ord, bound in ((1, 0), (2, roundings(DIRECTION)), (np.inf, roundings(1))):
        expected = [exact.norm_gradient(vector, lookup_ord) for vector in exact.rationals(vectors)]
        assert error(norm_gradient(np.array(vectors), lookup_ord), expected) <= bound


@pytest.mark.clause("VQ-3.1")
@given(st.lists(st.floats(width=32), min_size=4, max_size=4))
def test_the_output_passes_its_gradient_on_to_x_as_it_is(upstream: list[float]) -> None:
    passed = output_gradient_to_x(np.array(upstream).reshape(1, 2, 2))
    assert [it.hex() for it in passed.reshape(-1).tolist()] == [it.hex() for it in upstream]


@pytest.mark.clause("VQ-5.3", "VQ-5.4")
def test_worked_gradients_of_alpha_and_beta_loss() -> None:
    # On a line, embeddings at 0 and 10, vectors at 1, 2, 10 and 12; the first two chose 0, the others 10. Towards the
    # vectors the loss falls: embedding 0 has the directions -1, -1 (and -1, -1), embedding 10 has 0, -1 (and 1, 1).
    vectors, emb_space = np.array([[[1.0], [2.0], [10.0], [12.0]]]), np.array([[0.0], [10.0]])
    alpha = alpha_gradient(vectors, emb_space, np.array([[0, 0, 1, 1]]), 2, 8.0)
    assert alpha.tolist() == [[8 * -2 / 4], [8 * -1 / 4]]
    assert beta_gradient(vectors, emb_space, 2, 8.0).tolist() == [[8 * -4 / 4], [8 * 1 / 4]]


@pytest.mark.clause("VQ-5.5", "VQ-7.7")
@pytest.mark.parametrize("lookup_ord", LOOKUP_ORDS)
def test_a_worked_gradient_of_coulomb_loss_shared_by_a_tie(lookup_ord: float) -> None:
    # On a line at 0, 1, 2. Spacing of 0: to 1, direction -1; of 2: to 1, direction 1. That of 1 ties between both and
    # takes half of each. Rows of d(sum of spacings): 0: -1 - 1/2, 1: (1 - 1) + (1/2 - 1/2), 2: 1 + 1/2.
    gradient = coulomb_gradient(np.array([[0.0], [1.0], [2.0]]), lookup_ord, 4.0)
    assert gradient.tolist() == [[6.0], [0.0], [-6.0]]


@pytest.mark.clause("VQ-5.3", "VQ-5.4", "VQ-7.2")
@given(case=cases(finite=False), weight=weights())
def test_l1_gradients_of_alpha_and_beta_loss_are_exact_up_to_the_quotient_of_the_mean(
    case: Case, weight: float
) -> None:
    vectors, emb_space, exact_weight = case.exact_vectors, case.exact_emb_space, Fraction(weight)
    alpha, beta, _ = _gradients(case, 1, weight)
    assert values(alpha) == once_rounded(exact.alpha_gradient(vectors, emb_space, 1, exact_weight))
    assert values(beta) == once_rounded(exact.beta_gradient(vectors, emb_space, 1, exact_weight))


@pytest.mark.clause("VQ-5.3", "VQ-5.4", "VQ-7.3", "VQ-7.4")
@given(case=cases(finite=False), weight=weights())
def test_l2_and_linf_gradients_of_alpha_and_beta_loss_are_off_by_no_more_than_their_roundings(
    case: Case, weight: float
) -> None:
    vectors, emb_space, exact_weight = case.exact_vectors, case.exact_emb_space, Fraction(weight)
    # A sum of at most M directions (M - 1 additions), each coordinate at most 1, times weight / M (2 roundings).
    bound, scale = roundings(DIRECTION + len(vectors) + 1), abs(exact_weight)
    for lookup_ord in (2, np.inf):
        alpha, beta, _ = _gradients(case, lookup_ord, weight)
        assert error(alpha, exact.alpha_gradient(vectors, emb_space, lookup_ord, exact_weight), scale) <= bound
        assert error(beta, exact.beta_gradient(vectors, emb_space, lookup_ord, exact_weight), scale) <= bound


@pytest.mark.clause("VQ-5.5", "VQ-7.7")
@given(case=cases(finite=False), weight=weights())
def test_gradients_of_coulomb_loss_are_off_by_no_more_than_their_roundings(case: Case, weight: float) -> None:
    # Each of n minima adds directions to a row, in all at most |weight|: n |weight|. A share is a direction times a
    # weight over a count (2 roundings), and comes in by at most 2 n additions.
    n = len(case.exact_emb_space)
    bound, scale = roundings(DIRECTION + 2 + 2 * n), n * abs(Fraction(weight))
    for lookup_ord in LOOKUP_ORDS:
        expected = exact.coulomb_gradient(case.exact_emb_space, lookup_ord, Fraction(weight))
        assert error(coulomb_gradient(case.emb_space, lookup_ord, weight), expected, scale) <= bound


@pytest.mark.clause("VQ-5.3", "VQ-5.4", "VQ-5.5")
@given(case=smooth_cases(), weight=weights())
def test_away_from_kinks_gradients_are_the_central_differences_of_the_losses_under_l1_and_linf(
    case: Case, weight: float
) -> None:
    # The losses are linear there, and only the quotient of the mean rounds.
    for lookup_ord in EXACT_ORDS:
        expected = _central_differences(case, lookup_ord, Fraction(weight))
        assert values(_gradients(case, lookup_ord, weight)) == once_rounded(expected)


@pytest.mark.clause("VQ-5.3", "VQ-5.4", "VQ-5.5")
@given(case=smooth_cases(), weight=weights())
def test_away_from_kinks_gradients_are_close_to_the_central_differences_of_the_losses_under_l2(
    case: Case, weight: float
) -> None:
    found, expected = _gradients(case, 2, weight), _central_differences(case, 2, Fraction(weight))
    # As above, with M = 2 vectors and n <= 3 embeddings: 9 roundings for alpha and beta, 14 for coulomb.
    scale = 3 * abs(Fraction(weight))
    assert error(found, expected, scale) <= roundings(DIRECTION + 2 + 2 * 3) + CURVATURE


@pytest.mark.clause("VQ-13.8", "VQ-13.23")
@pytest.mark.parametrize("lookup_ord", LOOKUP_ORDS)
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_changes_no_gradient(broken: float, lookup_ord: float) -> None:
    # On a line: vectors at 1 and broken, embeddings at 0, broken, 4. Only what is at 0, 1 and 4 has a direction.
    vectors, emb_space = np.array([[[1.0], [broken]]]), np.array([[0.0], [broken], [4.0]])
    assert alpha_gradient(vectors, emb_space, np.array([[0, -1]]), lookup_ord, 2.0).tolist() == [[-2], [0], [0]]
    assert beta_gradient(vectors, emb_space, lookup_ord, 2.0).tolist() == [[-2], [0], [2]]
    assert coulomb_gradient(emb_space, lookup_ord, 2.0).tolist() == [[4], [0], [-4]]


@pytest.mark.clause("VQ-5.11", "VQ-7.1")
@pytest.mark.parametrize("lookup_ord", LOOKUP_ORDS)
def test_without_vectors_or_other_embeddings_gradients_are_zero(lookup_ord: float) -> None:
    vectors, emb_space = np.empty((0, 3, 2)), np.ones((1, 2))
    assert alpha_gradient(vectors, emb_space, np.empty((0, 3), np.int64), lookup_ord, 1.0).tolist() == [[0, 0]]
    assert beta_gradient(vectors, emb_space, lookup_ord, 1.0).tolist() == [[0, 0]]
    assert coulomb_gradient(emb_space, lookup_ord, 1.0).tolist() == [[0, 0]]


@pytest.mark.clause("VQ-7.6")
@pytest.mark.parametrize("lookup_ord", LOOKUP_ORDS)
def test_equal_vectors_and_embeddings_have_gradients_of_zero(lookup_ord: float) -> None:
    vectors, emb_space = np.full((1, 3, 2), 2.5), np.full((3, 2), 2.5)
    zeros = [[0.0, 0.0]] * 3
    assert alpha_gradient(vectors, emb_space, np.zeros((1, 3), np.int64), lookup_ord, 1.0).tolist() == zeros
    assert beta_gradient(vectors, emb_space, lookup_ord, 1.0).tolist() == zeros
    assert coulomb_gradient(emb_space, lookup_ord, 1.0).tolist() == zeros


def _gradients(case: Case, lookup_ord: float, weight: float) -> list[np.ndarray]:
    indices = np.array(case.exact_indices(lookup_ord), np.int64).reshape(case.vectors.shape[:2])
    return [
        alpha_gradient(case.vectors, case.emb_space, indices, lookup_ord, weight),
        beta_gradient(case.vectors, case.emb_space, lookup_ord, weight),
        coulomb_gradient(case.emb_space, lookup_ord, weight),
    ]


def _central_differences(case: Case, lookup_ord: float, weight: Fraction) -> list[list[exact.Vector]]:
    def alpha_loss(emb_space: list[exact.Vector]) -> Fraction:
        return exact.alpha_loss(case.exact_vectors, emb_space, lookup_ord, weight)

    def beta_loss(emb_space: list[exact.Vector]) -> Fraction:
        return exact.beta_loss(case.exact_vectors, emb_space, lookup_ord, weight)

    def coulomb_loss(emb_space: list[exact.Vector]) -> Fraction:
        return exact.coulomb_loss(emb_space, lookup_ord, weight)

    losses = (alpha_loss, beta_loss, coulomb_loss)
    return [exact.central_difference(loss, case.exact_emb_space, STEP) for loss in losses]


def _short_vectors(d: int) -> st.SearchStrategy[list[float]]:
    return st.lists(st.integers(-3, 3).map(lambda k: k / 4), min_size=d, max_size=d)
