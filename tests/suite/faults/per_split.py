"""Faults of a codebook per split (VQ-20)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from reference import per_split
from reference.results import Gradients as OracleGradients
from tests.parity import test_parts as parity
from tests.property import test_per_split as laws
from tests.suite.faults.consequences import Array, Fields
from tests.suite.faults.machinery import in_gradients, in_quantize, instead_of
from vq_verify.adapters.oracle import Oracle, OracleTraining, result_of
from vq_verify.protocol import Case, Gradients, Quantized

apart = laws.test_a_codebook_per_split_is_as_many_quantizers_side_by_side_bit_for_bit
gradients = laws.test_its_gradients_are_those_of_the_quantizers_bit_for_bit
one_split = laws.test_with_one_split_it_is_the_shared_codebook
first_vectors = laws.test_each_split_is_initialized_from_its_own_first_vectors
training = laws.test_each_split_starts_gathers_and_replaces_by_itself
endpoints = parity.test_with_a_codebook_per_split_every_endpoint_equals_the_oracle
every_pass = parity.test_every_pass_of_a_training_of_parts_leaves_the_state_that_it_must

right_divided, right_joined_gradients = per_split.divided, per_split.joined_gradients
right_gradients, right_initialize = Oracle.gradients, OracleTraining.initialize_from_batch


@instead_of("reference.per_split.divided", "VQ-20.2", apart, endpoints, training)
def all_splits_have_the_codebook_of_the_first(x: Array, state: Any, quantizer: Any) -> Iterator[Any]:
    (_, first, _), *_ = parts = list(right_divided(x, state, quantizer))
    yield from ((part, first, one) for part, _, one in parts)


@instead_of("reference.per_split.divided", "VQ-20.2", apart, endpoints, gradients)
def the_splits_take_every_other_coordinate(x: Array, state: Any, quantizer: Any) -> Iterator[Any]:
    number = quantizer.num_splits
    parts = list(right_divided(x, state, quantizer))
    yield from ((x[..., i::number], own, one) for i, (_, own, one) in enumerate(parts))


@instead_of("reference.per_split.divided", "VQ-20.2", apart, endpoints, training, every_pass)
def the_codebooks_are_in_reverse_order(x: Array, state: Any, quantizer: Any) -> Iterator[Any]:
    parts = list(right_divided(x, state, quantizer))
    yield from ((part, own, one) for (part, _, one), (_, own, _) in zip(parts, parts[::-1], strict=True))


@instead_of("reference.per_split._interleaved", "VQ-20.3", apart, endpoints)
def the_vectors_of_a_split_follow_each_other(parts: list[Array]) -> Array:
    return np.concatenate(parts, axis=1)


@instead_of("reference.per_split.joined_gradients", "VQ-20.2", gradients)
def the_gradient_goes_to_the_codebook_of_another_split(parts: list[OracleGradients]) -> OracleGradients:
    joined = right_joined_gradients(parts)
    return joined._replace(losses_to_emb_space={k: v[::-1] for k, v in joined.losses_to_emb_space.items()})


@in_quantize("VQ-20.5", apart, endpoints)
def the_losses_of_the_splits_are_averaged(case: Case, right: Quantized) -> Fields:
    number = case.num_splits if case.codebooks == "per-split" else 1
    return {"losses": {name: loss / number for name, loss in right.losses.items()}}


@in_quantize("VQ-20.5", apart, endpoints)
def the_losses_are_those_of_the_first_split(case: Case, _: Quantized) -> Fields:
    return {} if case.codebooks == "shared" else {"losses": result_of(laws.apart(case)[0]).losses}


@in_quantize("VQ-20.4", one_split)
def with_one_split_what_is_listed_by_embedding_has_no_axis_of_splits(case: Case, right: Quantized) -> Fields:
    lone = case.codebooks == "per-split" and case.num_splits == 1
    return {name: getattr(right, name)[0] for name in laws.BY_EMBEDDING if lone}


@in_quantize("VQ-20.2", apart, endpoints)
def counts_are_of_all_splits(case: Case, right: Quantized) -> Fields:
    if case.codebooks == "shared":
        return {}
    count = right.access_count
    return {"access_count": np.broadcast_to(count.sum(axis=0), count.shape)}


@in_quantize("VQ-20.2", apart)
def a_vector_that_is_not_finite_leaves_nan_in_all_splits(case: Case, right: Quantized) -> Fields:
    if case.codebooks == "shared":
        return {}
    spoiled = ~np.isfinite(case.x.astype(np.float64)).all(axis=-1, keepdims=True)
    return {"layer_out": np.where(spoiled, right.layer_out.dtype.type(np.nan), right.layer_out)}


@in_quantize("VQ-20.2", apart)
def an_embedding_that_is_not_finite_is_left_out_of_all_splits(case: Case, right: Quantized) -> Fields:
    if case.codebooks == "shared":
        return {}
    spoiled = ~np.isfinite(case.emb_space).all(axis=(0, -1))
    return {"distance": np.where(spoiled, np.nan, right.distance)}


@instead_of(f"{Oracle.__module__}.Oracle.gradients", "VQ-20.2", gradients)
def with_a_codebook_per_split_any_estimator_is_straight_through(
    oracle: Oracle, case: Case, upstream: Array
) -> Gradients:
    estimator = "straight-through" if case.codebooks == "per-split" else case.estimator
    return right_gradients(oracle, replace(case, estimator=estimator), upstream)


@in_gradients("VQ-20.4", gradients)
def the_output_sends_nan_to_all_codebooks_for_a_vector_that_is_not_finite(case: Case, right: Gradients) -> Fields:
    return {"output_to_emb_space": right.output_to_emb_space + 0 * case.vectors.sum()}


@instead_of(f"{OracleTraining.__module__}.OracleTraining.initialize_from_batch", "VQ-20.6", first_vectors)
def all_splits_are_initialized_from_the_first(training: OracleTraining, x: Array) -> None:
    right_initialize(training, x)
    if training._case.codebooks == "per-split":
        of_first = {name: np.broadcast_to(value[:1], value.shape) for name, value in training.state.items()}
        training.state = of_first


@instead_of(f"{OracleTraining.__module__}.OracleTraining.initialize_from_batch", "VQ-20.6", first_vectors)
def the_splits_are_initialized_from_the_vectors_of_all(training: OracleTraining, x: Array) -> None:
    right_initialize(training, x)
    emb_space = training.state["emb_space"]
    if training._case.codebooks == "per-split":
        rows = x.reshape(-1, emb_space.shape[-1])[: emb_space.shape[-2]]
        training.state = {**training.state, "emb_space": np.broadcast_to(rows, emb_space.shape)}
