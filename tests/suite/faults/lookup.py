"""Faults of the lookup and of the access count (VQ-2, VQ-4)."""

from functools import partial

import ml_dtypes
import numpy as np
from scipy.spatial.distance import cdist

from tests.parity import test_vector_quantization as parity
from tests.property import test_lookup as lookup
from tests.suite.faults.consequences import Fields, chosen
from tests.suite.faults.machinery import in_quantize
from vq_verify.comparison import comparison_dtype
from vq_verify.protocol import Case, Quantized

signed_zeros = partial(lookup.test_a_zero_comes_out_with_the_sign_that_it_has_in_the_embedding, dtype="float32")


@in_quantize(
    "VQ-2.3",
    lookup.test_ties_go_to_the_lowest_index,
    lookup.test_the_first_of_equal_rows_is_chosen,
    parity.test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit,
)
def the_last_of_tied_embeddings_is_chosen(case: Case, right: Quantized) -> Fields:
    n = right.distance.shape[-1]
    return chosen(case, n - 1 - right.distance[..., ::-1].argmin(axis=-1))


@in_quantize("VQ-2.1", lookup.test_no_other_row_is_nearer, lookup.test_quantizing_twice_changes_nothing)
def the_farthest_embedding_is_chosen(case: Case, right: Quantized) -> Fields:
    return chosen(case, right.distance.argmax(axis=-1))


@in_quantize("VQ-2.1", lookup.test_no_other_row_is_nearer)
def the_lookup_is_by_l2_whatever_the_norm(case: Case, right: Quantized) -> Fields:
    return chosen(case, cdist(case.vectors, case.emb_space).argmin(axis=-1).reshape(right.emb_index.shape))


@in_quantize("VQ-2.5", lookup.test_each_output_piece_is_the_indexed_row_bit_for_bit)
def the_output_is_a_rounded_sum(case: Case, right: Quantized) -> Fields:
    dtype = comparison_dtype(case.x.dtype)
    x, y = case.x.astype(dtype), right.layer_out.astype(dtype)
    return {"layer_out": (x + (y - x)).astype(case.x.dtype)}


@in_quantize("VQ-4.1", lookup.test_access_counts_count_the_indices)
def access_counts_are_divided_by_the_batch(case: Case, right: Quantized) -> Fields:
    return {"access_count": right.access_count / len(case.x)}


@in_quantize("VQ-4.1", lookup.test_access_counts_count_the_indices)
def access_counts_tell_only_whether(_: Case, right: Quantized) -> Fields:
    return {"access_count": np.minimum(right.access_count, 1)}


@in_quantize("VQ-2.5", signed_zeros)
def a_negative_zero_loses_its_sign(_: Case, right: Quantized) -> Fields:
    return {"layer_out": right.layer_out + right.layer_out.dtype.type(0)}


@in_quantize("VQ-2.4", lookup.test_an_empty_batch_gives_an_empty_output)
def an_empty_batch_loses_its_shape(case: Case, right: Quantized) -> Fields:
    return {"layer_out": right.layer_out if case.x.size else right.layer_out.reshape(0)}


@in_quantize("VQ-2.2", lookup.test_the_first_of_equal_rows_is_chosen)
def the_last_of_equal_embeddings_is_chosen(case: Case, right: Quantized) -> Fields:
    equal = (case.emb_space[right.emb_index][..., np.newaxis, :] == case.emb_space).all(axis=-1)
    return chosen(case, len(case.emb_space) - 1 - equal[..., ::-1].argmax(axis=-1))


@in_quantize("VQ-2.7", lookup.test_a_coordinate_beyond_the_range_of_x_comes_out_as_infinity)
def what_is_beyond_the_range_of_x_comes_out_as_the_largest_number(case: Case, right: Quantized) -> Fields:
    largest = float(ml_dtypes.finfo(case.x.dtype).max)
    rows = np.clip(case.emb_space.astype(np.float64), -largest, largest).astype(case.x.dtype)
    return {"layer_out": rows[right.emb_index].reshape(case.x.shape)}
