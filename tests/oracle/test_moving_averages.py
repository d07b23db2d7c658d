"""The oracle's moving averages by hand and in exact fractions, on the sphere too."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference import Commitment, Cosine, MostDistant, MovingAverage, Norm, Quantizer, initial_state, quantize
from reference.quantizer import replaced, started
from tests.oracle import exact
from tests.oracle.cases import Case, cases
from tests.oracle.rounding import error, roundings

E = np.array([[1.0], [5.0]])


def _pass(state: dict[str, Any], batch: list[Any], quantizer: Quantizer, training: bool = True) -> Any:
    x = np.array(batch, np.float64).reshape(1, -1, state["emb_space"].shape[1])
    return quantize(x, state, quantizer, training=training)


@pytest.mark.clause("VQ-24.1", "VQ-24.2", "VQ-24.3", "VQ-24.4", "VQ-24.5", "VQ-24.7", "VQ-17.5")
def test_worked_averages() -> None:
    quantizer = Quantizer(losses=(Commitment(1.0),), update=MovingAverage(0.5, 0.0))
    state = initial_state(E, quantizer)
    first = _pass(state, [0.0, 2.0, 2.5], quantizer)
    # All three choose 1: N is 1.5, and E the mean. What comes out, and the loss, are of E before.
    assert first.state["average_count"].tolist() == [1.5, 0]
    assert first.state["emb_space"].tolist() == [[1.5], [5]]
    assert first.layer_out.tolist() == [[[1], [1], [1]]]
    assert first.losses == {"commitment_loss": (1 + 1 + 2.25) / 3}
    second = _pass(first.state, [3.0, 7.0], quantizer)
    # N is 0.75 + 0.5 and 0 + 0.5: 1.5 + 0.5 / 1.25 (3 - 1.5), and 5 + 0.5 / 0.5 (7 - 5).
    assert second.state["average_count"].tolist() == [1.25, 0.5]
    assert second.state["emb_space"].tolist() == [[2.1], [7]]
    assert _pass(first.state, [3.0, 7.0], quantizer, training=False).state["emb_space"].tolist() == [[1.5], [5]]


@pytest.mark.clause("VQ-24.3")
def test_worked_smoothing() -> None:
    # N is 2 and 1 of 3, N' (2 + 0.5) / (3 + 1) 3 and 1.5 / 4 3.
    quantizer = Quantizer(update=MovingAverage(0.5, 0.5))
    state = {"emb_space": E, "average_count": np.array([2.0, 1.0])}
    after = _pass(state, [2.0, 2.0, 6.0], quantizer).state
    assert after["average_count"].tolist() == [2, 1]
    np.testing.assert_allclose(after["emb_space"], [[1 + 0.5 / 1.875 * 2], [5 + 0.5 / 1.125]], rtol=8 * 2**-53)


@pytest.mark.clause("VQ-24.1", "VQ-24.2", "VQ-24.6")
@given(case=cases(finite=False), decay=st.sampled_from([0.0, 0.5, 0.75]))
def test_without_epsilon_an_embedding_is_the_sum_over_the_count(case: Case, decay: float) -> None:
    quantizer = Quantizer(comparison=Norm(1), update=MovingAverage(decay, 0.0), num_splits=case.num_splits)
    state, gamma = initial_state(case.emb_space, quantizer), Fraction(decay)
    n, d, m = *case.emb_space.shape, len(case.exact_vectors)
    counts, sums = [Fraction(0)] * n, [[Fraction(0)] * d for _ in range(n)]
    for _ in range(2):
        emb_space = exact.rationals(state["emb_space"].tolist())
        result = quantize(case.x, state, quantizer, training=True)
        chosen = result.emb_index.reshape(-1).tolist()
        for j in range(n):
            vectors = [it for it, index in zip(case.exact_vectors, chosen, strict=True) if index == j]
            counts[j] = gamma * counts[j] + (1 - gamma) * len(vectors)
            own = [sum((vector[c] for vector in vectors), Fraction(0)) for c in range(d)]
            sums[j] = [gamma * sums[j][c] + (1 - gamma) * own[c] for c in range(d)]
            if vectors:
                emb_space[j] = [it / counts[j] for it in sums[j]]
            elif exact.is_finite(emb_space[j]):
                sums[j] = [counts[j] * it for it in emb_space[j]]  # the quotient stays
        state = result.state
        assert error(state["average_count"], counts) == 0
        # Of each pass at most m sums, and eight operations, on numbers of at most 2 m times the largest.
        sizes = [abs(it) for row in [*case.exact_vectors, *case.exact_emb_space] for it in row if it is not None]
        scale = 2 * max(m, 1) * (max(sizes, default=0) or Fraction(1))
        known = np.where(np.isfinite(state["emb_space"]), state["emb_space"], np.nan)  # infinities are None there
        assert error(known, emb_space, scale) <= roundings(2 * (m + 8))


SPHERE = Quantizer(Cosine(), update=MovingAverage(0.5, 0.0))


@pytest.mark.clause("VQ-24.11")
def test_on_the_sphere_what_moves_and_where_to_is_scaled() -> None:
    # (3, 4) is (0.6, 0.8), half of it and half of (1, 0) is (0.8, 0.4), and that is of the length sqrt 0.8.
    state = {"emb_space": np.array([[3.0, 4.0], [0.0, -7.0]]), "average_count": np.array([1.0, 1.0])}
    result = _pass(state, [[250.0, 0.0]], SPHERE)
    assert result.layer_out.tolist() == [[[3, 4]]]
    expected = np.array([[2.0, 1.0], [0.0, -7.0 * 5**0.5]]) / 5**0.5
    np.testing.assert_allclose(result.state["emb_space"], expected, rtol=16 * 2**-53)
    assert result.state["emb_space"][1].tolist() == [0, -7]


@pytest.mark.clause("VQ-24.13")
def test_on_the_sphere_what_has_no_direction_to_move_to_stays() -> None:
    state = {"emb_space": np.array([[0.0, 3.0]]), "average_count": np.zeros(1)}
    assert _pass(state, [[9.0, 0.0], [-2.0, 0.0]], SPHERE).state["emb_space"].tolist() == [[0, 3]]
    assert _pass(state, [[0.0, 0.0]], SPHERE).state["emb_space"].tolist() == [[0, 3]]
    # A zero embedding has one to move to, once it is chosen.
    state = {"emb_space": np.zeros((1, 2)), "average_count": np.zeros(1)}
    assert _pass(state, [[0.0, 8.0]], SPHERE).state["emb_space"].tolist() == [[0, 1]]


@pytest.mark.clause("VQ-24.9", "VQ-24.12")
def test_on_the_sphere_a_row_that_was_written_is_scaled_too() -> None:
    state = {"emb_space": np.array([[2.0, 0.0], [0.0, 2.0]]), "average_count": np.array([3.0, 0.5])}
    after = started(np.array([[[0.0, -4.0], [0.0, 0.0]]]), state, SPHERE)
    assert after["emb_space"].tolist() == [[0, -1], [0, 0]]
    assert after["average_count"].tolist() == [1.75, 1.75]


@pytest.mark.clause("VQ-24.9")
def test_a_row_that_is_replaced_counts_as_the_others_on_average() -> None:
    quantizer = Quantizer(Norm(1), update=MovingAverage(0.5, 0.0), replacement=MostDistant(1))
    state = _pass(initial_state(E, quantizer), [1.0, 1.0, 1.0, -3.0], quantizer).state
    after = replaced(state, quantizer)
    assert after["emb_space"].tolist() == [[0], [-3]]
    assert after["average_count"].tolist() == [2, 1]


@pytest.mark.clause("VQ-24.14")
def test_the_decay_and_the_smoothing_left_out() -> None:
    assert MovingAverage() == MovingAverage(0.99, 1e-5)
