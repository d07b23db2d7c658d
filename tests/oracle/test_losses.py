"""The oracle's losses against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from reference.distances import pairwise_distance
from reference.lookup import nearest, select
from reference.losses import alpha_loss, beta_loss, coulomb_loss
from reference.spacing import emb_closest_spacing
from tests.oracle import exact
from tests.oracle.cases import EXACT_ORDS, LOOKUP_ORDS, Case, cases, weights
from tests.oracle.rounding import error, once_rounded, roundings, values

# Two vectors, two embeddings. Differences to the embeddings, with L1, L2, Linf:
#   (0, 0): (3, 4) 7, 5, 4 and (6, 8) 14, 10, 8;  (9, 12): (6, 8) 14, 10, 8 and (3, 4) 7, 5, 4.
VECTORS = np.array([[[0.0, 0.0]], [[9.0, 12.0]]])
EMB_SPACE = np.array([[3.0, 4.0], [6.0, 8.0]])


def _losses(
    vectors: np.ndarray, emb_space: np.ndarray, lookup_ord: float, weight: float = 1.0
) -> tuple[np.float64, np.float64, np.float64]:
    distance = pairwise_distance(vectors, emb_space, lookup_ord)
    return (
        alpha_loss(vectors, select(emb_space, nearest(distance)), lookup_ord, weight),
        beta_loss(distance, weight),
        coulomb_loss(emb_closest_spacing(pairwise_distance(emb_space, emb_space, lookup_ord)), weight),
    )


@pytest.mark.clause("VQ-5.3")
@pytest.mark.parametrize(("lookup_ord", "alpha"), [(1, 3.5), (2, 2.5), (np.inf, 2.0)])
def test_a_worked_alpha_loss(lookup_ord: float, alpha: float) -> None:
    # Half of the mean of the distances to the nearest: (7 + 7) / 4, (5 + 5) / 4, (4 + 4) / 4.
    assert _losses(VECTORS, EMB_SPACE, lookup_ord, 0.5)[0] == alpha


@pytest.mark.clause("VQ-5.4")
@pytest.mark.parametrize(("lookup_ord", "beta"), [(1, 10.5), (2, 7.5), (np.inf, 6.0)])
def test_a_worked_beta_loss(lookup_ord: float, beta: float) -> None:
    # Half of the mean over the vectors of the sum over the embeddings: (7 + 14) / 2, (5 + 10) / 2, (4 + 8) / 2.
    assert _losses(VECTORS, EMB_SPACE, lookup_ord, 0.5)[1] == beta


@pytest.mark.clause("VQ-5.5")
@pytest.mark.parametrize(("lookup_ord", "coulomb"), [(1, -7.0), (2, -5.0), (np.inf, -4.0)])
def test_a_worked_coulomb_loss(lookup_ord: float, coulomb: float) -> None:
    # The embeddings are (3, 4) apart, and each counts: -(7 + 7) / 2, -(5 + 5) / 2, -(4 + 4) / 2.
    assert _losses(VECTORS, EMB_SPACE, lookup_ord, 0.5)[2] == coulomb


@pytest.mark.clause("VQ-5.3", "VQ-5.4", "VQ-5.5")
@given(case=cases(finite=False), weight=weights())
def test_l1_and_linf_losses_are_exact_up_to_the_quotient_of_the_mean(case: Case, weight: float) -> None:
    vectors, emb_space, exact_weight = case.exact_vectors, case.exact_emb_space, Fraction(weight)
    for lookup_ord in EXACT_ORDS:
        alpha, beta, coulomb = _losses(case.vectors, case.emb_space, lookup_ord, weight)
        assert values(alpha) == once_rounded(exact.alpha_loss(vectors, emb_space, lookup_ord, exact_weight))
        assert values(beta) == once_rounded(exact.beta_loss(vectors, emb_space, lookup_ord, exact_weight))
        assert values(coulomb) == exact.coulomb_loss(emb_space, lookup_ord, exact_weight)


@pytest.mark.clause("VQ-5.3", "VQ-5.4", "VQ-5.5")
@given(case=cases(finite=False), weight=weights())
def test_l2_losses_are_off_by_no_more_than_their_roundings(case: Case, weight: float) -> None:
    vectors, emb_space, exact_weight = case.exact_vectors, case.exact_emb_space, Fraction(weight)
    alpha, beta, coulomb = _losses(case.vectors, case.emb_space, 2, weight)
    # All terms of a loss have one sign, so relative errors add up along a sum: the root (1), the weight (1), k terms
    # (k - 1), the quotient of the mean (1).
    m, n = len(vectors), len(emb_space)
    assert error(alpha, exact.alpha_loss(vectors, emb_space, 2, exact_weight)) <= roundings(m + 2)
    assert error(beta, exact.beta_loss(vectors, emb_space, 2, exact_weight)) <= roundings(m + n + 1)
    assert error(coulomb, exact.coulomb_loss(emb_space, 2, exact_weight)) <= roundings(n + 1)


@pytest.mark.clause("VQ-5.11")
@pytest.mark.parametrize("lookup_ord", LOOKUP_ORDS)
def test_an_empty_batch_has_losses_of_zero(lookup_ord: float) -> None:
    alpha, beta, _ = _losses(np.empty((0, 1, 2)), EMB_SPACE, lookup_ord)
    assert (alpha, beta) == (0.0, 0.0)


@pytest.mark.clause("VQ-13.5")
@pytest.mark.parametrize("lookup_ord", LOOKUP_ORDS)
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_the_means_are_over_the_finite_vectors(broken: float, lookup_ord: float) -> None:
    with_broken = np.concatenate([VECTORS, [[[0.0, broken]]]])
    assert _losses(with_broken, EMB_SPACE, lookup_ord) == _losses(VECTORS, EMB_SPACE, lookup_ord)


@pytest.mark.clause("VQ-13.22")
@pytest.mark.parametrize("lookup_ord", LOOKUP_ORDS)
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_an_embedding_that_is_not_finite_adds_to_no_loss(broken: float, lookup_ord: float) -> None:
    with_broken = np.concatenate([EMB_SPACE, [[broken, 0.0]]])
    assert _losses(VECTORS, with_broken, lookup_ord) == _losses(VECTORS, EMB_SPACE, lookup_ord)


@pytest.mark.clause("VQ-13.6")
@pytest.mark.parametrize("lookup_ord", LOOKUP_ORDS)
def test_the_losses_are_zero_without_a_finite_vector(lookup_ord: float) -> None:
    alpha, beta, _ = _losses(np.full((2, 1, 2), np.nan), EMB_SPACE, lookup_ord)
    assert (alpha, beta) == (0.0, 0.0)


@pytest.mark.clause("VQ-6.3")
@pytest.mark.parametrize("lookup_ord", LOOKUP_ORDS)
def test_a_single_embedding_has_a_coulomb_loss_of_zero(lookup_ord: float) -> None:
    assert _losses(VECTORS, EMB_SPACE[:1], lookup_ord)[2] == 0.0
