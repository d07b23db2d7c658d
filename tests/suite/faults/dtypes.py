"""Faults of the dtypes (VQ-14)."""

from functools import partial

import numpy as np

from tests.parity import test_vector_quantization as parity
from tests.property import test_cosine as cosine
from tests.property import test_lookup as lookup
from tests.property import test_losses as losses
from tests.property import test_replacement as replacement
from tests.suite.faults.chunks import many_quantized
from tests.suite.faults.consequences import Fields, compared, distances, looked_up
from tests.suite.faults.machinery import in_cosine, in_quantize, instead_of
from vq_verify.adapters.oracle import OracleTraining
from vq_verify.comparison import comparison_dtype, exact_distances
from vq_verify.protocol import Case, CosineCase, CosineQuantized, Quantized

no_overflow = partial(lookup.test_no_difference_nor_its_square_overflows_in_half_precision, lookup_ord=2)
large = partial(lookup.test_the_nearest_is_found_at_magnitudes_whose_distances_just_do_not_overflow, lookup_ord=1)
precise = replacement.test_replacing_leaves_the_precision_of_the_other_embeddings

right_replace_embeds = OracleTraining.replace_embeds


@in_quantize(
    "VQ-14.2", parity.test_distances_are_within_their_rounding_errors, parity.test_each_index_is_nearest_within_rounding
)
def half_types_are_compared_in_half_precision(case: Case, right: Quantized) -> Fields:
    distance = distances(case, *compared(case, case.x.dtype)) if case.x.dtype.itemsize == 2 else right.distance
    return looked_up(case, distance.astype(right.distance.dtype))


@in_quantize(
    "VQ-14.2", parity.test_distances_are_within_their_rounding_errors, parity.test_each_index_is_nearest_within_rounding
)
def float64_is_compared_in_float32(case: Case, right: Quantized) -> Fields:
    distance = distances(case, *compared(case, np.float32)) if case.x.dtype == np.float64 else right.distance
    return looked_up(case, distance.astype(np.float64))


@in_quantize("VQ-14.3", parity.test_distances_are_within_their_rounding_errors)
def the_embeddings_are_rounded_to_the_dtype_of_x_before_the_lookup(case: Case, right: Quantized) -> Fields:
    distance = exact_distances(case.vectors, case.emb_space.astype(case.x.dtype).astype(np.float64), case.lookup_ord)
    return looked_up(case, distance.reshape(right.distance.shape))


@in_quantize("VQ-2.4", lookup.test_each_output_piece_is_the_indexed_row_bit_for_bit)
def the_output_has_the_dtype_of_the_comparison(case: Case, right: Quantized) -> Fields:
    rows = case.emb_space.astype(comparison_dtype(case.x.dtype))[right.emb_index]
    return {"layer_out": rows.reshape(case.x.shape)}


@in_quantize("VQ-14.4", losses.test_losses_and_endpoints_have_at_least_the_precision_of_the_comparison)
def losses_and_endpoints_have_the_dtype_of_x(case: Case, right: Quantized) -> Fields:
    names = ("distance", "emb_spacing", "emb_closest_spacing")
    losses = {name: np.asarray(loss).astype(case.x.dtype) for name, loss in right.losses.items()}
    return {name: getattr(right, name).astype(case.x.dtype) for name in names} | {"losses": losses}


@in_quantize("VQ-14.2", no_overflow)
def squares_overflow_in_float16(case: Case, right: Quantized) -> Fields:
    overflows = (case.x.dtype == np.float16) & (case.lookup_ord == 2) & (right.distance**2 > np.finfo(np.float16).max)
    return looked_up(case, np.where(overflows, np.inf, right.distance))


@in_quantize("VQ-15.1", large)
def squares_overflow_under_any_norm(_: Case, right: Quantized) -> Fields:
    with np.errstate(over="ignore"):
        overflows = np.isinf(np.square(right.distance.astype(np.float32)))
    index = np.where(overflows, np.inf, right.distance).argmin(axis=-1)
    return {"emb_index": np.where(right.emb_index < 0, -1, index)}


@in_quantize("VQ-4.2", lookup.test_access_counts_count_the_indices)
def access_counts_are_integers(_: Case, right: Quantized) -> Fields:
    return {"access_count": right.access_count.astype(np.int64)}


@in_quantize("VQ-4.2", many_quantized)
def access_counts_are_added_up_in_half_precision(_: Case, right: Quantized) -> Fields:
    return {"access_count": np.minimum(right.access_count, 256)}  # where adding 1 stops to change a bfloat16


@in_cosine("VQ-14.4", cosine.test_similarity_is_at_most_1_and_that_to_oneself_is_1)
def similarities_have_the_dtype_of_x(case: CosineCase, right: CosineQuantized) -> Fields:
    return {"similarity_values": right.similarity_values.astype(case.x.dtype)}


@instead_of(f"{OracleTraining.__module__}.OracleTraining.replace_embeds", "VQ-14.3", precise)
def replacing_rounds_the_embeddings_to_the_dtype_of_x(training: OracleTraining) -> None:
    right_replace_embeds(training)
    rounded = training.state["emb_space"].astype(training._case.x.dtype).astype(np.float64)
    training.state = {**training.state, "emb_space": rounded}
