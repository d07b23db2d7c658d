"""The oracle's starts from a sample and from k-means, by hand and by their frequencies."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference import Cosine, FromBatch, MostDistant, Norm, Quantizer, initial_state, quantize
from reference.parts.starts import k_means_seeds
from tests.oracle.cases import Case, cases


def _begun(vectors: Any, n: int, start: FromBatch, comparison: Any = Norm(), mask: Any = None) -> Any:  # noqa: B008
    vectors = np.array(vectors, np.float64)
    quantizer = Quantizer(comparison, start=start)
    state = initial_state(np.zeros((n, vectors.shape[1])), quantizer)
    return quantize(vectors[np.newaxis], state, quantizer, mask, training=True)


def _rows(result: Any) -> list[Any]:
    return sorted(result.state["emb_space"].tolist())


@pytest.mark.clause("VQ-25.1", "VQ-25.2")
@pytest.mark.parametrize(("n", "expected"), [(2, {1}), (5, {1}), (7, {1, 2}), (10, {2})])
def test_a_sample_takes_each_as_often_as_any_other_or_once_more(n: int, expected: set[int]) -> None:
    for seed in range(5):
        counts = Counter(map(tuple, _rows(_begun(np.arange(5.0)[:, np.newaxis], n, FromBatch("sample", seed=seed)))))
        assert set(counts.values()) == expected
        assert counts.keys() <= {(float(i),) for i in range(5)}


@pytest.mark.clause("VQ-25.1", "VQ-25.7")
def test_masked_vectors_and_those_not_finite_are_left_out() -> None:
    vectors = [[1.0], [np.nan], [2.0], [np.inf], [3.0]]
    for method in ("sample", "k-means"):
        result = _begun(vectors, 2, FromBatch(method), mask=np.array([[True, True, False, True, True]]))
        assert _rows(result) == [[1], [3]]
        nothing = _begun(vectors[1:2], 2, FromBatch(method))
        assert (_rows(nothing), bool(nothing.state["initialized"])) == ([[0], [0]], False)


@pytest.mark.clause("VQ-25.3")
@given(case=cases(), seed=st.integers(0, 9))
def test_as_many_seeds_as_there_are_distinct_vectors_are_these(case: Case, seed: int) -> None:
    vectors = case.vectors.reshape(-1, case.vectors.shape[-1])
    if len(vectors):
        distinct = np.unique(vectors, axis=0)
        seeds = k_means_seeds(vectors, len(distinct) + 1, np.random.default_rng(seed))
        np.testing.assert_array_equal(np.unique(seeds, axis=0), distinct)


@pytest.mark.clause("VQ-25.3")
def test_seeds_are_drawn_in_proportion_to_their_squared_distance() -> None:
    # First each with 1 / 3; then, after 0, 1 and 3 as 1 to 9; after 1, 0 and 3 as 1 to 4; after 3, 0 and 1 as 9 to 4.
    vectors, number = np.array([[0.0], [1.0], [3.0]]), 3000
    rng = np.random.default_rng(0)
    drawn = Counter(tuple(k_means_seeds(vectors, 2, rng)[:, 0]) for _ in range(number))
    shares = {(0, 1): 0.1, (0, 3): 0.9, (1, 0): 0.2, (1, 3): 0.8, (3, 0): 9 / 13, (3, 1): 4 / 13}
    for pair, share in shares.items():
        expected = number * share / 3
        assert abs(drawn[pair] - expected) <= 5 * np.sqrt(expected)  # five standard deviations, a bit more


@pytest.mark.clause("VQ-25.4", "VQ-25.5")
def test_at_most_so_many_steps_are_taken() -> None:
    # Whichever two are drawn, the rows move toward 0.5 and 11, and are there after three steps.
    vectors = [[0.0], [1.0], [10.0], [11.0], [12.0]]
    for seed in range(8):
        seeds = _begun(vectors, 2, FromBatch("k-means", 0, seed)).state["emb_space"]
        assert all([row] in vectors for row in seeds[:, 0].tolist())
        distances = np.abs(np.array(vectors) - seeds[:, 0])
        means = [np.mean(np.array(vectors)[distances.argmin(axis=1) == j]) for j in range(2)]
        assert _begun(vectors, 2, FromBatch("k-means", 1, seed)).state["emb_space"][:, 0].tolist() == means
        assert _rows(_begun(vectors, 2, FromBatch("k-means", 3, seed))) == [[0.5], [11]]
        assert _rows(_begun(vectors, 2, FromBatch("k-means", 99, seed))) == [[0.5], [11]]


@pytest.mark.clause("VQ-25.6")
def test_on_the_sphere_vectors_and_means_are_scaled() -> None:
    vectors = [[3.0, 4.0], [40.0, 30.0], [0.0, -2.0]]
    rows = _begun(vectors, 2, FromBatch("k-means"), Cosine()).state["emb_space"]
    expected = np.array([[0.0, -1.0], [0.5**0.5, 0.5**0.5]])
    np.testing.assert_allclose(rows[np.argsort(rows[:, 0])], expected, rtol=8 * 2**-53)
    sample = _begun(vectors, 3, FromBatch("sample"), Cosine())
    assert _rows(sample) == sorted(vectors)  # which is of the vectors as they are


@pytest.mark.clause("VQ-25.8")
@pytest.mark.parametrize("method", ["sample", "k-means"])
def test_equal_seeds_draw_the_same_and_others_do_not(method: str) -> None:
    vectors = np.arange(20.0)[:, np.newaxis] ** 2
    draws = [_begun(vectors, 3, FromBatch(method, 0, seed)).state["emb_space"].tolist() for seed in (0, 0, 1, 2, 3)]
    assert draws[0] == draws[1]
    assert len({str(draw) for draw in draws}) > 2


@pytest.mark.clause("VQ-25.10", "VQ-17.7")
def test_what_a_start_from_a_batch_leaves_out() -> None:
    assert FromBatch() == FromBatch("first", 10, 0)


@pytest.mark.clause("VQ-17.13", "VQ-25.7")
def test_a_pass_that_starts_nothing_trains_what_is_there() -> None:
    quantizer = Quantizer(start=FromBatch("k-means"), replacement=MostDistant(1))
    state = initial_state(np.zeros((1, 1)), quantizer)
    after = quantize(np.full((1, 1, 1), np.nan), state, quantizer, training=True).state
    assert not after["initialized"]
    assert after["accumulated_usage_count"].tolist() == [0]
