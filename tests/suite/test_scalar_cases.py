"""Finite scalar quantization: its tolerances are honest, its strategies draw valid cases and keep their promises."""

import math
from dataclasses import replace

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from tests.suite.test_adapters import Less
from tests.suite.test_strategies import reaches
from vq_verify.adapters.graph import GraphFunctions
from vq_verify.adapters.oracle import Oracle
from vq_verify.comparison import comparison_dtype, rounding
from vq_verify.comparison.scalar import TANH, bound, bound_of, gradient, grid_rows, index_at, levels_at, vectors_of
from vq_verify.offers import DTYPES
from vq_verify.protocol import NotOffered, ScalarCase
from vq_verify.strategies import scalar as strategies
from vq_verify.subject import Subject

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("scalar cases")]  # on one worker, which draws once

ORACLE = Oracle()
CASES, CLEAR = strategies.scalar_cases(ORACLE), strategies.clear_cases(ORACLE)
INTERRUPTED, WITH_UPSTREAM = strategies.interrupted_cases(ORACLE), strategies.scalar_cases_with_upstream(ORACLE)
SPREAD = ScalarCase(x=np.linspace(-3, 3, 600, dtype=np.float32).reshape(1, 200, 3), levels=(4097, 8, 255))


def computed(case, tanh_error):
    """Return bound and hyperbolic tangent in the comparison dtype, the latter off by so many unit roundoffs."""
    dtype = comparison_dtype(case.x.dtype)
    half_width, offset, shift = (of.astype(dtype) for of in bound_of(case.levels, case.x.dtype))
    tanh = np.tanh(vectors_of(case).astype(dtype) + shift)
    tanh = (tanh * (1 + tanh_error * rounding(dtype).unit)).astype(dtype)
    return half_width * tanh - offset, tanh


def worst_of_bound(case, tanh_error):
    """Return the largest ratio of an observed error of a bound to what it may be."""
    exact, error = bound(case)
    return (np.abs(computed(case, tanh_error)[0].astype(np.float64) - exact) / error).max(initial=0)


def worst_of_gradient(case, upstream, tanh_error):
    """Return the same of a gradient."""
    half_width, _, _ = bound_of(case.levels, case.x.dtype)
    tanh = computed(case, tanh_error)[1]
    half = (np.array(case.levels) // 2).astype(tanh.dtype)
    arriving = upstream.astype(tanh.dtype).reshape(tanh.shape) / half * half_width.astype(tanh.dtype)
    passed = (arriving * (1 - tanh * tanh)).astype(case.x.dtype).reshape(case.x.shape)
    exact, error = gradient(case, upstream)
    return (np.abs(passed.astype(np.float64) - exact) / error).max(initial=0)


# NumPy's own tanh is off by 2, and that of the oracle's float64 for float64 as much.
OFF_BY = st.sampled_from([-(TANH - 4), 0, TANH - 4])


@pytest.mark.clause("VQ-29.11")
@hypothesis.given(CASES, OFF_BY)
def test_no_bound_by_a_tanh_as_bad_as_allowed_exceeds_its_error(case, tanh_error):
    assert worst_of_bound(case, tanh_error) <= 1


@pytest.mark.clause("VQ-29.12")
@hypothesis.given(WITH_UPSTREAM, OFF_BY)
def test_no_gradient_by_a_tanh_as_bad_as_allowed_exceeds_its_error(drawn, tanh_error):
    assert worst_of_gradient(*drawn, tanh_error) <= 1


@pytest.mark.clause("VQ-29.11", "VQ-29.12")
def test_the_errors_are_no_hundredfold_of_what_occurs():
    assert worst_of_bound(SPREAD, 0) >= 0.01
    assert worst_of_gradient(SPREAD, np.ones_like(SPREAD.x), 0) >= 0.01


@pytest.mark.clause("VQ-29.8")
def test_levels_and_indices_of_a_grid_by_hand():
    case = ScalarCase(x=np.zeros((1, 4, 2), np.float16), levels=(3, 4))
    np.testing.assert_array_equal(levels_at([0, 1, 3, 11], (3, 4)), [[0, 0], [1, 0], [0, 1], [2, 3]])
    np.testing.assert_array_equal(index_at(np.array([[0, 0], [1, 0], [0, 1], [2, 3]]), (3, 4)), [0, 1, 3, 11])
    rows = grid_rows(levels_at([0, 11], (3, 4)), case)
    np.testing.assert_array_equal(rows, np.array([[-1, -1], [1, 0.5]], np.float16), strict=True)


@hypothesis.given(CASES)
def test_cases_are_finite_and_fit_their_levels(case):
    assert np.isfinite(case.x.astype(np.float64)).all()
    assert case.x.shape[-1] == case.num_splits * len(case.levels)
    assert all(2 <= number <= 2**16 for number in case.levels)
    assert math.prod(case.levels) < 2**63


@hypothesis.given(CLEAR | INTERRUPTED)
def test_clear_cases_are_clear_of_where_the_level_changes(drawn):
    x = np.where(np.isfinite(drawn.case.x.astype(np.float64)), drawn.case.x, drawn.case.x.dtype.type(0))
    exact, error = bound(replace(drawn.case, x=x))
    distance = np.abs(exact - (drawn.level - np.array(drawn.case.levels) // 2))[drawn.finite]
    assert (distance + error[drawn.finite] <= 1 / 4).all()
    np.testing.assert_array_equal(drawn.finite, np.isfinite(vectors_of(drawn.case)).all(axis=-1))


def distance_to_a_change(case):
    exact, _ = bound(case)
    return np.abs(exact - np.floor(exact) - 0.5)


PROMISES = {
    "an even and an odd number": lambda case: {number % 2 for number in case.levels} == {0, 1},
    "two levels": lambda case: 2 in case.levels,
    "the most levels": lambda case: 2**16 in case.levels,
    "nearly as many codes as an index tells apart": lambda case: math.prod(case.levels) == 2**62,
    "more codes than are counted": lambda case: math.prod(case.levels) > 2**20,
    "several splits": lambda case: case.num_splits > 1 and len(case.levels) > 1,
    "a level that rounding decides": lambda case: (distance_to_a_change(case) <= bound(case)[1]).any(),
    "one that it hardly decides": lambda case: (
        (bound(case)[1] < distance_to_a_change(case)) & (distance_to_a_change(case) < 9 * bound(case)[1])
    ).any(),
    "a tie": lambda case: (
        case.x.dtype == np.float32 and (vectors_of(case) + bound_of(case.levels, case.x.dtype)[2] == 0).any()
    ),
    "both outermost levels": lambda case: {-1, 1} <= set(np.sign(vectors_of(case))[np.abs(vectors_of(case)) > 99]),
}


@pytest.mark.parametrize("promise", PROMISES)
def test_a_promised_case_is_reached(promise):
    assert reaches(CASES, lambda case: bool(PROMISES[promise](case)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_is_reached_with_many_levels_and_few(dtype):
    for strategy in (CASES, CLEAR.map(lambda drawn: drawn.case)):
        assert reaches(strategy, lambda case: case.x.dtype.name == dtype and max(case.levels) > 16)
        assert reaches(strategy, lambda case: case.x.dtype.name == dtype and max(case.levels) <= 5)


INTERRUPTIONS = {
    "masked and not finite": lambda drawn: (~drawn.counted & ~drawn.finite).any(),
    "masked and finite": lambda drawn: (~drawn.counted & drawn.finite).any(),
    "a vector with a finite coordinate and another": lambda drawn: (
        drawn.counted & ~drawn.finite & np.isfinite(vectors_of(drawn.case)).any(axis=-1)
    ).any(),
    "none of either": lambda drawn: drawn.found.all(),
    "none found": lambda drawn: not drawn.found.any(),
}


@pytest.mark.parametrize("promise", INTERRUPTIONS)
def test_a_promised_interruption_is_reached(promise):
    assert reaches(INTERRUPTED, lambda drawn: bool(INTERRUPTIONS[promise](drawn)))


@hypothesis.given(strategies.interrupted_cases(Subject(Less())))
def test_only_what_is_offered_is_drawn(drawn):
    assert (drawn.case.x.dtype, drawn.case.mask) == (np.float32, None)


def test_who_leaves_the_methods_out_does_not_offer_them():
    subject, case = Subject(GraphFunctions()), SPREAD
    for ask in (
        lambda: subject.quantize_scalar(case),
        lambda: subject.scalar_gradients(case, case.x),
        lambda: subject.decode_scalar(case, np.zeros((1, 1), np.int64)),
    ):
        with pytest.raises(NotOffered, match=r"`\w*scalar\w*`"):
            ask()
