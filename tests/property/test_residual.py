"""Laws of residual quantization, for every implementation (VQ-28)."""

from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

from vq_verify.comparison import (
    assert_nearest,
    assert_within,
    commitment_gradient,
    comparison_dtype,
    distance_error,
    exact_distances,
    loss_gradient_intervals,
    projected,
    rotated,
    rounding,
)
from vq_verify.protocol import Case, Implementation, ResidualCase
from vq_verify.strategies import residual
from vq_verify.verify import verify

from .test_non_finite import assert_same_losses
from .test_validation import refused


def sums(case, emb_index):
    """Return the sums of the rows of the first stages, ``[batch, r, q]`` for each number of them, from 1 on."""
    dtype = comparison_dtype(case.case.x.dtype)
    codes = np.moveaxis(emb_index, -1, 0)
    totals = []
    for i, code in enumerate(codes):
        rows = case.stage(i).emb_space.astype(dtype)[code]
        missing = (code == -1)[..., np.newaxis]
        totals.append(np.where(missing, np.nan, rows) if i == 0 else np.where(missing, totals[-1], totals[-1] + rows))
    return [total.astype(dtype).reshape(case.case.x.shape) for total in totals]


def left(case, emb_index):
    """Return what each stage quantizes, given the accepted indices, in the comparison dtype."""
    x = case.case.x.astype(comparison_dtype(case.case.x.dtype))
    with np.errstate(invalid="ignore"):  # inf - inf, of what is masked
        return [x, *(x - total for total in sums(case, emb_index)[:-1])]


def by_vector(case, result):
    """Return output and indices, a row a vector."""
    d = case.emb_spaces.shape[-1]
    return result.layer_out.reshape(-1, d), result.emb_index.reshape(-1, len(case.order))


def assert_same(case, result, expected, kept=slice(None)):
    """Require the vectors that are kept, the counts and the losses to be those of another result."""
    for value, alone in zip(by_vector(case, result), by_vector(case, expected), strict=True):
        np.testing.assert_array_equal(value[kept], alone, strict=True)
    np.testing.assert_array_equal(result.access_count, expected.access_count)
    for i, (losses, others) in enumerate(zip(result.losses, expected.losses, strict=True)):
        assert_same_losses(case.stage(i), losses, others)


@verify("VQ-28.4", drawn=residual.residual_cases_with_upstream)
def test_one_stage_is_its_quantizer_bit_for_bit(implementation, drawn):
    case, upstream = drawn
    case = replace(case, emb_spaces=case.emb_spaces[:1], order=(0,))
    result, alone = implementation.quantize_residual(case), implementation.quantize(case.stage(0))
    np.testing.assert_array_equal(result.layer_out, alone.layer_out, strict=True)
    np.testing.assert_array_equal(result.emb_index[..., 0], alone.emb_index)
    np.testing.assert_array_equal(result.access_count[0], alone.access_count)
    assert list(result.losses[0].items()) == list(alone.losses.items())
    gradients = implementation.residual_gradients(case, upstream)
    expected = implementation.gradients(case.stage(0), upstream)
    np.testing.assert_array_equal(gradients.output_to_x, expected.output_to_x)
    for name in case.case.losses:
        np.testing.assert_array_equal(gradients.losses_to_x[0][name], expected.losses_to_x[name])
        np.testing.assert_array_equal(gradients.losses_to_emb_spaces[0][name][0], expected.losses_to_emb_space[name])


@verify("VQ-28.2", "VQ-28.3", "VQ-28.16", "VQ-28.17", case=residual.residual_cases)
def test_the_output_is_the_sum_of_the_rows_in_the_order_of_the_stages_bit_for_bit(implementation, case):
    result, (batch, r, _) = implementation.quantize_residual(case), case.case.x.shape
    assert result.emb_index.shape == (batch, r * case.case.num_splits, len(case.order))
    totals = [total.astype(case.case.x.dtype) for total in sums(case, result.emb_index)]
    np.testing.assert_array_equal(result.layer_out, totals[-1], strict=True)
    codes = result.emb_index.reshape(batch, r, case.case.num_splits, -1)
    for k, total in enumerate(totals, start=1):
        np.testing.assert_array_equal(implementation.encode_residual(case, k), codes[..., :k])
        np.testing.assert_array_equal(implementation.decode_residual(case, codes[..., :k]), total, strict=True)


@verify("VQ-28.1", case=residual.residual_cases)
def test_each_stage_finds_the_nearest_to_what_the_ones_before_left(implementation, case):
    emb_index = implementation.quantize_residual(case).emb_index
    for i, x in enumerate(left(case, emb_index)):
        stage = case.stage(i, x=x)
        distance = exact_distances(stage.vectors, stage.emb_space.astype(np.float64), stage.lookup_ord)
        error = distance_error(distance, stage.emb_space.shape[1], stage.lookup_ord, rounding(x.dtype))
        assert_nearest(
            distance, 0 * error if stage.exact else error, emb_index[..., i].reshape(-1), f"index of stage {i}"
        )


@verify("VQ-28.1", case=residual.exact_residual_cases)
def test_no_stage_makes_worse_what_a_zero_vector_leaves_as_it_is(implementation, case):
    emb_spaces = case.emb_spaces.copy()
    emb_spaces[:, -1] = 0
    case = replace(case, emb_spaces=emb_spaces, case=replace(case.case, lookup_ord=1))
    emb_index = implementation.quantize_residual(case).emb_index
    x = case.case.x.astype(np.float64)
    errors = [np.abs(x - total).reshape(len(case.case.vectors), -1).sum(-1) for total in sums(case, emb_index)]
    assert (np.diff([np.abs(case.case.vectors).sum(-1), *errors], axis=0) <= 0).all()  # sums that nothing rounds


@verify("VQ-28.5", case=residual.exact_residual_cases)
def test_counts_and_losses_of_a_stage_are_those_of_its_quantizer_over_what_was_left(implementation, case):
    result = implementation.quantize_residual(case)
    for i, x in enumerate(left(case, result.emb_index)):
        stage = case.stage(i, x=x)
        alone = implementation.quantize(stage)
        np.testing.assert_array_equal(result.emb_index[..., i], alone.emb_index)
        np.testing.assert_array_equal(result.access_count[i], alone.access_count)
        assert_same_losses(stage, result.losses[i], alone.losses)


def assert_passed_on(to_x, case, emb_index, upstream):
    """Compare the gradient of the output with that of a quantizer whose embeddings are the sums."""
    if case.case.estimator in ("straight-through", "none"):
        passed = np.zeros_like(upstream) if case.case.estimator == "none" else upstream
        np.testing.assert_array_equal(to_x, passed, strict=True)
    elif case.case.exact:  # in others lengths may overflow
        found = emb_index[..., 0].reshape(-1) >= 0
        rows = sums(case, emb_index)[-1].reshape(len(found), -1)
        alone, own = replace(case.case, emb_space=rows), np.where(found, np.arange(len(found)), -1)
        passed, error = (rotated if case.case.estimator == "rotation" else projected)(alone, own, upstream)[:2]
        assert_within(to_x.reshape(passed.shape), passed, error, "gradient of the output")


@verify("VQ-28.6", "VQ-28.7", "VQ-28.8", drawn=residual.residual_cases_with_upstream)
def test_gradients_are_those_of_one_estimator_and_of_each_stage_by_itself(implementation, drawn):
    case, upstream = drawn
    emb_index = implementation.quantize_residual(case).emb_index
    gradients = implementation.residual_gradients(case, upstream)
    assert_passed_on(gradients.output_to_x, case, emb_index, upstream)
    assert not gradients.output_to_emb_spaces.any()
    narrow = ml_dtypes.finfo(case.case.x.dtype)
    for i, x in enumerate(left(case, emb_index)):
        stage, index = case.stage(i, x=x), emb_index[..., i]
        intervals = loss_gradient_intervals(stage, index)
        for name, to_x in gradients.losses_to_x[i].items():
            if name == "commitment_loss":
                exact, error = commitment_gradient(stage, index)
                # It is rounded to the dtype of x once more, and flushed there.
                error = error + float(narrow.eps) / 2 * np.abs(exact) + 2 * float(narrow.smallest_normal)
                assert_within(to_x, exact, error, f"gradient of {name} of stage {i}")
            else:
                assert not to_x.any()
            to_emb_spaces = gradients.losses_to_emb_spaces[i][name]
            own = to_emb_spaces[case.order[i]]
            assert intervals[name].contains(own).all()
            assert np.count_nonzero(to_emb_spaces) == np.count_nonzero(own)


@verify("VQ-28.15", drawn=residual.masked_stages)
def test_a_masked_vector_is_in_no_stage_and_comes_out_bit_for_bit(implementation, drawn):
    result, alone = (implementation.quantize_residual(case) for case in (drawn.among, drawn.case))
    assert_same(drawn.case, result, alone, drawn.kept)
    layer_out, emb_index = (value[~drawn.kept] for value in by_vector(drawn.among, result))
    assert layer_out.tobytes() == drawn.among.case.x.reshape(-1, layer_out.shape[1])[~drawn.kept].tobytes()
    assert (emb_index == -1).all()
    upstream = (np.arange(drawn.among.case.x.size) % 5 + 1).reshape(drawn.among.case.x.shape)
    passed = implementation.residual_gradients(drawn.among, upstream.astype(drawn.case.case.x.dtype)).output_to_x
    d = layer_out.shape[1]
    np.testing.assert_array_equal(passed.reshape(-1, d)[~drawn.kept], upstream.reshape(-1, d)[~drawn.kept])


@verify("VQ-28.13", drawn=residual.interrupted_stages)
def test_a_vector_that_is_not_finite_is_in_no_stage_and_comes_out_as_nan(implementation, drawn):
    result, alone = (implementation.quantize_residual(case) for case in (drawn.among, drawn.case))
    assert_same(drawn.case, result, alone, drawn.kept)
    layer_out, emb_index = (value[~drawn.kept] for value in by_vector(drawn.among, result))
    assert np.isnan(layer_out.astype(np.float64)).all()
    assert (emb_index == -1).all()


@verify("VQ-28.14", "VQ-28.18", case=residual.exact_residual_cases)
def test_a_later_stage_that_finds_none_adds_nothing_and_the_next_goes_on(implementation, case):
    second = np.full_like(case.emb_spaces[:1], np.nan)
    first, last = case.emb_spaces[:1], case.emb_spaces[-1:]
    between = replace(case, emb_spaces=np.concatenate([first, second, last]), order=(0, 1, 2))
    result = implementation.quantize_residual(between)
    alone = implementation.quantize_residual(replace(case, emb_spaces=np.concatenate([first, last]), order=(0, 1)))
    np.testing.assert_array_equal(result.layer_out, alone.layer_out)
    np.testing.assert_array_equal(result.emb_index[..., ::2], alone.emb_index)
    assert (result.emb_index[..., 1] == -1).all()
    codes = result.emb_index.reshape(*case.case.x.shape[:-1], case.case.num_splits, 3)
    np.testing.assert_array_equal(implementation.decode_residual(between, codes), result.layer_out)
    codes = np.where(np.arange(3) == 0, -1, codes)
    assert np.isnan(implementation.decode_residual(between, codes).astype(np.float64)).all()


@verify("VQ-28.5", "VQ-28.9", "VQ-28.12", "VQ-28.15", drawn=residual.residual_trainings)
def test_a_codebook_learns_from_what_all_its_stages_quantized_as_from_one_batch(implementation, drawn):
    case, number, batches = drawn
    together = implementation.residual_training(case, number)
    own = [[i for i, which in enumerate(case.order) if which == j] for j in range(len(case.emb_spaces))]
    alone = [implementation.training(case.stage(stages[0]), number) for stages in own]
    for x, mask in batches:
        emb_spaces = np.stack([it["emb_space"] for it in together.states])
        now = replace(case, emb_spaces=emb_spaces, case=replace(case.case, x=x, mask=mask))
        inputs = left(now, implementation.quantize_residual(now).emb_index)
        together.training_pass(x, mask)
        for training, stages in zip(alone, own, strict=True):
            masks = None if mask is None else np.concatenate([mask for _ in stages])
            training.training_pass(np.concatenate([inputs[i] for i in stages]).astype(x.dtype), masks)
        for state, training in zip(together.states, alone, strict=True):
            expected = training.state
            for name, value in state.items():
                np.testing.assert_array_equal(value, expected[name], err_msg=name)


@verify("VQ-28.10", "VQ-28.11", case=residual.residual_starts)
def test_each_codebook_starts_from_what_its_first_stage_quantizes_in_the_same_pass(implementation, case):
    training = implementation.residual_training(case, 1)
    training.training_pass(case.case.x)
    states, (n, d) = training.states, case.case.emb_space.shape
    emb_spaces = np.stack([it["emb_space"] for it in states])
    started = replace(case, emb_spaces=emb_spaces, case=replace(case.case, start=None))
    inputs = left(started, implementation.quantize_residual(started).emb_index)
    for which, state in enumerate(states):
        assert state["initialized"]
        first = inputs[case.order.index(which)].reshape(-1, d)[:n]
        np.testing.assert_array_equal(state["emb_space"], first)


@verify("VQ-28.20", "VQ-28.21", "VQ-28.22", case=residual.dropped_cases)
def test_dropout_masks_the_last_stages_of_an_element_in_training_only(implementation, case):
    result = implementation.quantize_residual(case)
    through = result.emb_index >= 0  # [batch, m, stages]
    number = through.sum(-1)
    assert (number >= 1).all()
    assert (number == number[:, :1]).all()
    assert (through == (np.arange(len(case.order)) < number[..., np.newaxis])).all()
    totals = sums(case, result.emb_index)
    np.testing.assert_array_equal(result.layer_out, totals[-1].astype(case.case.x.dtype), strict=True)
    for i, x in enumerate(left(case, result.emb_index)):
        kept = number[:, 0] > i
        stage = case.stage(i, x=x[kept])
        alone = implementation.quantize(stage)
        np.testing.assert_array_equal(result.emb_index[kept][..., i], alone.emb_index)
        np.testing.assert_array_equal(result.access_count[i], alone.access_count)
        assert_same_losses(stage, result.losses[i], alone.losses)
    inference = replace(case, training=False)
    whole = implementation.quantize_residual(replace(inference, quantizer_dropout=False))
    assert_same(case, implementation.quantize_residual(inference), whole)


DIGITS = ResidualCase(
    case=Case(x=np.ones((300, 1, 1), np.float32), emb_space=np.zeros((2, 1), np.float32), weights={}),
    emb_spaces=np.array([[[0], [4]], [[0], [2]], [[0], [1]]], np.float32),
    order=(0, 1, 2),
)


@pytest.mark.clause("VQ-28.2", "VQ-28.17")
def test_the_first_stages_are_summed_first(implementation: Implementation) -> None:
    # float32 holds no 1 - 2^30: summed from the last on, this would be 0.
    emb_spaces = np.array([2.0**30, -(2.0**30), 1], np.float32).reshape(3, 1, 1)
    case = ResidualCase(
        case=Case(x=np.zeros((2, 1, 1), np.float32), emb_space=emb_spaces[0], weights={}),
        emb_spaces=emb_spaces,
        order=(0, 1, 2),
    )
    assert (implementation.quantize_residual(case).layer_out == 1).all()
    assert (implementation.decode_residual(case, np.zeros((2, 1, 1, 3), np.int32)) == 1).all()


@pytest.mark.clause("VQ-28.20")
def test_dropout_draws_each_number_of_stages_as_often(implementation: Implementation) -> None:
    case = replace(DIGITS, training=True, quantizer_dropout=True)
    number = (implementation.quantize_residual(case).emb_index >= 0).sum(-1)
    # Of 300, each has 100 on average with a deviation of sqrt(300 * 1/3 * 2/3) = 8.2: 50 are 6 of these.
    assert (np.abs(np.bincount(number.reshape(-1), minlength=4)[1:] - 100) < 50).all()


@pytest.mark.clause("VQ-28.18", "VQ-28.25", "VQ-28.26")
@pytest.mark.parametrize(
    "ask",
    [
        lambda implementation: implementation.encode_residual(DIGITS, 0),
        lambda implementation: implementation.encode_residual(DIGITS, 4),
        lambda implementation: implementation.decode_residual(DIGITS, np.zeros((2, 1, 0), int)),
        lambda implementation: implementation.decode_residual(DIGITS, np.zeros((2, 1, 4), int)),
        lambda implementation: implementation.decode_residual(DIGITS, np.zeros((2, 2, 3), int)),
    ],
)
def test_a_number_of_stages_that_is_none_is_refused(implementation: Implementation, ask) -> None:
    with refused(implementation):
        ask(implementation)
