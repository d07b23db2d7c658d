"""Faults of decoding (VQ-13)."""

from functools import partial

import numpy as np

from reference import decoding
from tests.property import test_decoding as laws
from tests.suite.faults.consequences import Array
from tests.suite.faults.machinery import instead_of

DECODED = "vq_verify.adapters.oracle.decoded"

came_out = laws.test_what_was_found_decodes_to_what_came_out
row_of_index = partial(laws.test_an_index_decodes_to_its_row_in_the_dtype_of_x_and_minus_one_to_nan, dtype="float32")
outside = partial(laws.test_an_index_of_no_row_is_an_error_or_nan_where_nothing_can_raise_one, index=3)
below = partial(laws.test_an_index_of_no_row_is_an_error_or_nan_where_nothing_can_raise_one, index=-2)

right_decoded = decoding.decoded


@instead_of(DECODED, "VQ-13.26", came_out, row_of_index)
def decoding_counts_minus_one_from_the_end(emb_space: Array, emb_index: Array) -> Array:
    return emb_space[emb_index]


@instead_of(DECODED, "VQ-13.27", below)
def decoding_takes_the_first_row_for_indices_below_minus_one(emb_space: Array, emb_index: Array) -> Array:
    return right_decoded(emb_space, np.where(emb_index < -1, 0, emb_index))


@instead_of(DECODED, "VQ-13.27", outside)
def decoding_clips_an_index_beyond_the_last(emb_space: Array, emb_index: Array) -> Array:
    return right_decoded(emb_space, np.minimum(emb_index, len(emb_space) - 1))


@instead_of(DECODED, "VQ-13.29", came_out, row_of_index)
def decoding_rounds_to_half_precision(emb_space: Array, emb_index: Array) -> Array:
    return right_decoded(emb_space.astype(np.float16), emb_index).astype(emb_space.dtype)


@instead_of(DECODED, "VQ-13.29", row_of_index)
def decoding_sums_one_hot_products_and_loses_the_sign_of_a_zero(emb_space: Array, emb_index: Array) -> Array:
    return right_decoded(emb_space, emb_index) + np.float32(0)
