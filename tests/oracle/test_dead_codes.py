"""The oracle's dead codes by hand, and against a loop over the passes."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from reference import Cosine, DeadCodes, Norm, Quantizer, initial_state, quantize
from reference.quantizer import replaced
from tests.oracle.cases import Case, cases

E = np.array([[0.0], [50.0], [90.0]])


def _trained(rule: DeadCodes, emb_space: Any, *batches: Any, comparison: Any = Norm(1), mask: Any = None) -> Any:  # noqa: B008
    quantizer, state = Quantizer(comparison, replacement=rule), None
    emb_space = np.array(emb_space, np.float64)
    state = initial_state(emb_space, quantizer)
    for batch in batches:
        x = np.array(batch, np.float64).reshape(1, -1, emb_space.shape[1])
        state = quantize(x, state, quantizer, mask, training=True).state
    return state


@pytest.mark.clause("VQ-26.1", "VQ-26.4", "VQ-26.5", "VQ-26.7", "VQ-26.10", "VQ-26.11")
def test_a_worked_replacement_of_dead_codes() -> None:
    # Of six vectors on three embeddings the even share is 2: u becomes 1.75, 0.75 and 0.5, of which one is below 0.6.
    rule = DeadCodes(0.6, 0.5, "most-distant", number=2)
    state = _trained(rule, [[0.0], [50.0], [90.0]], [0.0, 1.0, 4.0, -7.0, 7.0, 50.0])
    assert state["emb_space"].tolist() == [[0], [50], [-7]]  # before 7, which is as far, but later
    assert state["moving_share"].tolist() == [1 + 0.5 * (2.5 - 1), 1 + 0.5 * (0.5 - 1), 1]
    assert state["passes_since_replacement"] == 0
    # By hand, one pass later and without another vector, nothing is left to be written.
    assert replaced(state, Quantizer(Norm(1), replacement=rule))["emb_space"].tolist() == [[0], [50], [-7]]


@pytest.mark.clause("VQ-26.2")
@pytest.mark.parametrize("batch", [[], [np.nan, np.inf]], ids=["empty", "not finite"])
def test_a_pass_without_a_vector_leaves_the_shares(batch: list[float]) -> None:
    rule = DeadCodes(0.5, 0.0, every=None)
    state = _trained(rule, E, [1.0, 2.0, 49.0], batch)
    assert state["moving_share"].tolist() == [2, 1, 0]


@pytest.mark.clause("VQ-26.3", "VQ-26.14")
def test_what_nothing_chooses_is_dead_after_59_passes_by_default() -> None:
    rule = DeadCodes()
    assert rule == DeadCodes(0.05, 0.95, "sample", None, 1, 0)
    assert math.ceil(math.log(0.05) / math.log(0.95)) == 59
    before = _trained(rule, E[:2], *[[1.0, 1.0]] * 58)
    assert before["emb_space"].tolist() == [[0], [50]]
    after = _trained(rule, E[:2], *[[1.0, 1.0]] * 59)
    assert after["emb_space"].tolist() == [[0], [1]]


@pytest.mark.clause("VQ-26.5")
@pytest.mark.parametrize(("n", "number"), [(1, 1), (7, 1), (15, 1), (16, 2), (24, 3)])
def test_by_default_an_eighth_is_replaced(n: int, number: int) -> None:
    emb_space = 1000.0 + np.arange(n)[:, np.newaxis]
    emb_space[-1] = 0
    state = _trained(DeadCodes(0.5, 0.0), emb_space, np.arange(n) / n)
    assert (state["emb_space"] < 1).sum() == min(number + 1, n)


@pytest.mark.clause("VQ-26.7")
def test_by_cosine_the_least_similar_come_first() -> None:
    # Of similarities of 1, 0.6 and 0.8 to (1, 0); the others are most similar to nothing.
    rule = DeadCodes(0.5, 0.0, "most-distant", number=3)
    x = [[2.0, 0.0], [3.0, 4.0], [8.0, 6.0]]
    state = _trained(rule, [[1.0, 0.0], [-1.0, 0.0], [0.0, -1.0]], x, comparison=Cosine())
    assert state["emb_space"].tolist() == [[1, 0], [3, 4], [8, 6]]


@pytest.mark.clause("VQ-26.8", "VQ-26.9", "VQ-26.13")
def test_a_sample_is_of_new_vectors_that_count() -> None:
    x, mask = [0.0, 1.0, 2.0, 2.0, 3.0, np.nan, np.inf], np.array([[True, True, True, True, False, True, True]])
    drawn = []
    for seed in [*range(12), 0]:
        state = _trained(DeadCodes(0.5, 0.0, number=3, seed=seed), E, x, mask=mask)
        drawn.append(state["emb_space"][1:, 0].tolist())
        # Of the four that count three are drawn: 1 and 2, or twice 2, and 0 is there already.
        assert drawn[-1] in ([1, 2], [2, 1], [2, 90])
    assert drawn[0] == drawn[-1]
    assert [1, 2] in drawn
    assert [2, 1] in drawn


@pytest.mark.clause("VQ-26.6", "VQ-26.12")
@given(case=cases(finite=False))
def test_dead_rows_and_no_other_become_vectors(case: Case) -> None:
    rule, n = DeadCodes(0.5, 0.0, "most-distant", number=len(case.emb_space)), len(case.emb_space)
    quantizer = Quantizer(Norm(1), replacement=rule, num_splits=case.num_splits)
    result = quantize(case.x, initial_state(case.emb_space, quantizer), quantizer, training=True)
    chosen = [index for row in case.exact_indices(1) for index in row if index >= 0]
    known = {tuple(row) for row in case.emb_space.tolist()}
    for j, (before, after) in enumerate(zip(case.emb_space, result.state["emb_space"], strict=True)):
        share = chosen.count(j) * n / len(chosen) if chosen else 1
        paced = 1 + min(1, len(chosen) / n) * (share - 1)
        if not np.array_equal(before, after, equal_nan=True):
            assert paced < 0.5
            assert tuple(after.tolist()) not in known
            assert after.tolist() in case.vectors.reshape(-1, len(after)).tolist()
            known.add(tuple(after.tolist()))
