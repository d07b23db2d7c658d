"""Faults of residual quantization (VQ-28)."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from reference import quantizer, residual
from reference.parts.starts import first_rows
from reference.splitting import split
from tests.parity import test_residual as parity
from tests.property import test_residual as laws
from tests.suite.faults.consequences import Array, Fields
from tests.suite.faults.machinery import in_residual_gradients, in_residual_quantize, instead_of
from vq_verify.adapters.oracle import Oracle, OracleResidualTraining
from vq_verify.protocol import ResidualCase, ResidualGradients, ResidualQuantized

one_stage = laws.test_one_stage_is_its_quantizer_bit_for_bit
sums = laws.test_the_output_is_the_sum_of_the_rows_in_the_order_of_the_stages_bit_for_bit
first_to_last = laws.test_the_first_stages_are_summed_first
nearest = laws.test_each_stage_finds_the_nearest_to_what_the_ones_before_left
no_worse = laws.test_no_stage_makes_worse_what_a_zero_vector_leaves_as_it_is
of_stage = laws.test_counts_and_losses_of_a_stage_are_those_of_its_quantizer_over_what_was_left
gradients = laws.test_gradients_are_those_of_one_estimator_and_of_each_stage_by_itself
masked = laws.test_a_masked_vector_is_in_no_stage_and_comes_out_bit_for_bit
not_finite = laws.test_a_vector_that_is_not_finite_is_in_no_stage_and_comes_out_as_nan
finds_none = laws.test_a_later_stage_that_finds_none_adds_nothing_and_the_next_goes_on
learns = laws.test_a_codebook_learns_from_what_all_its_stages_quantized_as_from_one_batch
starts = laws.test_each_codebook_starts_from_what_its_first_stage_quantizes_in_the_same_pass
dropout = laws.test_dropout_masks_the_last_stages_of_an_element_in_training_only
drawn = laws.test_dropout_draws_each_number_of_stages_as_often
refused = laws.test_a_number_of_stages_that_is_none_is_refused
endpoints = parity.test_every_endpoint_and_loss_of_every_stage_equals_the_oracle
states = parity.test_every_pass_of_a_training_leaves_the_states_that_it_must

TRAINING_PASS = f"{OracleResidualTraining.__module__}.OracleResidualTraining.training_pass"
right_training_pass, right_learned = OracleResidualTraining.training_pass, residual._learned
right_encoded, right_decoded = residual.encoded, residual.decoded
right_quantize = Oracle.quantize_residual


# What a stage sees, and what comes out.


@instead_of("reference.residual.left", "VQ-28.1", nearest, no_worse, of_stage, endpoints)
def every_stage_looks_up_x(x: Array, total: Array) -> Array:
    del total
    return x


@instead_of("reference.residual.left", "VQ-28.1", nearest, of_stage, endpoints)
def what_is_left_has_the_other_sign(x: Array, total: Array) -> Array:
    return np.asarray(total - x)


@in_residual_quantize("VQ-28.2", first_to_last)
def the_rows_are_summed_from_the_last_stage_on(case: ResidualCase, right: ResidualQuantized) -> Fields:
    turned = replace(case, order=case.order[::-1])
    return {"layer_out": laws.sums(turned, right.emb_index[..., ::-1])[-1].astype(case.case.x.dtype)}


@in_residual_quantize("VQ-28.2", sums)
def the_sum_is_rounded_to_the_dtype_of_x_at_each_stage(case: ResidualCase, right: ResidualQuantized) -> Fields:
    dtype, total = case.case.x.dtype, 0
    for i, rows in enumerate(np.moveaxis(right.emb_index, -1, 0)):
        if (rows == -1).any() or case.emb_spaces.ndim == 4:
            return {}
        total = total + case.stage(i).emb_space.astype(dtype)[rows]
    return {"layer_out": np.asarray(total).astype(dtype).reshape(case.case.x.shape)}


@in_residual_quantize("VQ-28.2", sums, endpoints)
def the_last_row_alone_comes_out(case: ResidualCase, right: ResidualQuantized) -> Fields:
    if case.emb_spaces.ndim == 4 or (right.emb_index == -1).any():
        return {}
    rows = case.stage(len(case.order) - 1).emb_space[right.emb_index[..., -1]]
    return {"layer_out": rows.astype(case.case.x.dtype).reshape(case.case.x.shape)}


@in_residual_quantize("VQ-28.3", sums, endpoints)
def the_stages_of_the_indices_are_in_reverse_order(case: ResidualCase, right: ResidualQuantized) -> Fields:
    del case
    return {"emb_index": right.emb_index[..., ::-1]}


@in_residual_quantize("VQ-28.5", of_stage, endpoints)
def losses_are_averaged_over_the_stages(case: ResidualCase, right: ResidualQuantized) -> Fields:
    number = len(case.order)
    return {"losses": [{name: loss / number for name, loss in it.items()} for it in right.losses]}


@in_residual_quantize("VQ-28.13", not_finite)
def only_the_first_stage_knows_what_is_not_finite(case: ResidualCase, right: ResidualQuantized) -> Fields:
    later = np.arange(len(case.order)) > 0
    return {"emb_index": np.where(later & (right.emb_index == -1), 0, right.emb_index)}


@instead_of("reference.residual.added", "VQ-28.14", finds_none)
def a_stage_that_finds_none_spoils_the_sum(total: Array, rows: Array, emb_index: Array) -> Array:
    del emb_index
    return total + rows


@in_residual_quantize("VQ-28.15", masked, endpoints)
def a_masked_vector_comes_out_as_nan(case: ResidualCase, right: ResidualQuantized) -> Fields:
    missing = (right.emb_index[..., 0] == -1).reshape(*case.case.x.shape[:-1], case.case.num_splits)
    missing = np.repeat(missing, case.case.x.shape[-1] // case.case.num_splits, axis=-1)
    return {"layer_out": np.where(missing, right.layer_out.dtype.type(np.nan), right.layer_out)}


# Gradients.


@in_residual_gradients("VQ-28.4", one_stage, gradients)
def the_estimator_is_always_straight_through(case: ResidualCase, right: ResidualGradients, upstream: Array) -> Fields:
    del case, right
    return {"output_to_x": upstream}


@in_residual_gradients("VQ-28.6", gradients)
def each_stage_passes_the_gradient_on(case: ResidualCase, right: ResidualGradients, upstream: Array) -> Fields:
    del upstream
    return {"output_to_x": right.output_to_x * len(case.order)}


@in_residual_gradients("VQ-28.8", gradients)
def what_is_left_is_taken_from_the_straight_through_output(
    case: ResidualCase, right: ResidualGradients, upstream: Array
) -> Fields:
    del case, upstream
    first, *others = right.losses_to_x
    stopped = [{name: np.zeros_like(it) for name, it in losses.items()} for losses in others]
    return {"losses_to_x": [first, *stopped]}


@in_residual_gradients("VQ-28.7", gradients)
def the_loss_of_a_stage_reaches_the_codebooks_before(
    case: ResidualCase, right: ResidualGradients, upstream: Array
) -> Fields:
    del upstream
    to_all = [{name: it.copy() for name, it in losses.items()} for losses in right.losses_to_emb_spaces]
    for losses, which in zip(to_all, case.order, strict=True):
        for gradient in losses.values():
            gradient[:which] -= gradient[which]
    return {"losses_to_emb_spaces": to_all}


# Training.


@instead_of(TRAINING_PASS, "VQ-28.9", learns, states)
def each_stage_sees_what_the_one_before_has_changed(
    training: OracleResidualTraining, x: Array, mask: Array | None = None
) -> None:
    stages, total = training._residual, np.zeros(x.shape, residual.comparison_dtype(x.dtype))
    for which, one in zip(stages.order, stages.stages, strict=True):
        result = quantizer.quantize(x - total, training.states[which], one, mask, training=True)
        training.states[which] = result.state
        total = total + result.layer_out


@instead_of("reference.residual._learned", "VQ-28.12", learns, states)
def a_shared_codebook_learns_from_its_first_stage(inputs: Any, masks: Any, state: Any, one: Any) -> Any:
    return right_learned(inputs[:1], masks[:1], state, one)


@instead_of("reference.residual._learned", "VQ-28.12", learns, states)
def a_shared_codebook_is_updated_for_each_of_its_stages(inputs: Any, masks: Any, state: Any, one: Any) -> Any:
    for x, mask in zip(inputs, masks, strict=True):
        state = right_learned([x], [mask], state, one)
    return state


@instead_of("reference.residual._learned", "VQ-28.15", learns, states)
def masked_vectors_are_learned_from(inputs: Any, masks: Any, state: Any, one: Any) -> Any:
    return right_learned(inputs, [np.ones_like(mask) for mask in masks], state, one)


@instead_of(TRAINING_PASS, "VQ-28.10", starts)
def every_stage_starts_from_x(training: OracleResidualTraining, x: Array, mask: Array | None = None) -> None:
    started = []
    for state in training.states:
        rows = first_rows(split(x, training._residual.stages[0].num_splits), len(state["emb_space"]))
        started.append({**state, "emb_space": rows, "initialized": np.array(True)})
    training.states = started
    right_training_pass(training, x, mask)


@instead_of(TRAINING_PASS, "VQ-28.11", starts)
def a_shared_codebook_starts_from_its_last_stage(
    training: OracleResidualTraining, x: Array, mask: Array | None = None
) -> None:
    stages = training._residual
    walk = residual._walk(x, training.states, stages, mask, True, None)
    right_training_pass(training, x, mask)
    for which, state in enumerate(training.states):
        last = max(i for i, it in enumerate(stages.order) if it == which)
        rows = first_rows(split(walk.inputs[last], stages.stages[0].num_splits), len(state["emb_space"]))
        training.states[which] = {**state, "emb_space": rows}


# Quantizer dropout.


@in_residual_quantize("VQ-28.22", dropout)
def inference_drops_stages_too(case: ResidualCase, right: ResidualQuantized) -> Fields:
    if not case.quantizer_dropout or case.training:
        return right._asdict()
    return right_quantize(Oracle(), replace(case, training=True))._asdict()


@in_residual_quantize("VQ-28.21", dropout)
def stages_that_are_dropped_count_all_the_same(case: ResidualCase, right: ResidualQuantized) -> Fields:
    del right
    return {"access_count": right_quantize(Oracle(), replace(case, quantizer_dropout=False)).access_count}


@in_residual_quantize("VQ-28.21", dropout)
def stages_that_are_dropped_add_to_the_losses(case: ResidualCase, right: ResidualQuantized) -> Fields:
    del right
    return {"losses": right_quantize(Oracle(), replace(case, quantizer_dropout=False)).losses}


@instead_of("reference.residual.drawn_num_stages", "VQ-28.20", drawn)
def never_are_all_stages_used(rng: np.random.Generator, batch: int, num_stages: int) -> Array:
    return rng.integers(1, max(num_stages, 2), batch)


@instead_of("reference.residual.drawn_num_stages", "VQ-28.20", drawn)
def all_elements_of_a_batch_have_one_draw(rng: np.random.Generator, batch: int, num_stages: int) -> Array:
    return np.full(batch, rng.integers(1, num_stages + 1))


@instead_of("reference.residual.drawn_num_stages", "VQ-28.20", dropout)
def an_element_may_be_left_without_a_stage(rng: np.random.Generator, batch: int, num_stages: int) -> Array:
    return rng.integers(0, num_stages + 1, batch)


# Codes.


@instead_of("reference.residual.encoded", "VQ-28.16", sums)
def encoding_gives_the_last_stages(x: Array, states: Any, stages: Any, num_stages: int) -> Array:
    return right_encoded(x, states, stages, len(stages.order))[..., -num_stages:]


@instead_of("reference.residual.decoded", "VQ-28.17", sums)
def decoding_a_prefix_uses_the_last_stages(emb_index: Array, states: Any, stages: Any) -> Array:
    order = stages.order[-emb_index.shape[-1] :]
    return right_decoded(emb_index, states, replace(stages, order=order))


@instead_of("reference.residual.decoded", "VQ-28.18", finds_none)
def decoding_takes_a_missing_index_for_the_last_row(emb_index: Array, states: Any, stages: Any) -> Array:
    last = [len(states[which]["emb_space"]) - 1 for which in stages.order[: emb_index.shape[-1]]]
    return right_decoded(np.where(emb_index == -1, last, emb_index), states, stages)


@instead_of(
    "reference.residual.encoded",
    "VQ-28.25",
    partial(refused, ask=lambda it: it.encode_residual(laws.DIGITS, 4)),
)
def encoding_gives_as_many_stages_as_there_are(x: Array, states: Any, stages: Any, num_stages: int) -> Array:
    return right_encoded(x, states, stages, min(num_stages, len(stages.order)))
