"""The oracle's replacement within a training pass, by hand and against the passes and the replacement one by one."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference import MostDistant, Norm, Quantizer, ReplacementState, initial_state, quantize, vector_quantization
from reference.parts.replacement import initial_state as nothing_gathered
from reference.parts.replacement import replace_embeds, unnamed
from tests.oracle.cases import Case, cases
from tests.oracle.rounding import values

L1 = Norm(1)
E = np.array([[0.0], [10.0]])
NAMES = ["accumulated_usage_count", "distant_inputs", "input_distances", "passes_since_replacement"]


def _trained(rule: MostDistant, *batches: list[float], training: bool = True) -> Any:
    quantizer = Quantizer(comparison=L1, replacement=rule)
    state, result = initial_state(E, quantizer), None
    for batch in batches:
        result = quantize(np.array(batch).reshape(1, -1, 1), state, quantizer, training=training)
        state = result.state
    return result


def _kept(result: Any) -> list[Any]:
    return [np.asarray(result.state[name]).tolist() for name in NAMES]


@pytest.mark.clause("VQ-17.14", "VQ-23.1", "VQ-23.2", "VQ-23.3", "VQ-23.4", "VQ-23.8")
def test_a_worked_replacement_within_a_pass() -> None:
    # First pass: 1 and 2 are nearest to 0, so that 10 is not used; second: 5, a tie that 0 wins, at distance 5, and 9.
    first = _trained(MostDistant(1, every=2), [1.0, 2.0])
    assert _kept(first) == [[2, 0], [[2]], [2], 1]
    assert first.state["emb_space"].tolist() == [[0], [10]]
    second = _trained(MostDistant(1, every=2), [1.0, 2.0], [5.0, 9.0])
    assert second.state["emb_space"].tolist() == [[0], [5]]
    assert _kept(second) == [[0, 0], [[5]], [0], 0]
    # Output, index and count are of the embeddings before.
    assert second.layer_out.tolist() == [[[0], [10]]]
    assert (second.emb_index.tolist(), second.access_count.tolist()) == ([[0, 1]], [1, 1])


@pytest.mark.clause("VQ-23.2", "VQ-23.4")
def test_after_a_replacement_passes_are_counted_anew() -> None:
    counts = [_kept(_trained(MostDistant(1, every=3), *[[1.0]] * passes))[-1] for passes in range(1, 8)]
    assert counts == [1, 2, 0, 1, 2, 0, 1]


@pytest.mark.clause("VQ-23.3")
def test_every_pass_may_replace() -> None:
    # The other embedding becomes 3, then 3 is at distance 0 and 7 is at 4 from it, and 0 is less used.
    result = _trained(MostDistant(1, every=1), [3.0], [3.0, 7.0])
    assert result.state["emb_space"].tolist() == [[7], [3]]


@pytest.mark.clause("VQ-23.6")
@pytest.mark.parametrize("batch", [[0.0], [], [np.nan]], ids=["at an embedding", "empty", "not finite"])
def test_a_replacement_that_writes_nothing_resets_what_was_gathered(batch: list[float]) -> None:
    result = _trained(MostDistant(1, every=1), batch)
    assert result.state["emb_space"].tolist() == E.tolist()
    assert _kept(result)[0] == [0, 0]
    assert _kept(result)[2:] == [[0], 0]


@pytest.mark.clause("VQ-17.15", "VQ-23.5")
def test_an_inference_pass_neither_counts_nor_replaces() -> None:
    result = _trained(MostDistant(1, every=1), [3.0], [4.0], training=False)
    assert _kept(result) == [[0, 0], [[0]], [0], 0]
    assert result.state["emb_space"].tolist() == E.tolist()


@pytest.mark.clause("VQ-23.7")
def test_without_every_no_pass_replaces_and_none_is_counted() -> None:
    result = _trained(MostDistant(1), *[[3.0]] * 5)
    assert result.state["emb_space"].tolist() == E.tolist()
    assert set(result.state) == {"emb_space", *NAMES[:3]}
    assert result.state["accumulated_usage_count"].tolist() == [5, 0]


@pytest.mark.clause("VQ-22.7")
def test_usage_is_counted_in_integers() -> None:
    for state in (initial_state(E, Quantizer(replacement=MostDistant(1))), _trained(MostDistant(1), [1.0]).state):
        assert state["accumulated_usage_count"].dtype == np.int64


@pytest.mark.clause("VQ-23.3")
@given(case=cases(finite=False), number=st.integers(0, 2), every=st.integers(1, 3))
def test_it_is_what_the_passes_and_a_replacement_give_one_by_one(case: Case, number: int, every: int) -> None:
    number = min(number, len(case.emb_space))
    quantizer = Quantizer(comparison=L1, replacement=MostDistant(number, every), num_splits=case.num_splits)
    state, emb_space = initial_state(case.emb_space, quantizer), case.emb_space
    gathered: ReplacementState = nothing_gathered(len(emb_space), number, emb_space.shape[1])
    for i in range(4):
        x = case.x[i % 2 :]
        state = quantize(x, state, quantizer, training=True).state
        result = vector_quantization(x, emb_space, lookup_ord=1, num_splits=case.num_splits, replacement_state=gathered)
        assert result.replacement_state is not None
        gathered = result.replacement_state
        if (i + 1) % every == 0:
            emb_space, gathered = replace_embeds(gathered, emb_space)
        assert values(state["emb_space"]) == values(emb_space)
        assert [values(it) for it in unnamed(state)] == [values(it) for it in gathered]


@pytest.mark.clause("VQ-14.3")
def test_the_embedding_space_keeps_its_dtype() -> None:
    quantizer = Quantizer(replacement=MostDistant(1, every=1))
    state = initial_state(E.astype(np.float32), quantizer)
    after = quantize(np.ones((1, 1, 1), np.float32), state, quantizer, training=True).state
    assert (after["emb_space"].dtype, after["emb_space"].tolist()) == (np.float32, [[0], [1]])


@pytest.mark.clause("VQ-16.2", "VQ-16.3", "VQ-16.19", "VQ-17.1", "VQ-23.1")
@pytest.mark.parametrize(
    ("number", "every", "raised", "message"),
    [
        (1.0, None, TypeError, r"^`number` of MostDistant \(num_embeds_replaced\) must be an integer. .*number=1.0$"),
        (-1, None, ValueError, r"^`number` of MostDistant \(num_embeds_replaced\) must not be negative. .*number=-1$"),
        (1, 0, ValueError, r"^`every` of MostDistant must be greater than 0. Received: every=0$"),
        (1, True, TypeError, r"^`every` of MostDistant must be an integer. Received: every=True$"),
    ],
)
def test_a_wrong_replacement_is_refused(number: Any, every: Any, raised: type[Exception], message: str) -> None:
    with pytest.raises(raised, match=message):
        MostDistant(number, every)


@pytest.mark.clause("VQ-16.19")
def test_more_replacements_than_embeddings_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^`num_embeds_replaced` must be from 0 to n=2. Received: .*=3$"):
        initial_state(E, Quantizer(replacement=MostDistant(3)))
