"""The oracle's quantizer, all its results together, against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference import vector_quantization
from tests.oracle import exact
from tests.oracle.cases import EXACT_ORDS, LOOKUP_ORDS, Case, cases
from tests.oracle.rounding import once_rounded, values

NAMES = ("alpha_loss", "beta_loss", "coulomb_loss")


@pytest.mark.clause("VQ-1.1", "VQ-2.1", "VQ-2.3", "VQ-2.5", "VQ-5.3", "VQ-5.4", "VQ-5.5")
def test_a_worked_quantization() -> None:
    # The vectors (1, 1), (3, 0), (2, 2), (4, 5) and the embeddings (0, 0), (4, 4), under L1: (1, 1) is at 2 and 6,
    # (3, 0) at 3 and 5, (2, 2) at 4 and 4, a tie that index 0 wins, (4, 5) at 9 and 1.
    x, emb_space = np.array([[[1.0, 1.0, 3.0, 0.0], [2.0, 2.0, 4.0, 5.0]]]), np.array([[0.0, 0.0], [4.0, 4.0]])
    result = vector_quantization(x, emb_space, alpha=2, beta=4, gamma=0.5, lookup_ord=1, num_splits=2)
    assert result.distance.tolist() == [[[2, 6], [3, 5], [4, 4], [9, 1]]]
    assert result.emb_index.tolist() == [[0, 0, 0, 1]]
    assert result.layer_out.tolist() == [[[0, 0, 0, 0], [0, 0, 4, 4]]]
    assert result.access_count.tolist() == [3, 1]
    assert (result.emb_spacing.tolist(), result.emb_closest_spacing.tolist()) == ([8], [8, 8])
    # The means 2 (2 + 3 + 4 + 1) / 4 and 4 (8 + 8 + 8 + 10) / 4, and the sum -(8 + 8) / 2.
    assert result.losses == {"alpha_loss": 5.0, "beta_loss": 34.0, "coulomb_loss": -8.0}


@pytest.mark.clause("VQ-2.5")
@given(case=cases(finite=False))
def test_every_piece_of_the_output_is_a_row_of_the_embedding_space_bit_for_bit(case: Case) -> None:
    rows = [*case.emb_space_lists, [float("nan")] * len(case.emb_space_lists[0])]  # index -1 is the last
    for lookup_ord in LOOKUP_ORDS:
        result = vector_quantization(case.x, case.emb_space, lookup_ord=lookup_ord, num_splits=case.num_splits)
        expected = [it for sample in case.exact_indices(lookup_ord) for index in sample for it in rows[index]]
        assert result.layer_out.shape == case.x.shape
        assert [it.hex() for it in result.layer_out.reshape(-1).tolist()] == [it.hex() for it in expected]


@pytest.mark.clause("VQ-1.1", "VQ-1.2", "VQ-4.1", "VQ-6.1", "VQ-6.2")
@given(case=cases(finite=False))
def test_counts_distances_and_spacings_are_exact_for_l1_and_linf(case: Case) -> None:
    emb_space = case.exact_emb_space
    for lookup_ord in EXACT_ORDS:
        result = vector_quantization(case.x, case.emb_space, lookup_ord=lookup_ord, num_splits=case.num_splits)
        indices = case.exact_indices(lookup_ord)
        flat = [index for sample in indices for index in sample]
        assert result.emb_index.tolist() == indices
        assert result.access_count.tolist() == exact.access_count(flat, len(emb_space))
        assert values(result.distance) == case.exact_distances(lookup_ord)
        assert values(result.emb_spacing) == exact.emb_spacing(emb_space, lookup_ord)
        assert values(result.emb_closest_spacing) == exact.emb_closest_spacing(emb_space, lookup_ord)


@pytest.mark.clause("VQ-5.3", "VQ-5.4", "VQ-5.5")
@given(case=cases(finite=False))
def test_each_loss_has_its_own_weight(case: Case) -> None:
    vectors, emb_space = case.exact_vectors, case.exact_emb_space
    alpha, beta, gamma = 0.5, 0.75, 4.0
    result = vector_quantization(
        case.x, case.emb_space, alpha=alpha, beta=beta, gamma=gamma, lookup_ord=1, num_splits=case.num_splits
    )
    expected = {
        "alpha_loss": exact.alpha_loss(vectors, emb_space, 1, Fraction(alpha)),
        "beta_loss": exact.beta_loss(vectors, emb_space, 1, Fraction(beta)),
        "coulomb_loss": exact.coulomb_loss(emb_space, 1, Fraction(gamma)),
    }
    # Exact, up to the quotient of the mean.
    assert {name: values(loss) for name, loss in result.losses.items()} == {
        name: once_rounded(loss) for name, loss in expected.items()
    }


@pytest.mark.clause("VQ-5.1", "VQ-5.2")
@given(st.tuples(*[st.sampled_from([0, 0.0, 0.5])] * 3))
def test_a_loss_is_absent_when_its_weight_is_zero_and_the_order_stays(drawn: tuple[float, float, float]) -> None:
    alpha, beta, gamma = drawn
    result = vector_quantization(np.ones((1, 1, 1)), np.zeros((2, 1)), alpha=alpha, beta=beta, gamma=gamma)
    assert list(result.losses) == [name for name, weight in zip(NAMES, drawn, strict=True) if weight]


def test_the_weights_left_out_are_those_of_the_original() -> None:
    # x is at 1 from both embeddings, which are 2 apart: 0.1 * 1, 1e-4 * 2, -1e-6 * 4.
    result = vector_quantization(np.zeros((1, 1, 1)), np.array([[1.0], [-1.0]]))
    assert result.losses == {"alpha_loss": 0.1, "beta_loss": 1e-4 * 2, "coulomb_loss": -1e-6 * 4}


def test_the_norm_left_out_is_l2_and_the_number_of_splits_one() -> None:
    result = vector_quantization(np.array([[[3.0, 4.0]]]), np.zeros((1, 2)))
    assert result.distance.tolist() == [[[5.0]]]


@pytest.mark.clause("VQ-2.4", "VQ-5.11")
@pytest.mark.parametrize("lookup_ord", LOOKUP_ORDS)
def test_an_empty_batch_keeps_its_shapes(lookup_ord: float) -> None:
    result = vector_quantization(np.empty((0, 3, 4)), np.eye(2), lookup_ord=lookup_ord, num_splits=2)
    assert (result.layer_out.shape, result.emb_index.shape, result.distance.shape) == ((0, 3, 4), (0, 6), (0, 6, 2))
    assert result.access_count.tolist() == [0, 0]
    assert (result.losses["alpha_loss"], result.losses["beta_loss"]) == (0, 0)


@pytest.mark.clause("VQ-6.3")
@pytest.mark.parametrize("lookup_ord", LOOKUP_ORDS)
def test_a_single_embedding_answers_every_vector(lookup_ord: float) -> None:
    result = vector_quantization(
        np.arange(6.0).reshape(1, 3, 2), np.array([[9.0]]), lookup_ord=lookup_ord, num_splits=2
    )
    assert result.layer_out.tolist() == [[[9, 9], [9, 9], [9, 9]]]
    assert result.access_count.tolist() == [6]
    assert (result.emb_spacing.tolist(), result.emb_closest_spacing.tolist()) == ([], [0])


@pytest.mark.clause("VQ-13.1", "VQ-13.2", "VQ-13.3", "VQ-13.4", "VQ-13.9")
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_vector_that_is_not_finite_is_marked_everywhere_and_its_neighbour_in_the_row_is_not(broken: float) -> None:
    result = vector_quantization(np.array([[[broken, 0.0, 1.0, 1.0]]]), np.ones((2, 2)), num_splits=2)
    assert values(result.layer_out) == [[[None, None, 1, 1]]]
    assert values(result.distance) == [[[None, None], [0, 0]]]
    assert result.emb_index.tolist() == [[-1, 0]]
    assert result.access_count.tolist() == [1, 0]


@pytest.mark.clause("VQ-13.16")
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_an_embedding_that_is_not_finite_is_never_chosen(broken: float) -> None:
    result = vector_quantization(np.zeros((1, 2, 1)), np.array([[broken], [5.0]]))
    assert result.emb_index.tolist() == [[1, 1]]
    assert result.access_count.tolist() == [0, 2]


@pytest.mark.clause("VQ-2.5")
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_output_is_the_chosen_row_rounded_to_the_dtype_of_x(dtype: type) -> None:
    result = vector_quantization(np.array([[[1000.0]]], dtype), np.array([[1 / 3], [-9.0]]))
    assert result.layer_out.dtype == dtype
    assert result.layer_out.tobytes() == np.array([1 / 3], dtype).tobytes()


@pytest.mark.clause("VQ-14.2")
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_distances_and_losses_are_of_the_float64_values_of_narrow_inputs(dtype: type) -> None:
    x, emb_space = np.array([[[1 / 3]]], dtype), np.array([[0.1]])
    expected = once_rounded(Fraction(float(x[0, 0, 0])) - Fraction(0.1))
    result = vector_quantization(x, emb_space, alpha=1, beta=1, lookup_ord=1)
    assert values(result.distance) == [[[expected]]]
    assert values(result.losses["alpha_loss"]) == values(result.losses["beta_loss"]) == expected
