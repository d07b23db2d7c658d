"""The strategies draw only valid cases, and reach what they promise."""

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import hypothesis
import ml_dtypes
import numpy as np
import pytest
from hypothesis import strategies as st

from vq_verify import strategies
from vq_verify.adapters.graph import GraphFunctions
from vq_verify.adapters.oracle import Oracle
from vq_verify.comparison import comparison_dtype, distance_error, exact_distances, near_minima, rounding
from vq_verify.protocol import Case
from vq_verify.strategies import choices

pytestmark = pytest.mark.slow

ORACLE = Oracle()
ROUNDED, EXACT = strategies.cases(ORACLE), strategies.exact_cases(ORACLE)
CONFIGURATIONS = strategies.statics(GraphFunctions())
NORMS, ORDERS = [1, 2, np.inf], [3, 1.5, 4.5, 10]
DTYPES = ["float64", "float32", "float16", "bfloat16"]


def settings(max_examples: int) -> hypothesis.settings:
    """Return settings under which Hypothesis only draws, the same on every run."""
    return hypothesis.settings(
        max_examples=max_examples,
        derandomize=True,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
        deadline=None,
    )


@cache
def draws(strategy: st.SearchStrategy) -> list[Any]:
    """Return 400 draws, which all promises share: a search for each takes minutes."""
    drawn = []

    @settings(400)
    @hypothesis.given(strategy)
    def collect(one: Any) -> None:
        drawn.append(one)

    collect()
    return drawn


def finds(strategy: st.SearchStrategy, condition: Callable[..., bool]) -> bool:
    """Tell whether one of 600 draws meets the condition."""
    try:
        hypothesis.find(strategy, lambda drawn: bool(condition(drawn)), settings=settings(600))
    except hypothesis.errors.NoSuchExample:
        return False
    return True


def reaches(strategy: st.SearchStrategy, condition: Callable[..., bool]) -> bool:
    """Tell whether one of the shared draws, or else one of many more, meets the condition."""
    return any(map(condition, draws(strategy))) or finds(strategy, condition)


def offering(*dtypes: str) -> Oracle:
    """Return an implementation that offers these dtypes."""
    implementation = Oracle()
    implementation.dtypes = dtypes
    return implementation


def distances(case: Case):
    """Return the distances of the vectors to the embeddings, ``[M, n]``."""
    return exact_distances(case.vectors, case.emb_space.astype(np.float64), case.lookup_ord)


def different(case: Case):
    """Tell which embeddings differ, ``[n, n]``."""
    return (case.emb_space[:, np.newaxis] != case.emb_space).any(axis=-1)


def numbers(case: Case):
    """Return all coordinates, of the vectors and of the embeddings."""
    return np.concatenate([case.vectors.reshape(-1), case.emb_space.astype(np.float64).reshape(-1)])


# What is drawn is valid.


def is_normal(values):
    """Tell whether all values are finite, and 0 or at least the smallest normal number."""
    smallest = float(ml_dtypes.finfo(values.dtype).smallest_normal)
    magnitude = np.abs(values.astype(np.float64))
    return bool((np.isfinite(magnitude) & ((magnitude == 0) | (magnitude >= smallest))).all())


def all_draws():
    return draws(ROUNDED) + draws(EXACT)


def test_shapes_fit_together():
    for case in all_draws():
        (batch, r, q), (n, d) = case.x.shape, case.emb_space.shape
        assert min(batch, r, n, d, case.num_splits) >= 1
        assert q == case.num_splits * d


@pytest.mark.clause("VQ-14.1", "VQ-14.3")
def test_x_has_a_dtype_of_the_implementation_and_the_embeddings_have_that_of_the_comparison():
    for case in all_draws():
        assert case.x.dtype.name in ORACLE.dtypes
        assert case.emb_space.dtype == comparison_dtype(case.x.dtype)


def test_numbers_are_finite_and_not_subnormal():
    for case in all_draws():
        assert is_normal(case.x)
        assert is_normal(case.emb_space)


def test_no_distance_overflows():
    with np.errstate(over="raise"):
        for case in all_draws():
            rows = np.concatenate([case.vectors.astype(case.emb_space.dtype), case.emb_space])
            difference = np.abs(rows[:, np.newaxis] - case.emb_space)
            (difference ** (case.lookup_ord if case.lookup_ord in ORDERS else 2)).sum(axis=-1)


def test_weights_are_finite_and_the_norm_is_one_of_three_or_seldom_of_another_order():
    for case in all_draws():
        assert np.isfinite(list(case.weights.values())).all()
        assert case.lookup_ord in (*NORMS, *ORDERS)
    assert all(case.lookup_ord in NORMS for case in draws(EXACT))
    assert 0.1 < np.mean([case.lookup_ord in ORDERS for case in draws(ROUNDED)]) < 0.4


def test_exact_cases_say_so_and_no_others():
    assert all(case.exact for case in draws(EXACT))
    assert not any(case.exact for case in draws(ROUNDED))


@hypothesis.given(strategies.cases_with_upstream(ORACLE))
def test_the_upstream_gradient_has_the_shape_and_the_dtype_of_x(drawn):
    case, upstream = drawn
    assert (upstream.shape, upstream.dtype) == (case.x.shape, case.x.dtype)


@hypothesis.given(strategies.all_cases(offering("bfloat16", "float64")))
def test_only_dtypes_that_the_implementation_offers_are_drawn(case):
    assert case.x.dtype.name in ("bfloat16", "float64")


# What is drawn is exact, where promised.


def float32_differences(case):
    """Return all differences between vectors and embeddings, and among these, as float32 computes them."""
    emb_space = case.emb_space.astype(np.float32)
    rows = np.concatenate([case.vectors.astype(np.float32), emb_space])
    return (rows[:, np.newaxis] - emb_space).reshape(-1, emb_space.shape[1]), rows, emb_space


def fractions(values):
    return np.vectorize(Fraction, otypes=[object])(values.astype(np.float64))


@pytest.mark.clause("VQ-15.10")
@hypothesis.given(EXACT)
def test_of_exact_cases_float32_computes_differences_sums_and_squares_exactly(case):
    difference, rows, emb_space = float32_differences(case)
    exact = (fractions(rows)[:, np.newaxis] - fractions(emb_space)).reshape(difference.shape)
    assert (fractions(difference) == exact).all()
    assert (fractions(difference**2) == exact**2).all()
    assert (fractions(np.abs(difference).cumsum(axis=-1)) == np.abs(exact).cumsum(axis=-1)).all()
    assert (fractions((difference**2).cumsum(axis=-1)) == (exact**2).cumsum(axis=-1)).all()


@pytest.mark.clause("VQ-15.10")
@hypothesis.given(EXACT)
def test_of_exact_cases_no_order_of_summation_rounds(case):
    difference = np.abs(float32_differences(case)[0].astype(np.float64))
    # All are multiples of 2^-6 at least, squares of 2^-12; a partial sum is a multiple, too, and at most the sum.
    for terms, unit in ((difference, 2.0**-6), (difference**2, 2.0**-12)):
        units = terms / unit
        least = np.gcd.reduce(units.astype(np.int64).reshape(-1))
        assert (units == units.astype(np.int64)).all()
        assert (units.sum(axis=-1) <= 2.0**24 * max(least, 1)).all()


@pytest.mark.clause("VQ-15.10")
def test_different_sums_of_squares_have_different_roots_which_round_alike_once_and_twice():
    sums = np.arange(2**22)
    once, twice = np.sqrt(sums.astype(np.float32)), np.sqrt(sums.astype(np.float64)).astype(np.float32)
    np.testing.assert_array_equal(once, twice)
    assert (np.diff(once) > 0).all()


# What is promised is reached.


@pytest.mark.clause("VQ-2.3")
@pytest.mark.parametrize("lookup_ord", NORMS)
def test_different_embeddings_tie_exactly_for_the_nearest(lookup_ord):
    def tie(case):
        nearest = distances(case) == distances(case).min(axis=-1, keepdims=True)
        both = nearest[:, :, np.newaxis] & nearest[:, np.newaxis] & different(case)
        return case.lookup_ord == lookup_ord and both.any()

    assert reaches(EXACT, tie)


@pytest.mark.clause("VQ-7.7")
@pytest.mark.parametrize("lookup_ord", NORMS)
def test_different_embeddings_tie_exactly_for_the_closest_to_another(lookup_ord):
    def tie(case):
        spacing = exact_distances(case.emb_space, case.emb_space, case.lookup_ord)
        spacing[~different(case)] = np.inf  # leaves out duplicates, whose gradient is 0 anyway
        closest = np.isfinite(spacing) & (spacing == spacing.min(axis=-1, keepdims=True))
        both = closest[:, :, np.newaxis] & closest[:, np.newaxis] & different(case)
        return case.lookup_ord == lookup_ord and both.any()

    assert reaches(EXACT, tie)


@pytest.mark.clause("VQ-7.4")
def test_coordinates_tie_for_the_largest_difference():
    def tie(case):
        magnitude = np.abs(case.vectors[:, np.newaxis] - case.emb_space)
        largest = (magnitude > 0) & (magnitude == magnitude.max(axis=-1, keepdims=True))
        return np.isinf(case.lookup_ord) and (largest.sum(axis=-1) > 1).any()

    assert reaches(EXACT, tie)


@pytest.mark.clause("VQ-15.1")
@pytest.mark.parametrize("lookup_ord", NORMS)
def test_different_embeddings_nearly_tie_within_rounding(lookup_ord):
    def near_tie(case):
        distance, d = distances(case), case.emb_space.shape[1]
        error = distance_error(distance, d, case.lookup_ord, rounding(case.x.dtype))
        near = near_minima(distance, error) & (distance > 0)
        unequal = distance[:, :, np.newaxis] != distance[:, np.newaxis]
        return case.lookup_ord == lookup_ord and (near[:, :, np.newaxis] & near[:, np.newaxis] & unequal).any()

    assert reaches(ROUNDED, near_tie)


PROMISES = {
    "duplicate embeddings": lambda case: not different(case)[np.triu_indices(len(case.emb_space), k=1)].all(),
    "an input equal to an embedding": lambda case: (distances(case)[case.vectors.any(axis=-1)] == 0).any(),
    "a zero vector among others": lambda case: 0 < case.vectors.any(axis=-1).sum() < len(case.vectors),
    "a zero embedding among others": lambda case: 0 < case.emb_space.any(axis=-1).sum() < len(case.emb_space),
    "one embedding": lambda case: len(case.emb_space) == 1,
    "one dimension": lambda case: case.emb_space.shape[1] == 1,
    "as many splits as coordinates": lambda case: case.num_splits == case.x.shape[-1] > 1,
    "splits of several rows": lambda case: min(case.num_splits, *case.x.shape[:2], case.emb_space.shape[1]) > 1,
    "all weights zero": lambda case: not any(case.weights.values()),
    "all weights present": lambda case: all(case.weights.values()),
    "a tiny weight": lambda case: any(0 < weight < 1e-20 for weight in case.weights.values()),
    "a negative weight": lambda case: any(weight < 0 for weight in case.weights.values()),
    "a schedule": lambda case: case.schedule and any(case.weights.values()),
    "no schedule": lambda case: not case.schedule and any(case.weights.values()),
}


@pytest.mark.parametrize("strategy", [ROUNDED, EXACT], ids=["rounded", "exact"])
@pytest.mark.parametrize("promise", PROMISES)
def test_a_promised_case_is_reached(strategy, promise):
    assert reaches(strategy, PROMISES[promise])


@pytest.mark.clause("VQ-14.3")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_embeddings_between_the_values_of_x_and_among_them_are_reached(dtype):
    def among(case):
        return (case.emb_space.astype(case.x.dtype) == case.emb_space).all()

    assert reaches(ROUNDED, lambda case: case.x.dtype.name == dtype and not among(case))
    assert reaches(ROUNDED, lambda case: case.x.dtype.name == dtype and among(case) and case.emb_space.any())


@pytest.mark.parametrize("strategy", [ROUNDED, EXACT], ids=["rounded", "exact"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lookup_ord", NORMS)
def test_every_norm_is_reached_in_every_dtype(strategy, dtype, lookup_ord):
    assert reaches(strategy, lambda case: case.x.dtype.name == dtype and case.lookup_ord == lookup_ord)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_large_and_tiny_magnitudes_are_reached(dtype):
    rounded = strategies.cases(offering(dtype))
    assert finds(rounded, lambda case: np.abs(numbers(case)).max() > 1e15)
    assert finds(rounded, lambda case: 0 < np.abs(numbers(case)).max() < 1e-30)


@pytest.mark.clause("VQ-15.3")
def test_inputs_and_embeddings_far_from_the_origin_and_near_each_other_are_reached():
    def far(case):
        difference = np.abs(case.vectors[:, np.newaxis] - case.emb_space)
        near = (
            (difference > 0).any(axis=-1) & (difference < 1).all(axis=-1) & (np.abs(case.emb_space) >= 99).all(axis=-1)
        )
        several = near[:, :, np.newaxis] & near[:, np.newaxis] & different(case)
        return case.emb_space.shape[1] > 1 and several.any()

    assert reaches(ROUNDED, far)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_differences_that_round_are_reached(dtype):
    def rounds(case):
        vectors, emb_space = case.vectors.astype(case.emb_space.dtype)[:, np.newaxis], case.emb_space
        exact = vectors.astype(np.longdouble) - emb_space.astype(np.longdouble)  # wide enough where exponents are near
        return case.x.dtype == dtype and (vectors - emb_space != exact).any()

    assert reaches(ROUNDED, rounds)


# Many choices as one.


@pytest.mark.parametrize(("low", "high"), [(0, 0), (0, 4), (-3, 3), (2, 5), (-9, -7), (-1000, 1000), (-(2**53), 2**53)])
def test_integers_of_a_range_are_all_reached_and_the_simplest_is_the_one_nearest_to_zero(low, high):
    drawn = np.concatenate(draws(_integers(low, high)))
    assert low <= drawn.min() <= low + (high - low) // 8
    assert high - (high - low) // 8 <= drawn.max() <= high
    assert high - low > 7 or set(drawn) == set(range(low, high + 1))
    simplest = hypothesis.find(_integers(low, high), lambda _: True, settings=settings(1))
    np.testing.assert_array_equal(simplest, np.full(6, min(max(low, 0), high)))


@st.composite
def _integers(draw, low, high):
    return choices.integers(draw, 6, low, high)


def test_each_choice_is_of_its_own_options_and_the_simplest_is_the_first():
    @st.composite
    def three(draw):
        choose = choices.chooser(draw, 3)
        return choose("ab"), choose((False, True)), choose(range(5))

    strategy = three()
    assert len(set(draws(strategy))) == 2 * 2 * 5
    assert hypothesis.find(strategy, lambda _: True, settings=settings(1)) == ("a", False, 0)


# What few combinations leave.


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("dtype", dtype) for dtype in DTYPES),
        *(("lookup_ord", lookup_ord) for lookup_ord in [*NORMS, 3]),
        *(("schedule", value) for value in (True, False)),
        ("n", 1),
        ("d", 1),
    ],
)
def test_the_few_configurations_of_the_graph_functions_cover_each_parameter(field, value):
    def covered(statics):
        drawn = getattr(statics, field)
        return (bool(drawn) if isinstance(value, bool) else drawn) == value

    assert GraphFunctions.configurations is not None
    assert reaches(CONFIGURATIONS, covered)


@pytest.mark.parametrize("is_present", [True, False])
@pytest.mark.parametrize("loss", ["alpha_loss", "beta_loss", "coulomb_loss"])
def test_the_few_configurations_of_the_graph_functions_cover_each_loss(loss, is_present):
    assert reaches(CONFIGURATIONS, lambda statics: bool(statics.weights.get(loss)) == is_present)


def test_the_few_configurations_of_the_graph_functions_cover_splits_of_single_coordinates():
    assert reaches(CONFIGURATIONS, lambda statics: statics.d == 1 < statics.num_splits)
