"""The oracle's replacement against plain loops and cases worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from reference import vector_quantization
from reference.parts.replacement import ReplacementState, accumulate, initial_state, replace_embeds
from tests.oracle.rounding import values

Slot = tuple[float, list[float]]

_DISTANCES = st.sampled_from([0.0, 0.5, 1.0, 2.0])  # few: ties, and empty slots
_ROWS = st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=2, max_size=2)  # few: they repeat
_USAGE = st.sampled_from([0.0, 1.0, 2.0])


def most_distant(slots: list[Slot], number: int) -> list[Slot]:
    """Take the largest distance again and again, the earlier one on ties."""
    left, taken = list(slots), []
    for _ in range(number):
        farthest = 0
        for i in range(1, len(left)):
            if left[i][0] > left[farthest][0]:
                farthest = i
        taken.append(left.pop(farthest))
    return taken


def after_replacement(usage: list[float], slots: list[Slot], emb_space: list[list[float]]) -> list[list[float]]:
    """Write one slot after the other over the least used of the embeddings that are left."""
    rows, left, seen = list(emb_space), list(range(len(emb_space))), list(emb_space)
    for distance, vector in most_distant(slots, len(slots)):
        if distance > 0 and vector not in seen:
            least = left[0]
            for i in left:
                if usage[i] < usage[least]:
                    least = i
            left.remove(least)
            rows[least] = vector
        seen.append(vector)
    return rows


def state_of(usage: list[float], slots: list[Slot]) -> ReplacementState:
    inputs = np.array([vector for _, vector in slots]).reshape(-1, 2)
    return ReplacementState(np.array(usage), inputs, np.array([distance for distance, _ in slots]))


def slots_of(state: ReplacementState) -> list[Slot]:
    return list(zip(state.input_distances.tolist(), state.distant_inputs.tolist(), strict=True))


@st.composite
def states(draw: st.DrawFn) -> tuple[list[float], list[Slot], list[list[float]]]:
    """Draw usage, from no slot to as many as there are embeddings, and embeddings."""
    n = draw(st.integers(1, 4))
    usage, emb_space = (draw(st.lists(each, min_size=n, max_size=n)) for each in (_USAGE, _ROWS))
    return usage, draw(st.lists(st.tuples(_DISTANCES, _ROWS), max_size=n)), emb_space


@pytest.mark.clause("VQ-11.2", "VQ-11.3", "VQ-11.4")
@given(states(), st.integers(0, 3), st.data())
def test_a_pass_adds_the_usage_and_keeps_the_most_distant(
    drawn: tuple[list[float], list[Slot], list[list[float]]], batch: int, data: st.DataObject
) -> None:
    usage, slots, _ = drawn
    slots = most_distant(slots, len(slots))
    vectors = data.draw(st.lists(_ROWS, min_size=2 * batch, max_size=2 * batch))
    one = st.lists(_DISTANCES | st.just(np.nan), min_size=len(usage), max_size=len(usage))
    distances = data.draw(st.lists(one, min_size=2 * batch, max_size=2 * batch))
    state = accumulate(
        state_of(usage, slots),
        np.arange(len(usage)) * 1.0,
        np.array(vectors).reshape(batch, 2, 2),
        np.array(distances).reshape(batch, 2, -1 if batch else len(usage)),
    )
    known = [[distance for distance in row if not np.isnan(distance)] for row in distances]
    of_batch = [(min(row), vector) for row, vector in zip(known, vectors, strict=True) if row]
    assert state.usage.tolist() == [count + i for i, count in enumerate(usage)]
    assert slots_of(state) == most_distant(slots + of_batch, len(slots))


@pytest.mark.clause("VQ-11.6", "VQ-11.7", "VQ-11.8", "VQ-11.9")
@given(states())
def test_a_replacement_is_what_a_loop_over_the_slots_does(
    drawn: tuple[list[float], list[Slot], list[list[float]]],
) -> None:
    usage, slots, emb_space = drawn
    before, rows = state_of(usage, slots), np.array(emb_space)
    replaced, state = replace_embeds(before, rows)
    assert replaced.tolist() == after_replacement(usage, slots, emb_space)
    assert state.usage.tolist() == [0] * len(usage)
    assert slots_of(state) == [(0, vector) for _, vector in slots]
    # What came in is as it was.
    assert (before.usage.tolist(), slots_of(before), rows.tolist()) == (usage, slots, emb_space)


@pytest.mark.clause("VQ-11.6", "VQ-11.7", "VQ-11.8", "VQ-11.9")
@pytest.mark.parametrize(
    ("usage", "slots", "expected"),
    [
        ([0, 0, 0], [(5, [7, 7]), (5, [8, 8])], [[7, 7], [8, 8], [3, 3]]),  # all ties: in order
        ([2, 0, 1], [(4, [7, 7]), (6, [8, 8])], [[1, 1], [8, 8], [7, 7]]),  # farthest over least used
        ([0, 9, 9], [(0, [7, 7])], [[1, 1], [2, 2], [3, 3]]),  # an empty slot
        ([0, 9, 9], [(0, [7, 7]), (1, [8, 8])], [[8, 8], [2, 2], [3, 3]]),  # it uses up no embedding
        ([0, 1, 2], [(9, [3, 3]), (8, [7, 7])], [[7, 7], [2, 2], [3, 3]]),  # an input equal to an embedding, nor does
        ([0, 1, 2], [(9, [7, 7]), (8, [7, 7]), (5, [8, 8])], [[7, 7], [8, 8], [3, 3]]),  # one that repeats, nor does
        (
            [0, 1, 2],
            [(9, [7, 7]), (8, [1, 1])],
            [[7, 7], [2, 2], [3, 3]],
        ),  # nor one equal to an embedding just replaced
        ([2, 1, 0], [(3, [7, 7]), (2, [8, 8]), (1, [9, 9])], [[9, 9], [8, 8], [7, 7]]),  # as many as there are
        ([0, 0, 0], [], [[1, 1], [2, 2], [3, 3]]),  # no slot at all
    ],
)
def test_replacements_worked_by_hand(usage: list[float], slots: list[Slot], expected: list[list[float]]) -> None:
    replaced, _ = replace_embeds(state_of(usage, slots), np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]))
    assert replaced.tolist() == expected


@pytest.mark.clause("VQ-11.2", "VQ-11.3", "VQ-11.6", "VQ-11.8")
def test_a_worked_training() -> None:
    # Under L1 the vectors (0, 0), (1, 0), (0, 3), (5, 5) are at 0, 1, 3, 8 from (0, 0) and at 8, 7, 5, 2 from (4, 4).
    emb_space = np.array([[0.0, 0.0], [4.0, 4.0]])
    first, second = np.array([[[0.0, 0.0, 1.0, 0.0]]]), np.array([[[0.0, 3.0, 5.0, 5.0]]])
    state = initial_state(2, 2, 2)
    for x in (first, second):
        result = vector_quantization(x, emb_space, lookup_ord=1, num_splits=2, replacement_state=state)
        assert result.replacement_state is not None
        state = result.replacement_state
    assert state.usage.tolist() == [3, 1]
    assert slots_of(state) == [(3, [0, 3]), (2, [5, 5])]
    assert replace_embeds(state, emb_space)[0].tolist() == [[5, 5], [0, 3]]


@pytest.mark.clause("VQ-13.14")
def test_a_vector_that_finds_no_embedding_does_not_enter() -> None:
    x = np.array([[[np.inf], [np.nan], [2.0], [-np.inf]]])
    result = vector_quantization(x, np.array([[0.0], [np.nan]]), replacement_state=initial_state(2, 2, 1))
    assert result.replacement_state is not None
    assert [values(value) for value in result.replacement_state] == [[1, 0], [[2], [0]], [2, 0]]


def test_a_pass_without_a_state_leaves_none() -> None:
    assert vector_quantization(np.ones((1, 1, 1)), np.ones((1, 1))).replacement_state is None


@pytest.mark.clause("VQ-11.4", "VQ-11.7")
def test_of_many_equal_distances_and_usages_the_earlier_come_first() -> None:
    # So many that a sort which need not keep the order of equals does not.
    inputs = np.arange(1.0, 41.0)[:, np.newaxis]
    distances = np.tile([1.0, 3.0, 2.0, 1.0], 10)
    emb_space, _ = replace_embeds(ReplacementState(np.zeros(60), inputs, distances), np.zeros((60, 1)))
    order = sorted(range(40), key=lambda i: -distances[i])
    assert emb_space[:, 0].tolist() == [*inputs[order, 0], *[0.0] * 20]
    state = accumulate(initial_state(60, 40, 1)._replace(input_distances=np.ones(40)), np.zeros(60), *_tied(60))
    assert not state.distant_inputs.any()
    state = accumulate(initial_state(60, 40, 1), np.zeros(60), *_tied(60))
    assert state.distant_inputs[:, 0].tolist() == list(range(40))


def _tied(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return numbered vectors, ``[count, 1, 1]``, all at distance 1 from as many embeddings."""
    return np.arange(float(count)).reshape(count, 1, 1), np.ones((count, 1, count))
