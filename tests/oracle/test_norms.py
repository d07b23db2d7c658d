"""The oracle's norms of any order from 1 on, against exact powers and roots."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from reference import Norm, vector_quantization
from reference.distances import norm, pairwise_distance
from reference.gradients import alpha_gradient, beta_gradient, coulomb_gradient, norm_gradient
from reference.norms import norm_of
from tests.oracle import exact
from tests.oracle.cases import Case, cases
from tests.oracle.rounding import error, roundings, values

ORDERS = (1.5, 3, 4.5)  # such that a power has few digits in fractions
ANY = [1, 1.25, 1.5, 2, 3, 7, 100, 1e300, np.inf]

A_THIRD = settings(max_examples=max(1, settings.default.max_examples // 3))  # of those that a profile draws, per norm

# A power of NumPy may be off by 4 units in the last place, as its vector code is said to be: 8 roundings.
POWER = 8


def length_roundings(d: int) -> int:
    # The quotient by the largest magnitude counts p times, the power once, d - 1 additions; the root divides these by
    # p, takes a rounded exponent, of which the logarithm of a sum up to d makes no more than ln(d) / p, at most 2
    # for d = 4, and is a power itself; one product. With p >= 1 no more than:
    return 1 + POWER + (d - 1) + 2 + POWER + 1


def direction_roundings(d: int, p: float) -> int:
    # The largest magnitude is divided out of each coordinate and of the length, and one is divided by the other; then
    # the power, p - 1 of these, its exponent being exact.
    return int(np.ceil((p - 1) * (2 + length_roundings(d)))) + POWER


@pytest.mark.clause("VQ-1.1")
@pytest.mark.parametrize(("vector", "expected"), [([3.0, -4.0, 5.0], 6), ([1.0, -6.0, 8.0], 9), ([0.0, -7.0, 0.0], 7)])
def test_worked_lengths_of_order_3(vector: list[float], expected: float) -> None:
    # 27 + 64 + 125 = 216 = 6^3; 1 + 216 + 512 = 729 = 9^3.
    assert error(norm(np.array(vector), 3), Fraction(expected)) <= roundings(length_roundings(3))
    distance = pairwise_distance(np.array([vector]) + 2, np.full((1, 3), 2.0), 3)
    assert error(distance, [[Fraction(expected)]]) <= roundings(length_roundings(3))


@pytest.mark.clause("VQ-1.1", "VQ-15.2")
@settings(max_examples=20)  # each takes roots of many digits
@given(case=cases(finite=False))
def test_distances_of_any_order_are_off_by_no_more_than_their_roundings(case: Case) -> None:
    for lookup_ord in ORDERS:
        distance = pairwise_distance(case.vectors, case.emb_space, lookup_ord)
        bound = roundings(length_roundings(case.emb_space.shape[1]))
        assert error(distance, case.exact_distances(lookup_ord)) <= bound


@pytest.mark.clause("VQ-7.5")
@pytest.mark.parametrize("lookup_ord", ORDERS)
@pytest.mark.parametrize("vector", [[3.0, -4.0, 5.0], [0.0, -0.5, 0.25], [-7.0], [1.0, 1.0, -1.0, 1.0]])
def test_directions_of_any_order_are_off_by_no_more_than_their_roundings(
    vector: list[float], lookup_ord: float
) -> None:
    expected = exact.norm_gradient(exact.rationals(vector), lookup_ord)
    bound = roundings(direction_roundings(len(vector), lookup_ord))
    assert error(norm_gradient(np.array(vector), lookup_ord), expected, Fraction(1)) <= bound


@pytest.mark.clause("VQ-7.5")
@pytest.mark.parametrize("lookup_ord", [1.5, 3])
def test_directions_of_any_order_are_the_central_differences_of_the_length(lookup_ord: float) -> None:
    vector, step = exact.rationals([[3.0, -4.0, 5.0]]), Fraction(1, 10**15)
    differences = exact.central_difference(lambda moved: exact.norm(moved[0], lookup_ord), vector, step)
    bound = roundings(direction_roundings(3, lookup_ord)) + Fraction(
        1, 10**25
    )  # curvature times the square of the step
    assert error(norm_gradient(np.array([[3.0, -4.0, 5.0]]), lookup_ord), differences, Fraction(1)) <= bound


@pytest.mark.clause("VQ-7.1", "VQ-7.6")
@pytest.mark.parametrize("lookup_ord", ANY)
def test_the_gradient_of_any_order_is_zero_at_zero_and_finite_everywhere(lookup_ord: float) -> None:
    vectors = np.array([[0.0, 0.0], [5e-324, 1.0], [1e-300, -1e300], [1e308, 1e308], [5e-324, 0.0]])
    gradient = norm_gradient(vectors, lookup_ord)
    assert gradient[0].tolist() == [0.0, 0.0]
    assert np.isfinite(gradient).all()
    assert (np.abs(gradient) <= 1).all()


@pytest.mark.clause("VQ-1.1")
@pytest.mark.parametrize("lookup_ord", [1.5, 3, 100, 1e300])
@pytest.mark.parametrize("magnitude", [1e-300, 1e-200, 1e200, 1e307])
def test_no_power_overflows_or_is_lost(magnitude: float, lookup_ord: float) -> None:
    # A power of two near the magnitude, so that scaling is exact.
    unit = 2.0 ** np.floor(np.log2(magnitude))
    scaled = norm(np.array([unit, -unit]), lookup_ord)
    assert error(scaled / unit, values(norm(np.array([1.0, 1.0]), lookup_ord))) == 0


@pytest.mark.clause("VQ-2.2", "VQ-2.6")
@pytest.mark.parametrize("lookup_ord", ANY)
@A_THIRD
@given(case=cases())
def test_a_vector_is_at_distance_zero_from_itself_and_equal_embeddings_tie(case: Case, lookup_ord: float) -> None:
    emb_space = np.concatenate([case.emb_space, case.vectors.reshape(-1, case.emb_space.shape[1])] * 2)
    distance = pairwise_distance(case.vectors, emb_space, lookup_ord)
    half = len(emb_space) // 2
    assert distance[..., :half].tobytes() == distance[..., half:].tobytes()
    found = vector_quantization(case.x, emb_space, lookup_ord=lookup_ord, num_splits=case.num_splits)
    assert (found.emb_index < half).all()
    assert found.layer_out.tolist() == case.x.tolist()
    assert (distance.min(axis=-1) == 0).all()


@pytest.mark.clause("VQ-13.1", "VQ-13.17")
@pytest.mark.parametrize("lookup_ord", ORDERS)
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_distances_of_any_order_are_nan_where_something_is_not_finite(broken: float, lookup_ord: float) -> None:
    rows = np.array([[1.0, 3.0], [broken, 3.0]])
    assert values(pairwise_distance(rows, rows, lookup_ord)) == [[0, None], [None, None]]


@pytest.mark.clause("VQ-15.5")
@pytest.mark.parametrize("lookup_ord", [1.5, 3, 100])
def test_a_vector_too_far_for_its_distance_still_finds_an_embedding(lookup_ord: float) -> None:
    distance = pairwise_distance(np.array([[1.5e308, 1.5e308]]), np.array([[-1.5e308, -1.5e308]]), lookup_ord)
    assert distance.tolist() == [[np.inf]]


@pytest.mark.clause("VQ-16.13")
@pytest.mark.parametrize("lookup_ord", [0, 0.5, -1, -np.inf, np.nan])
@pytest.mark.parametrize(
    "use",
    [
        norm_of,
        lambda p: norm(np.ones(2), p),
        lambda p: pairwise_distance(np.ones((1, 2)), np.ones((1, 2)), p),
        lambda p: norm_gradient(np.ones(2), p),
        lambda p: alpha_gradient(np.ones((1, 1, 2)), np.ones((1, 2)), np.zeros((1, 1), int), p, 1.0),
        lambda p: beta_gradient(np.ones((1, 1, 2)), np.ones((1, 2)), p, 1.0),
        lambda p: coulomb_gradient(np.eye(2), p, 1.0),
    ],
)
def test_an_order_that_no_norm_has_is_refused_everywhere(use: Callable[[float], Any], lookup_ord: float) -> None:
    with pytest.raises(ValueError, match=r"^`lookup_ord` must be a number of at least 1, or infinity. Received: "):
        use(lookup_ord)


@pytest.mark.clause("VQ-17.9")
def test_a_norm_has_a_name_or_an_order() -> None:
    assert (Norm("l1"), Norm("l2"), Norm("linf")) == (Norm(1), Norm(), Norm(np.inf))
    with pytest.raises(
        ValueError, match=r"^`p` of Norm \(lookup_ord\) must be 'l1', 'l2' or 'linf'. Received: p='l3'$"
    ):
        Norm("l3")
