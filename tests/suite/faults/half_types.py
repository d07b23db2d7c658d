"""Faults of what is counted, added up or judged in a half type, or in the dtype of x (VQ-13, VQ-14)."""

from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

import ml_dtypes
import numpy as np

from reference import lookup
from tests.parity import test_everyday_sizes as sizes
from tests.property import test_magnitudes as magnitudes
from tests.suite.faults.consequences import Array, Fields, weighted_loss
from tests.suite.faults.everyday_sizes import averaged, compared, dead, elected, quantized, replaced, trained
from tests.suite.faults.machinery import (
    in_cosine,
    in_quantize,
    in_residual_quantize,
    in_scalar,
    instead_of,
)
from vq_verify.adapters.oracle import Oracle, OracleTraining
from vq_verify.protocol import (
    Case,
    CosineCase,
    CosineQuantized,
    Quantized,
    ResidualCase,
    ResidualQuantized,
    ScalarCase,
    ScalarQuantized,
)

ORACLE = f"{Oracle.__module__}.Oracle"
TRAINING_PASS = f"{OracleTraining.__module__}.OracleTraining.training_pass"

many_vectors = [quantized("vectors", lookup_ord=order, dtype=dtype) for order, dtype in enumerate(sizes.HALF, 1)]
masked = partial(sizes.test_every_size_is_masked, size="vectors", dtype="float16")
on_grid = [
    partial(sizes.test_every_size_is_rounded_to_a_grid_as_in_the_oracle, levels=(8, 8, 6), num_splits=1, dtype=dtype)
    for dtype in sizes.HALF
]
in_stages = partial(
    sizes.test_every_size_is_quantized_in_stages_as_in_the_oracle,
    **dict(zip(("sizes", "number", "dtype"), sizes.STAGED["many vectors"], strict=True)),
)
one_mean = [
    partial(sizes.test_one_mean_is_that_of_more_vectors_than_half_types_can_add_up, dtype=dtype) for dtype in sizes.HALF
]
finite = [
    partial(magnitudes.test_a_row_is_finite_if_its_coordinates_are_whatever_their_sum, dtype=dtype, lookup_ord=order)
    for dtype, order in (("float16", 2), ("float32", np.inf))
]
of_losses = magnitudes.test_losses_and_gradients_of_half_types_are_those_of_the_same_numbers_in_float32
gathered = magnitudes.test_large_vectors_are_gathered
moved = magnitudes.test_large_vectors_are_averaged_and_written_over_dead_codes
started = partial(magnitudes.test_a_training_starts_from_large_vectors, start="sample")
similar = [partial(magnitudes.test_large_vectors_have_similarities, dtype=dtype) for dtype in ("float16", "float32")]
outermost = [
    partial(magnitudes.test_large_vectors_have_the_outermost_levels, dtype=dtype) for dtype in ("float16", "float32")
]

# Where adding 1 stops to change a number of the dtype.
MOST = {"float16": 2.0**11, "bfloat16": 2.0**8}

right_access_count = lookup.access_count
right_quantize, right_cosine, right_scalar = Oracle.quantize, Oracle.quantize_cosine, Oracle.quantize_scalar
right_training_pass = OracleTraining.training_pass


def counted_in(dtype: Any, count: Any) -> Any:
    """Return what counts one by one come to in a dtype."""
    return np.minimum(count, MOST.get(np.dtype(dtype).name, np.inf))


# Counts.


@in_quantize("VQ-4.2", *many_vectors)
def access_counts_are_added_up_in_the_dtype_of_x(case: Case, right: Quantized) -> Fields:
    return {"access_count": counted_in(case.x.dtype, right.access_count)}


@in_scalar("VQ-29.14", *on_grid)
def indices_on_a_grid_are_counted_in_the_dtype_of_x(case: ScalarCase, right: ScalarQuantized) -> Fields:
    count = right.access_count
    return {} if count is None else {"access_count": counted_in(case.x.dtype, count)}


@in_residual_quantize("VQ-28.5", in_stages)
def stages_count_in_the_dtype_of_x(case: ResidualCase, right: ResidualQuantized) -> Fields:
    return {"access_count": counted_in(case.case.x.dtype, right.access_count)}


@instead_of(
    TRAINING_PASS,
    "VQ-14.5",
    *(trained(check, "vectors", "bfloat16") for check in (replaced, averaged, dead)),
)
def what_a_training_counts_is_of_the_dtype_of_x(training: OracleTraining, x: Array, *mask: Array) -> None:
    def access_count(emb_index: Array, n: int) -> Array:
        return counted_in(x.dtype, right_access_count(emb_index, n))

    with patch("reference.lookup.access_count", access_count):
        right_training_pass(training, x, *mask)


@instead_of(TRAINING_PASS, "VQ-14.5", trained(replaced, "vectors", "bfloat16"))
def the_usage_is_kept_in_bfloat16(training: OracleTraining, x: Array, *mask: Array) -> None:
    right_training_pass(training, x, *mask)
    name = "accumulated_usage_count"
    if name in training.state and x.dtype == ml_dtypes.bfloat16:
        usage = training.state[name].astype(x.dtype).astype(np.float64)
        training.state = {**training.state, name: usage}


@in_cosine("VQ-10.11", compared("vectors", True, "float16"))
def the_share_is_counted_in_the_dtype_of_x(case: CosineCase, right: CosineQuantized) -> Fields:
    mask = right.identity_mapping_mask
    if mask is None:
        return {}
    mapped, found = (counted_in(case.x.dtype, them.sum()) for them in (mask, right.emb_index >= 0))
    return {"percentage_identity_mapped": np.float64(mapped / max(found, 1))}


@instead_of(f"{ORACLE}.quantize_cosine", "VQ-10.3", compared("embeddings", True, "bfloat16"))
def votes_are_counted_in_the_dtype_of_x(oracle: Oracle, case: CosineCase) -> CosineQuantized:
    def majority_vote(similarity: Array, emb_labels: Array, _: int, k: int, representative: str) -> Any:
        vote = elected(similarity, emb_labels, k, representative, lambda _, counts: counted_in(case.x.dtype, counts))
        return vote._replace(votes=counted_in(case.x.dtype, vote.votes).astype(int))

    with patch("reference.voting.majority_vote", majority_vote):
        return right_cosine(oracle, case)


# Sums and means.


@in_quantize("VQ-5.3", *many_vectors)
def a_mean_is_over_as_many_as_the_dtype_of_x_can_count(case: Case, right: Quantized) -> Fields:
    number = right.emb_index.size
    factor = number / max(counted_in(case.x.dtype, number), 1)
    return {"losses": right.losses | {k: v * factor for k, v in right.losses.items() if k == "alpha_loss"}}


@in_quantize("VQ-21.11", masked)
def the_mean_over_a_mask_is_counted_in_the_dtype_of_x(case: Case, right: Quantized) -> Fields:
    if case.mask is None:
        return {}
    found = (right.emb_index >= 0).sum()
    factor = found / max(counted_in(case.x.dtype, found), 1)
    return {"losses": {k: v if k == "coulomb_loss" else v * factor for k, v in right.losses.items()}}


@instead_of(TRAINING_PASS, "VQ-25.4", *one_mean)
def a_mean_of_k_means_is_over_as_many_as_the_dtype_of_x_can_count(
    training: OracleTraining, x: Array, *mask: Array
) -> None:
    begins = training._case.start == "k-means" and not training.state["initialized"]
    right_training_pass(training, x, *mask)
    if begins:
        factor = len(x) / max(counted_in(x.dtype, len(x)), 1)
        training.state = {**training.state, "emb_space": training.state["emb_space"] * factor}


# Squares and magnitudes.


@in_quantize("VQ-18.3", of_losses)
def squares_of_the_commitment_loss_overflow_in_float16(case: Case, right: Quantized) -> Fields:
    if case.codebooks == "per-split":
        return {}
    found = right.emb_index.reshape(-1) >= 0
    difference = case.emb_space[right.emb_index.reshape(-1)[found]] - case.vectors[found]
    overflows = case.x.dtype == np.float16 and (difference**2 > np.finfo(np.float16).max).any()
    return weighted_loss(case, right, "commitment_loss", np.inf) if overflows else {}


# What is finite.


def judged(x: Array, d: int) -> Array:
    """Return x with NaN in the vectors whose sum is not finite in their dtype."""
    vectors = x.reshape(-1, d)
    with np.errstate(all="ignore"):
        total = vectors.astype(np.float64).sum(axis=-1)
        largest = float(ml_dtypes.finfo(x.dtype).max)
        is_finite = np.isfinite(total) & (np.abs(total) <= largest)
    return np.where(is_finite[:, np.newaxis], vectors, x.dtype.type(np.nan)).reshape(x.shape)


@instead_of(f"{ORACLE}.quantize", "VQ-13.1", *finite)
def a_vector_is_finite_if_its_sum_is(oracle: Oracle, case: Case) -> Quantized:
    unmasked = case.mask is None
    return right_quantize(oracle, replace(case, x=judged(case.x, case.emb_space.shape[-1])) if unmasked else case)


@instead_of(f"{ORACLE}.quantize", "VQ-13.16", finite[1])
def an_embedding_is_finite_if_its_sum_is(oracle: Oracle, case: Case) -> Quantized:
    return right_quantize(oracle, replace(case, emb_space=judged(case.emb_space, case.emb_space.shape[-1])))


@instead_of(TRAINING_PASS, "VQ-13.14", gathered, moved, started)
def a_vector_trains_if_its_sum_is_finite(training: OracleTraining, x: Array, *mask: Array) -> None:
    right_training_pass(training, judged(x, training.state["emb_space"].shape[-1]), *mask)


@instead_of(f"{ORACLE}.quantize_cosine", "VQ-13.10", *similar)
def a_vector_has_similarities_if_its_sum_is_finite(oracle: Oracle, case: CosineCase) -> CosineQuantized:
    return right_cosine(oracle, replace(case, x=judged(case.x, case.emb_space.shape[-1])))


@instead_of(f"{ORACLE}.quantize_scalar", "VQ-29.15", *outermost)
def a_vector_has_levels_if_its_sum_is_finite(oracle: Oracle, case: ScalarCase) -> ScalarQuantized:
    right = right_scalar(oracle, case)  # which may refuse it
    return right if case.mask is not None else right_scalar(oracle, replace(case, x=judged(case.x, len(case.levels))))
