"""The oracle's statistics: parts of a batch merge to what the whole batch gives."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference import Gradient, MostDistant, Norm, Quantizer, initial_state, quantize
from reference.passes import Pass, look_up
from reference.statistics import Candidates, Statistics, merged
from tests.oracle.cases import Case, cases


def _passes(case: Case, cuts: list[int], lookup_ord: float = 1) -> list[Pass]:
    """Look up the parts of a batch that are cut before the given elements."""
    quantizer, m = Quantizer(comparison=Norm(lookup_ord), num_splits=case.num_splits), case.vectors.shape[1]
    edges = [0, *sorted(min(cut, len(case.x)) for cut in cuts), len(case.x)]
    return [
        look_up(case.x[a:b], np.ones((b - a, m), bool), case.emb_space, quantizer, a * m)
        for a, b in itertools.pairwise(edges)
    ]


def _listed(statistics: Statistics) -> tuple[list[int], list[float], list[int], list[list[float]]]:
    distant = statistics["distant"]
    count = statistics["access_count"]
    assert count.dtype == np.int64
    return count.tolist(), distant.distance.tolist(), distant.order.tolist(), distant.vector.tolist()


@pytest.mark.clause("VQ-22.3", "VQ-22.4")
@given(cases(finite=False), st.lists(st.integers(0, 3), max_size=3), st.integers(0, 4))
def test_the_parts_of_a_batch_gather_what_the_whole_does(case: Case, cuts: list[int], number: int) -> None:
    rule = MostDistant(number)
    whole, *parts = [rule.gather(it) for it in [*_passes(case, []), *_passes(case, cuts)]]
    left = parts[0]
    for part in parts[1:]:
        left = merged(left, part)
    right = parts[-1]
    for part in parts[-2::-1]:  # in another order, and from the other side
        right = merged(right, part)
    assert _listed(left) == _listed(right) == _listed(whole)


@pytest.mark.clause("VQ-22.5")
@given(cases(finite=False), st.integers(0, 3), st.integers(0, 2))
def test_a_pass_leaves_what_a_rule_makes_of_the_merged_statistics_of_its_parts(
    case: Case, cut: int, number: int
) -> None:
    rule = MostDistant(min(number, len(case.emb_space)), every=2)
    quantizer = Quantizer(comparison=Norm(1), replacement=rule, num_splits=case.num_splits)
    state = initial_state(case.emb_space, quantizer)
    expected = rule.after(state, merged(*map(rule.gather, _passes(case, [cut]))), Norm(1))
    left = quantize(case.x, state, quantizer, training=True).state
    assert left.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(left[name], value, err_msg=name)


@pytest.mark.clause("VQ-22.8", "VQ-22.9")
@given(cases(finite=False), st.integers(0, 3))
def test_candidates_are_the_vectors_that_loops_find_most_distant(case: Case, number: int) -> None:
    rows = [row for sample in case.exact_distances(1) for row in sample]
    known = [
        (-min(it for it in row if it is not None), order, vector)
        for order, (row, vector) in enumerate(zip(rows, case.vectors.reshape(-1, case.emb_space.shape[1]), strict=True))
        if any(it is not None for it in row)
    ]
    expected = sorted(known, key=lambda it: it[:2])[:number]
    counts = [
        sum(index == j for sample in case.exact_indices(1) for index in sample) for j in range(len(case.emb_space))
    ]
    distances, orders = [float(-it) for it, _, _ in expected], [order for _, order, _ in expected]
    gathered = MostDistant(number).gather(_passes(case, [])[0])
    assert _listed(gathered) == (counts, distances, orders, [it.tolist() for _, _, it in expected])


@pytest.mark.clause("VQ-22.2", "VQ-22.3")
def test_worked_candidates_merge_by_distance_then_by_order() -> None:
    first = Candidates(3, np.array([5.0, 2.0]), np.array([0, 3]), np.array([[1.0], [2.0]]))
    second = Candidates(3, np.array([5.0, 2.0, 1.0]), np.array([7, 2, 9]), np.array([[3.0], [4.0], [5.0]]))
    for both in (first.merged(second), second.merged(first)):
        assert both.distance.tolist() == [5, 5, 2]
        assert both.order.tolist() == [0, 7, 2]
        assert both.vector.tolist() == [[1], [3], [4]]


@pytest.mark.clause("VQ-22.6")
@given(cases(finite=False), st.integers(0, 1))
def test_a_rule_changes_nothing_that_it_is_given(case: Case, number: int) -> None:
    rule = MostDistant(number, every=1)
    state = initial_state(case.emb_space, Quantizer(replacement=rule))
    it = _passes(case, [])[0]
    before = {name: np.array(value) for name, value in state.items()}
    statistics = rule.gather(it)
    gathered = _listed(statistics)
    rule.after(state, statistics, Norm(1))
    assert _listed(statistics) == gathered
    for name, value in state.items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.clause("VQ-17.5")
@given(cases(finite=False))
def test_the_update_by_gradients_gathers_nothing_and_leaves_the_state(case: Case) -> None:
    state = {"emb_space": case.emb_space}
    assert Gradient().gather(_passes(case, [])[0]) == {}
    assert Gradient().after(state, {}, Norm()) is state
