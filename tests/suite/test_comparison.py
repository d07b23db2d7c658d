"""The tolerances are honest: what direct differences compute never exceeds them, and they leave no fault room."""

from dataclasses import replace

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

import reference
from tests.suite import arithmetic
from tests.suite.arithmetic import WAYS, Way
from vq_verify import strategies
from vq_verify.adapters.oracle import Oracle
from vq_verify.comparison import (
    Interval,
    Rounding,
    alpha_gradient_interval,
    beta_gradient_interval,
    codebook_gradient_interval,
    commitment_gradient,
    coulomb_gradient_interval,
    direction_interval,
    distance_error,
    near_minima,
    rounding,
    square_loss,
    weighted_sum_error,
)
from vq_verify.protocol import Case

pytestmark = pytest.mark.slow

CASES = strategies.all_cases(Oracle())
FLOAT32 = rounding(np.float32)
NORMS = [1, 2, np.inf]
ORDERS = [*NORMS, 3, 1.5, 10]
DTYPES = ["float32", "float64"]

# Coarse enough to calculate by hand: gamma(k) is k / (1024 - k), and 2^-53 of the oracle's is lost beside it.
COARSE = Rounding(unit=2.0**-10, smallest_normal=0.0)


def oracle(case):
    return reference.vector_quantization(case.x, case.emb_space, **case.arguments)


def random_case(lookup_ord, dtype, seed=0, scale=1.0, offset=0.0):
    """Draw 50 vectors and 20 embeddings in 6 dimensions, normally distributed around the offset."""
    rng = np.random.default_rng(seed)
    x, emb_space = rng.standard_normal([50, 1, 6]), rng.standard_normal([20, 6])
    return Case(
        x=(offset + scale * x).astype(dtype),
        emb_space=(offset + scale * emb_space).astype(dtype),
        lookup_ord=lookup_ord,
        weights={
            "alpha_loss": 0.1,
            "beta_loss": 0.01,
            "coulomb_loss": 0.001,
            "codebook_loss": 1,
            "commitment_loss": 0.25,
        },
    )


def error_of_distances(case):
    expected = oracle(case).distance
    return distance_error(expected, case.emb_space.shape[1], case.lookup_ord, rounding(case.x.dtype))


def worst_distance_error(case, way):
    """Return the largest ratio of an observed error to its bound."""
    vectors, emb_space = arithmetic.compared(case)
    computed = arithmetic.norm(arithmetic.differences(vectors, emb_space, way), case.lookup_ord, way)
    observed = np.abs(computed.astype(np.float64) - oracle(case).distance.reshape(computed.shape))
    return (observed / error_of_distances(case).reshape(computed.shape)).max()


@pytest.mark.clause("VQ-15.2")
@hypothesis.given(CASES, st.sampled_from(WAYS))
def test_no_distance_by_direct_differences_exceeds_its_error(case, way):
    assert worst_distance_error(case, way) <= 1


@pytest.mark.clause("VQ-15.2")
@pytest.mark.parametrize("lookup_ord", ORDERS)
def test_the_error_of_a_distance_is_no_hundredfold_of_what_occurs(lookup_ord):
    case = random_case(lookup_ord, np.float32)
    assert max(worst_distance_error(case, way) for way in WAYS) >= 0.01


@pytest.mark.clause("VQ-15.2")
@pytest.mark.parametrize("lookup_ord", ORDERS)
@pytest.mark.parametrize("exponent", [-62, -74, -100])
def test_no_distance_near_underflow_exceeds_its_error(lookup_ord, exponent):
    # Squares are subnormal from 2^-63, and 0 from 2^-75.
    case = random_case(lookup_ord, np.float32, scale=2.0**exponent)
    assert max(worst_distance_error(case, way) for way in WAYS) <= 1


@pytest.mark.clause("VQ-15.3")
@pytest.mark.parametrize("lookup_ord", NORMS)
def test_the_expanded_square_far_from_the_origin_exceeds_the_error_of_a_distance(lookup_ord):
    case = random_case(2, np.float32, scale=0.01, offset=100)
    vectors, emb_space = arithmetic.compared(case)
    squared = (emb_space**2).sum(axis=-1) - 2 * vectors @ emb_space.T
    admitted = near_minima(oracle(case).distance, error_of_distances(replace(case, lookup_ord=lookup_ord)))
    chosen = np.take_along_axis(admitted[:, 0], squared.argmin(axis=-1, keepdims=True), axis=-1)
    assert chosen.mean() < 0.5


@pytest.mark.clause("VQ-15.1")
@hypothesis.given(CASES, st.sampled_from(WAYS))
def test_the_nearest_by_direct_differences_is_a_near_minimum(case, way):
    vectors, emb_space = arithmetic.compared(case)
    computed = arithmetic.norm(arithmetic.differences(vectors, emb_space, way), case.lookup_ord, way)
    admitted = near_minima(oracle(case).distance, error_of_distances(case)).reshape(computed.shape)
    assert np.take_along_axis(admitted, computed.argmin(axis=-1, keepdims=True), axis=-1).all()


@pytest.mark.clause("VQ-15.1")
@pytest.mark.parametrize(
    ("distance", "error", "admitted"),
    [
        ([3.0, 1.0, 2.0], [0.0, 0.0, 0.0], [False, True, False]),
        ([1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [True, False, True]),
        ([1.0, 1.5, 1.75], [0.25, 0.25, 0.25], [True, True, False]),  # 1.25 = 1 + 0.25 = 1.5 - 0.25
        ([1.0, 1.5, 1.5], [0.125, 0.125, 0.375], [True, False, True]),  # 1.125 = 1 + 0.125 = 1.5 - 0.375
        ([2.0, 1.5, 1.0], [0.0, 0.0, 1.0], [False, True, True]),  # the least upper bound, 1.5, is of the second
        ([np.inf, 5.0, 7.0], [1.0, 1.0, 1.0], [False, True, True]),
        ([0.0, 1e-30, 1.0], [1e-19, 1e-19, 1e-19], [True, True, False]),
        ([4.0], [0.0], [True]),
    ],
)
def test_near_minima_are_the_entries_that_may_be_least(distance, error, admitted):
    assert near_minima(np.array(distance), np.array(error)).tolist() == admitted


@pytest.mark.clause("VQ-15.1")
@pytest.mark.parametrize("lookup_ord", ORDERS)
def test_ten_times_the_error_is_no_near_minimum(lookup_ord):
    least = np.array([1.0, 3.0, 100.0])
    error = distance_error(least, 6, lookup_ord, FLOAT32)
    for times, admitted in ((1, True), (10, False)):
        distance = np.stack([least, least + times * error], axis=-1)
        within = near_minima(distance, distance_error(distance, 6, lookup_ord, FLOAT32))
        assert (within[:, 1] == admitted).all()


def mean_of(distance, weight, way):
    """Return ``weight * mean`` as computed in the dtype of the distances."""
    dtype = distance.dtype.type
    return dtype(dtype(weight) * way.add(distance.reshape(-1)) / dtype(len(distance)))


@pytest.mark.clause("VQ-15.2")
@hypothesis.given(CASES, st.sampled_from(WAYS))
def test_no_beta_loss_by_direct_differences_exceeds_its_error(case, way):
    vectors, emb_space = arithmetic.compared(case)
    distance = arithmetic.norm(arithmetic.differences(vectors, emb_space, way), case.lookup_ord, way)
    expected, error = oracle(case.weighted(beta_loss=0.1)).losses["beta_loss"], error_of_distances(case)
    bound = weighted_sum_error(expected, 0.1 * error.sum(axis=-1).mean(), distance.size, rounding(case.x.dtype))
    assert abs(mean_of(distance, 0.1, way) - expected) <= bound


@pytest.mark.clause("VQ-15.2")
def test_the_error_of_a_sum_is_no_hundredfold_of_what_occurs():
    terms = np.random.default_rng(0).uniform(0, 1, [500, 12]).astype(np.float32)
    sums = np.stack([way.add(terms) * np.float32(0.1) for way in WAYS])
    exact = 0.1 * terms.astype(np.float64).sum(axis=-1)
    bounds = [weighted_sum_error(value, 0.0, 12, FLOAT32) for value in exact]
    assert 0.01 <= (np.abs(sums - exact) / bounds).max() <= 1


def enclosed(case, way):
    """Return for each loss the gradient as computed, and what encloses it."""
    case = case.weighted(codebook_loss=case.weights.get("codebook_loss", 1.0))
    vectors, emb_space = arithmetic.compared(case)
    distance = arithmetic.norm(arithmetic.differences(vectors, emb_space, way), case.lookup_ord, way)
    emb_index = distance.argmin(axis=-1)
    chosen = emb_index[:, np.newaxis] == np.arange(len(emb_space))
    return {
        "alpha": (arithmetic.mean_gradient(case, chosen, case.alpha, way), alpha_gradient_interval(case, emb_index)),
        "beta": (
            arithmetic.mean_gradient(case, np.ones_like(chosen), case.beta, way),
            beta_gradient_interval(case),
        ),
        "coulomb": (arithmetic.coulomb_gradient(case, way), coulomb_gradient_interval(case)),
        "codebook": (arithmetic.codebook_gradient(case, chosen, way), codebook_gradient_interval(case, emb_index)),
    }


@pytest.mark.clause("VQ-15.2")
@hypothesis.given(CASES, st.sampled_from([way for way in WAYS if way.underflow is arithmetic.flushed]))
def test_every_gradient_by_direct_differences_is_enclosed(case, way):
    for name, (gradient, interval) in enclosed(case, way).items():
        assert interval.contains(gradient).all(), (name, gradient, interval)


@pytest.mark.clause("VQ-15.2")
@pytest.mark.parametrize("difference", [4.5e-23, 1e-22, 1e-20])
def test_a_gradient_by_subnormal_squares_is_enclosed(difference):
    case = Case(x=np.zeros([1, 1, 1], np.float32), emb_space=np.array([[difference]], np.float32), lookup_ord=2)
    for gradient, interval in enclosed(case, Way(arithmetic.forward, arithmetic.kept)).values():
        assert interval.contains(gradient).all()


@pytest.mark.clause("VQ-15.2")
@pytest.mark.parametrize("lookup_ord", ORDERS)
def test_the_enclosure_of_a_gradient_is_no_hundredfold_of_what_occurs(lookup_ord):
    for gradient, (low, high) in enclosed(random_case(lookup_ord, np.float32), WAYS[0]).values():
        observed, allowed = np.abs(gradient - (low + high) / 2), (high - low) / 2
        assert 0.01 <= (observed / allowed).max() <= 1


@pytest.mark.clause("VQ-15.2")
@pytest.mark.parametrize("lookup_ord", ORDERS)
def test_a_gradient_off_by_a_ten_thousandth_is_not_enclosed(lookup_ord):
    # 57 roundings at most, and a few for each direction: some 2^-18.
    for gradient, interval in enclosed(random_case(lookup_ord, np.float32), WAYS[0]).values():
        assert not interval.contains(gradient * 1.0001).all()
        assert not interval.contains(gradient * 0.9999).all()


@pytest.mark.clause("VQ-15.2")
@pytest.mark.parametrize("lookup_ord", ORDERS)
def test_the_gradient_of_the_oracle_is_enclosed_in_its_own_rounding(lookup_ord):
    case = random_case(lookup_ord, np.float64)
    right = Oracle().gradients(case, np.zeros_like(case.x)).losses_to_emb_space
    assert alpha_gradient_interval(case, oracle(case).emb_index).contains(right["alpha_loss"]).all()
    assert beta_gradient_interval(case).contains(right["beta_loss"]).all()
    assert coulomb_gradient_interval(case).contains(right["coulomb_loss"]).all()
    assert codebook_gradient_interval(case, oracle(case).emb_index).contains(right["codebook_loss"]).all()


def test_an_interval_holds_its_bounds_and_what_lies_between():
    interval = Interval(np.array([0.0, -1.0]), np.array([0.0, 2.0]))
    assert interval.contains(np.array([0.0, -1.0])).all()
    assert interval.contains(np.array([0.0, 2.0])).all()
    assert interval.contains(np.array([1e-300, 2.5])).tolist() == [False, False]
    assert interval.contains(np.array([np.nan, np.inf])).tolist() == [False, False]
    assert interval.magnitude.tolist() == [0.0, 2.0]


def test_scaling_by_a_negative_factor_swaps_the_bounds():
    low, high = Interval(np.array([-1.0, 2.0]), np.array([3.0, 4.0])).scaled(-2.0)
    assert (low.tolist(), high.tolist()) == ([-6.0, -8.0], [2.0, -4.0])


def test_scaling_takes_a_factor_for_each_of_the_leading_axes():
    interval = Interval(np.array([[1.0, 2.0], [1.0, 2.0]]), np.array([[3.0, 3.0], [3.0, 3.0]]))
    low, high = interval.scaled(np.array([[0.0], [-1.0]]))
    assert (low.tolist(), high.tolist()) == ([[0.0, 0.0], [-3.0, -3.0]], [[0.0, 0.0], [-1.0, -2.0]])


def test_a_total_is_the_sum_of_the_bounds_widened_by_its_roundings():
    low, high = Interval(np.array([[-3.0], [1.0]]), np.array([[2.0], [2.0]])).total(COARSE)
    # Two terms, magnitudes 3 and 2: gamma(2 + 7) (3 + 2) = 9 / 1015 * 5. The oracle's share of gamma is below 1e-14.
    np.testing.assert_allclose((low, high), [[-2 - 9 / 203], [4 + 9 / 203]], rtol=1e-14)


@pytest.mark.clause("VQ-15.2")
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(
    ("lookup_ord", "difference", "direction"),
    [
        (1, [3.0, -4.0, 0.0], [1.0, -1.0, 0.0]),
        (1, [0.0, 0.0], [0.0, 0.0]),
        (2, [0.0, 0.0], [0.0, 0.0]),
        (2, [0.0, -2.0], [0.0, -1.0]),
        (2, [3.0, -4.0], [0.6, -0.8]),
        (np.inf, [0.0, 0.0], [0.0, 0.0]),
        (np.inf, [1.0, -3.0, 2.0], [0.0, -1.0, 0.0]),
        (np.inf, [-5.0], [-1.0]),
    ],
)
def test_a_certain_direction_is_enclosed_within_its_rounding(exact, lookup_ord, difference, direction):
    low, high = direction_interval(np.array(difference), lookup_ord, FLOAT32, exact)
    # L2 in 2 dimensions: (2 + 4) / 2 + 6 = 9 roundings, and less than 2^-40 for their products.
    slack = 9 * 2.0**-24 + 2.0**-40 if lookup_ord == 2 else 0
    np.testing.assert_allclose(low, direction, rtol=slack)
    np.testing.assert_allclose(high, direction, rtol=slack)
    assert (low <= direction).all()
    assert (direction <= high).all()


@pytest.mark.clause("VQ-15.4")
@pytest.mark.parametrize(
    ("lookup_ord", "difference", "low", "high"),
    [
        # Below 3 t = 3 * 2^-126 a difference may be flushed to 0.
        (1, [2.0**-126, -(2.0**-125), 2.0**-124], [0.0, -1.0, 1.0], [1.0, 0.0, 1.0]),
        # Below sqrt(d t / u) = 2^-50.5 the squares may be.
        (2, [2.0**-51, -(2.0**-60)], [0.0, -1.0], [1.0, 0.0]),
        (2, [2.0**-51, 0.0], [0.0, 0.0], [1.0, 0.0]),
        # Near-ties of Linf share in any combination; the third is off by more than rounding.
        (np.inf, [1.0, -1.0 - 2.0**-24, 1.0 - 2.0**-20], [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]),
    ],
)
def test_an_uncertain_direction_may_be_anything_from_zero_to_its_sign(lookup_ord, difference, low, high):
    interval = direction_interval(np.array(difference), lookup_ord, FLOAT32, exact=False)
    assert interval.contains(np.array([low, high])).all()
    # The root of a subnormal square may be too small by sqrt(1.5), and with it the divisor of L2.
    assert (interval.magnitude <= 1.25 * np.maximum(-np.array(low), high)).all()


@pytest.mark.clause("VQ-7.5")
@pytest.mark.parametrize(("lookup_ord", "difference"), [(3, [3.0, -4.0, 5.0]), (1.5, [0.0, -2.0]), (10, [1.0, 1.0])])
def test_a_direction_under_another_order_is_enclosed_within_its_rounding(lookup_ord, difference):
    magnitude = np.abs(difference)
    length = (magnitude**lookup_ord).sum() ** (1 / lookup_ord)
    direction = np.sign(difference) * (magnitude / length) ** (lookup_ord - 1)
    low, high = direction_interval(np.array(difference), lookup_ord, FLOAT32, exact=False)
    assert ((low <= direction) & (direction <= high)).all()
    # 200 roundings at order 10 and distances near 1: some 2^-16.
    assert (high - low <= 2.0**-15).all()


@pytest.mark.clause("VQ-7.5")
def test_a_direction_whose_powers_may_underflow_may_be_anything_from_zero_to_its_sign():
    # Below (d t / u)^(1 / p) = 2^-10.1 the powers of order 10 may be flushed.
    interval = direction_interval(np.array([2.0**-11, -(2.0**-12)]), 10, FLOAT32, exact=False)
    assert interval.contains(np.array([[0.0, -1.0], [1.0, 0.0]])).all()
    assert (interval.magnitude <= 1.5).all()  # 1.5^(1 - 1 / p), where a subnormal power is too small


@pytest.mark.clause("VQ-15.2", "VQ-18.1", "VQ-18.4")
@hypothesis.given(CASES, st.sampled_from(WAYS))
def test_no_square_loss_exceeds_its_error_and_no_commitment_gradient(case, way):
    case = case.weighted(codebook_loss=2.0, commitment_loss=0.3)
    vectors, emb_space = arithmetic.compared(case)
    dtype, emb_index = emb_space.dtype.type, oracle(case).emb_index
    difference = way.underflow(way.underflow(vectors) - way.underflow(emb_space)[emb_index.reshape(-1)])
    squares = way.add(way.underflow(difference * difference)) / dtype(vectors.shape[1])
    exact, error = square_loss(case, emb_index, 2.0)
    assert abs(dtype(2) * way.add(squares) / dtype(len(vectors)) - exact) <= error
    gradient = way.underflow(difference * (dtype(0.3) / dtype(len(vectors)) / dtype(vectors.shape[1]) * dtype(2)))
    exact, error = commitment_gradient(case, emb_index)
    assert (np.abs(gradient.reshape(case.x.shape).astype(case.x.dtype).astype(np.float64) - exact) <= error).all()


@pytest.mark.clause("VQ-18.1", "VQ-18.4")
def test_the_errors_of_square_losses_are_no_hundredfold_of_what_occurs():
    case = random_case(2, np.float32)
    emb_index = oracle(case).emb_index
    difference = (case.vectors - case.emb_space.astype(np.float64)[emb_index.reshape(-1)]).astype(np.float32)
    exact, error = square_loss(case, emb_index, 1)
    mean = np.square(difference).cumsum(dtype=np.float32)[-1] / np.float32(difference.size)
    assert 0.002 <= abs(mean - exact) / error <= 1  # of hundreds of roundings most cancel each other
    exact, error = commitment_gradient(case, emb_index)
    computed = difference * np.float32(0.5 / difference.size)
    assert 0.01 <= (np.abs(computed.reshape(exact.shape) - exact) / error).max() <= 1


@pytest.mark.clause("VQ-7.4")
def test_exact_ties_of_linf_share_equally():
    interval = direction_interval(np.array([2.0, -2.0, 1.0, 2.0]), np.inf, FLOAT32, exact=True)
    np.testing.assert_array_equal(interval, [[1 / 3, -1 / 3, 0, 1 / 3]] * 2)


@pytest.mark.clause("VQ-15.4")
def test_without_exactness_ties_of_linf_share_in_any_combination():
    interval = direction_interval(np.array([2.0, -2.0, 1.0]), np.inf, FLOAT32, exact=False)
    np.testing.assert_array_equal(interval, [[0, -1, 0], [1, 0, 0]])


def on_a_line(*embeddings, exact):
    emb_space = np.array(embeddings)[:, np.newaxis]
    return Case(x=np.zeros([1, 1, 1]), emb_space=emb_space, lookup_ord=1, weights={"coulomb_loss": 1.0}, exact=exact)


@pytest.mark.clause("VQ-7.7")
def test_the_coulomb_gradient_of_a_worked_tie():
    # At 0, 1, 2 the spacings are 1 - 0 and 2 - 1 for the ends, and half of each for the middle. The loss is minus their
    # sum, 1.5 ((1 - 0) + (2 - 1)): its gradient is 1.5 at 0, 0 at 1, and -1.5 at 2.
    low, high = coulomb_gradient_interval(on_a_line(0.0, 1.0, 2.0, exact=True))
    # Sums of a few numbers up to 1.5, in float64.
    np.testing.assert_allclose([low, high], [[[1.5], [0.0], [-1.5]]] * 2, atol=1e-13)


@pytest.mark.clause("VQ-15.4")
def test_the_coulomb_gradient_at_a_near_tie_may_go_to_either_neighbour():
    # The middle pushes away from the left neighbour with a share w from 0 to 1, from the right with 1 - w: the gradient
    # is 1 + w at the left, -1 - (1 - w) at the right, and between -1 and 1 in the middle, for shares that need not sum.
    low, high = coulomb_gradient_interval(on_a_line(0.0, 1.0, 2.0 + 2.0**-52, exact=False))
    np.testing.assert_allclose([low, high], [[[1.0], [-1.0], [-2.0]], [[2.0], [1.0], [-1.0]]], atol=1e-13)


@pytest.mark.clause("VQ-7.6")
def test_the_coulomb_gradient_of_a_single_embedding_is_zero():
    low, high = coulomb_gradient_interval(on_a_line(3.0, exact=False))
    assert (low.tolist(), high.tolist()) == ([[0.0]], [[0.0]])


@pytest.mark.clause("VQ-7.6")
def test_the_coulomb_gradient_of_equal_embeddings_is_zero():
    low, high = coulomb_gradient_interval(on_a_line(3.0, 3.0, exact=True))
    # The widening by flushed results is the smallest normal number.
    np.testing.assert_allclose([low, high], np.zeros([2, 2, 1]), atol=np.finfo(np.float64).smallest_normal)
