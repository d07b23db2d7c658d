"""The oracle's residual quantization, by worked examples and against what it is put together from (VQ-28)."""

from typing import Any

import numpy as np
import pytest

from reference import (
    Commitment,
    Cosine,
    FromBatch,
    Majority,
    MostDistant,
    MovingAverage,
    Quantizer,
    ResidualQuantizer,
    initial_state,
    quantize,
    quantize_residual,
)
from reference.residual import bits_per_vector, decoded, drawn_num_stages, encoded, gradients

# Each stage halves what the one before left: its indices are the digits of a binary number.
DIGITS = [{"emb_space": np.array([[-digit], [digit]])} for digit in (2.0, 1.0, 0.5)]
STAGES = ResidualQuantizer((Quantizer(losses=(Commitment(1.0),)),) * 3, (0, 1, 2))
NUMBERS = np.arange(8.0).reshape(2, 4, 1) - 3.5


@pytest.mark.clause("VQ-28.1", "VQ-28.2", "VQ-28.3", "VQ-28.5")
def test_stages_of_digits_write_a_number_in_binary() -> None:
    result = quantize_residual(NUMBERS, DIGITS, STAGES)
    np.testing.assert_array_equal(result.layer_out, NUMBERS)
    assert result.emb_index.shape == (2, 4, 3)
    assert (result.emb_index @ [4, 2, 1]).ravel().tolist() == list(range(8))
    assert [it.access_count.tolist() for it in result.stages] == [[4, 4]] * 3
    assert [it.losses["commitment_loss"] for it in result.stages] == [(0.5**2 + 1.5**2) / 2, 0.5**2, 0]


@pytest.mark.clause("VQ-28.16", "VQ-28.17", "VQ-28.18", "VQ-28.25", "VQ-28.26")
def test_codes_of_a_prefix_are_those_of_the_first_stages() -> None:
    codes = encoded(NUMBERS, DIGITS, STAGES, 2)
    assert codes.shape == (2, 4, 1, 2)
    assert decoded(codes, DIGITS, STAGES).ravel().tolist() == [-3, -3, -1, -1, 1, 1, 3, 3]
    assert decoded(np.array([[1, -1, 1]]), DIGITS, STAGES).tolist() == [2.5]
    assert np.isnan(decoded(np.array([[-1, 1, 1]]), DIGITS, STAGES)).all()
    for shape in ((1, 0), (1, 4), (2, 3)):
        with pytest.raises(ValueError, match=r"`emb_index` must be .*Received: "):
            decoded(np.zeros(shape, int), DIGITS, STAGES)
    with pytest.raises(ValueError, match=r"`emb_index` must lie in .*Received: 2"):
        decoded(np.array([[0, 2]]), DIGITS, STAGES)
    for number in (0, 4):
        with pytest.raises(ValueError, match=rf"`num_stages` must be from 1 to 3. Received: num_stages={number}"):
            encoded(NUMBERS, DIGITS, STAGES, number)


@pytest.mark.clause("VQ-28.19")
def test_a_vector_takes_the_bits_of_all_stages() -> None:
    states = [{"emb_space": np.zeros((n, 1))} for n in (8, 2)]
    assert bits_per_vector(states, ResidualQuantizer((Quantizer(),) * 2, (0, 1, 0))) == 3 + 1 + 3


@pytest.mark.clause("VQ-28.6", "VQ-28.7", "VQ-28.8")
def test_the_commitment_loss_of_a_stage_pulls_x_to_the_sum() -> None:
    found = gradients(np.array([[[3.25]]]), DIGITS, STAGES, np.array([[[3.0]]]))
    assert found.output_to_x.tolist() == [[[3]]]
    pulls = [it.losses_to_x["commitment_loss"].item() for it in found.stages]
    assert pulls == [2 * (3.25 - 2), 2 * (1.25 - 1), 2 * (0.25 - 0.5)]
    assert not any(it.losses_to_emb_space["commitment_loss"].any() for it in found.stages)


@pytest.mark.clause("VQ-28.9", "VQ-28.12")
def test_a_shared_codebook_moves_once_by_what_all_its_stages_quantized() -> None:
    one = Quantizer(update=MovingAverage(0.5, epsilon=0))
    state = initial_state(np.array([[0.0], [8.0]]), one)
    result = quantize_residual(np.array([[[10.0]]]), [state], ResidualQuantizer((one,), (0, 0, 0)), training=True)
    assert result.emb_index.tolist() == [[[1, 0, 0]]]  # of 10, 2 and 2
    after = result.states[0]
    assert after["average_count"].tolist() == [1, 0.5]
    assert after["emb_space"].tolist() == [[2], [10]]


@pytest.mark.clause("VQ-28.10", "VQ-28.11")
@pytest.mark.parametrize(("order", "started"), [((0, 1), [[5, 7], [0, 0]]), ((0, 0), [[5, 7]])])
def test_stages_start_from_what_is_left_in_the_same_pass(order: tuple[int, ...], started: Any) -> None:
    one = Quantizer(start=FromBatch())
    states = [initial_state(np.zeros((2, 1)), one) for _ in range(max(order) + 1)]
    stages = ResidualQuantizer((one,) * len(states), order)
    result = quantize_residual(np.array([[[5.0], [7.0], [6.0]]]), states, stages, training=True)
    assert [state["emb_space"].ravel().tolist() for state in result.states] == started
    assert not states[0]["emb_space"].any()


@pytest.mark.clause("VQ-28.5", "VQ-28.12", "VQ-28.15")
@pytest.mark.parametrize("codebooks", ["shared", "per-split"])
def test_a_stage_alone_learns_what_its_quantizer_does(codebooks: str) -> None:
    one = Quantizer(num_splits=2, codebooks=codebooks, update=MovingAverage(), replacement=MostDistant(1, every=2))
    x = np.random.default_rng(0).standard_normal((3, 2, 4))
    mask = np.array([[True, False]] * 3)
    shape = (2, 3, 2) if codebooks == "per-split" else (3, 2)
    state = initial_state(np.random.default_rng(1).standard_normal(shape), one)
    expected = quantize(x, state, one, mask, training=True).state
    (after,) = quantize_residual(x, [state], ResidualQuantizer((one,), (0,)), mask, training=True).states
    for name, value in expected.items():
        np.testing.assert_array_equal(after[name], value, err_msg=name)


@pytest.mark.clause("VQ-28.20", "VQ-28.21", "VQ-28.22")
def test_an_element_goes_through_the_stages_that_are_drawn_for_it() -> None:
    x = np.full((3, 1, 1), 3.5)
    result = quantize_residual(x, DIGITS, STAGES, num_stages=np.array([1, 2, 3]))
    assert result.layer_out.ravel().tolist() == [2, 3, 3.5]
    assert result.emb_index[:, 0].tolist() == [[1, -1, -1], [1, 1, -1], [1, 1, 1]]
    assert [it.access_count[1] for it in result.stages] == [3, 2, 1]
    draws = [drawn_num_stages(np.random.default_rng(5), 9, 3) for _ in range(2)]
    np.testing.assert_array_equal(*draws)


@pytest.mark.clause("VQ-28.23", "VQ-28.24")
def test_stages_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`order` must name at least one stage. Received: order=\(\)"):
        ResidualQuantizer((Quantizer(),), ())
    with pytest.raises(ValueError, match=r"of the same num_splits. Received: \[1, 2\]"):
        ResidualQuantizer((Quantizer(), Quantizer(num_splits=2)), (0, 1))
    vote = Quantizer(comparison=Cosine(), choice=Majority(np.zeros(2, np.int32), 1, 1))
    with pytest.raises(ValueError, match="must not vote with Majority"):
        ResidualQuantizer((vote,), (0,))
    states = [{"emb_space": np.zeros((2, 1))}, {"emb_space": np.zeros((2, 2))}]
    with pytest.raises(ValueError, match=r"`emb_space` must .*Received: "):
        quantize_residual(np.zeros((1, 1, 1)), states, ResidualQuantizer((Quantizer(),) * 2, (0, 1)))
