"""Faults of masks (VQ-21)."""

from dataclasses import replace
from functools import partial

import numpy as np

from reference import splitting
from reference.parts import starts
from reference.results import Result
from tests.parity import test_parts as parity
from tests.property import test_masks as laws
from tests.property import test_passes as passes
from tests.suite.faults.consequences import Array, Fields
from tests.suite.faults.machinery import in_gradients, in_quantize, instead_of
from vq_verify.adapters.oracle import Oracle, OracleTraining, result_of
from vq_verify.protocol import Case, Gradients, Quantized

TRAINING_PASS = f"{OracleTraining.__module__}.OracleTraining.training_pass"
SPLIT_MASK = "reference.splitting.split_mask"

out = laws.test_a_masked_vector_comes_out_bit_for_bit_and_all_others_as_if_it_were_not_there
passed = laws.test_a_masked_vector_passes_its_gradient_on_and_gets_none_from_a_loss
first_axis = laws.test_a_mask_of_the_first_axis_is_one_of_all_below
all_true = laws.test_a_mask_that_is_true_everywhere_changes_nothing
trains = laws.test_masked_vectors_leave_no_trace_in_a_training
starts_with = passes.test_the_first_training_pass_begins_with_the_first_vectors_that_are_not_masked
wrong_mask = partial(laws.test_a_wrong_mask_is_refused, mask=np.ones((2, 3), np.int32))
endpoints = parity.test_with_a_mask_every_endpoint_equals_the_oracle
every_pass = parity.test_every_pass_of_a_training_of_parts_leaves_the_state_that_it_must

right_split_mask, right_first_rows = splitting.split_mask, starts.first_rows
right_training_pass, right_gradients = OracleTraining.training_pass, Oracle.gradients


def hidden(case: Case) -> Array:
    """Tell which vectors are masked, with an axis to broadcast, ``[batch, m, 1]``."""
    return ~right_split_mask(case.mask, case.x, case.num_splits)[..., np.newaxis]


def where_hidden(case: Case, value: Array, right: Quantized) -> Fields:
    """Return an output with values in the place of masked vectors, of the shape of x."""
    of_vectors = (splitting.merge(whole, as_vectors(case)) for whole in (value, right.layer_out))
    return {"layer_out": np.where(hidden(case), *of_vectors).reshape(case.x.shape)}


def as_vectors(case: Case) -> Array:
    """Return x as its vectors, ``[batch, m, d]``."""
    return splitting.split(case.x, case.num_splits)


def unmasked(case: Case) -> Result:
    """Return what comes out without the mask."""
    return result_of(replace(case, mask=None))


def unmasked_gradients(case: Case) -> Gradients:
    """Return the gradients of the losses without the mask."""
    return right_gradients(Oracle(), replace(case, mask=None), np.zeros_like(case.x))


@instead_of(SPLIT_MASK, "VQ-21.1", out, endpoints, all_true, trains)
def the_mask_is_that_of_what_is_left_out(mask: Array | None, x: Array, num_splits: int) -> Array:
    return right_split_mask(None if mask is None else ~mask, x, num_splits)


@instead_of(SPLIT_MASK, "VQ-21.1", out, endpoints)
def the_mask_of_a_split_is_that_of_another_row(mask: Array | None, x: Array, num_splits: int) -> Array:
    return np.tile(right_split_mask(mask, x, 1), num_splits)


@instead_of(SPLIT_MASK, "VQ-21.1", first_axis)
def a_mask_of_the_first_axis_is_read_as_one_of_the_second(mask: Array | None, x: Array, num_splits: int) -> Array:
    if mask is not None and mask.ndim == 1:
        mask = np.broadcast_to(np.resize(mask, x.shape[1]), x.shape[:2])
    return right_split_mask(mask, x, num_splits)


@in_quantize("VQ-21.3", out, endpoints)
def a_masked_vector_comes_out_as_zero(case: Case, right: Quantized) -> Fields:
    return where_hidden(case, np.zeros_like(case.x), right)


@in_quantize("VQ-21.3", out, endpoints)
def a_masked_vector_comes_out_as_its_embedding(case: Case, right: Quantized) -> Fields:
    return where_hidden(case, unmasked(case).layer_out, right)


@in_quantize("VQ-21.3", out)
def a_masked_vector_that_is_not_finite_comes_out_as_nan(case: Case, right: Quantized) -> Fields:
    return where_hidden(case, np.where(np.isfinite(case.x), case.x, case.x.dtype.type(np.nan)), right)


@in_quantize("VQ-21.3", out)
def a_masked_zero_loses_its_sign(case: Case, right: Quantized) -> Fields:
    return where_hidden(case, case.x + case.x.dtype.type(0), right)


@in_quantize("VQ-21.6", out, endpoints)
def the_index_of_a_masked_vector_is_zero(_: Case, right: Quantized) -> Fields:
    return {"emb_index": np.maximum(right.emb_index, 0)}


@in_quantize("VQ-21.10", out, endpoints)
def masked_vectors_are_counted(case: Case, _: Quantized) -> Fields:
    return {"access_count": unmasked(case).access_count}


@in_quantize("VQ-21.7", out, endpoints)
def a_masked_vector_has_distances(case: Case, _: Quantized) -> Fields:
    return {"distance": unmasked(case).distance}


@in_quantize("VQ-21.11", out, endpoints)
def a_mean_is_over_masked_vectors_too(case: Case, right: Quantized) -> Fields:
    share = np.logical_not(hidden(case)).sum() / max(hidden(case).size, 1)
    return {"losses": {k: v if k == "coulomb_loss" else v * np.float64(share) for k, v in right.losses.items()}}


@in_quantize("VQ-21.11", out, endpoints)
def masked_vectors_enter_the_losses(case: Case, _: Quantized) -> Fields:
    return {"losses": unmasked(case).losses}


@in_gradients("VQ-21.4", passed)
def a_masked_vector_passes_no_gradient(case: Case, right: Gradients) -> Fields:
    to_vectors = splitting.merge(right.output_to_x, as_vectors(case))
    nothing = np.zeros_like(to_vectors)
    return {"output_to_x": np.where(hidden(case), nothing, to_vectors).reshape(case.x.shape)}


@in_gradients("VQ-21.12", passed)
def masked_vectors_get_a_gradient_from_the_commitment_loss(case: Case, _: Gradients) -> Fields:
    return {"losses_to_x": unmasked_gradients(case).losses_to_x}


@in_gradients("VQ-21.11", passed)
def masked_vectors_pull_embeddings(case: Case, _: Gradients) -> Fields:
    return {"losses_to_emb_space": unmasked_gradients(case).losses_to_emb_space}


@instead_of("reference.validation.check_mask", "VQ-21.2", wrong_mask)
def a_mask_of_numbers_is_taken(mask: Array, rows: tuple[int, ...]) -> None:
    del mask, rows


@instead_of(TRAINING_PASS, "VQ-21.14", trains, every_pass)
def masked_vectors_are_gathered(training: OracleTraining, x: Array, mask: Array | None = None) -> None:
    del mask
    right_training_pass(training, x)


@instead_of(TRAINING_PASS, "VQ-21.15", starts_with)
def a_training_starts_from_masked_vectors_too(training: OracleTraining, x: Array, mask: Array | None = None) -> None:
    state = training.state
    if not state.get("initialized", True):
        rows = splitting.split(x, training._case.num_splits).reshape(-1, state["emb_space"].shape[1])
        emb_space = np.resize(rows, state["emb_space"].shape)
        training.state = {**state, "emb_space": emb_space, "initialized": np.array(True)}
    right_training_pass(training, x, mask)


@instead_of("reference.parts.starts.first_rows", "VQ-21.15", starts_with)
def a_training_starts_from_the_last_vectors(vectors: Array, n: int) -> Array:
    return right_first_rows(vectors.reshape(-1, vectors.shape[-1])[::-1], n)


@in_gradients("VQ-21.12", passed)
def a_masked_vector_sends_nan_to_the_embeddings_by_the_output(case: Case, right: Gradients) -> Fields:
    return {"output_to_emb_space": right.output_to_emb_space + 0 * case.vectors.sum()}
