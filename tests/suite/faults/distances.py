"""Faults of the distances (VQ-1, VQ-15)."""

from functools import partial

import numpy as np

from tests.parity import test_vector_quantization as parity
from tests.property import test_lookup as lookup
from tests.property import test_losses as losses
from tests.property import test_spacing as spacing
from tests.suite.faults.consequences import Fields, chosen, compared, looked_up, weighted_loss
from tests.suite.faults.machinery import in_quantize
from vq_verify.comparison import comparison_dtype, distance_error, exact_distances, rounding
from vq_verify.protocol import Case, Quantized

far_from_the_origin = partial(lookup.test_rows_far_from_the_origin_map_to_themselves, lookup_ord=2)


@in_quantize(
    "VQ-1.1",
    lookup.test_a_scale_of_all_coordinates_is_one_of_the_distances,
    spacing.test_spacing_obeys_the_triangle_inequality,
    parity.test_distances_are_within_their_rounding_errors,
)
def l2_is_squared(case: Case, right: Quantized) -> Fields:
    names = ("distance", "emb_spacing", "emb_closest_spacing") if case.lookup_ord == 2 else ()
    return {name: getattr(right, name) ** 2 for name in names}


@in_quantize(
    "VQ-2.6",
    lookup.test_an_input_equal_to_a_row_maps_to_it_at_distance_zero,
    losses.test_inputs_equal_to_embeddings_have_no_alpha_loss,
    parity.test_distances_are_within_their_rounding_errors,
)
def l2_has_an_epsilon_under_its_root(case: Case, right: Quantized) -> Fields:
    if case.lookup_ord != 2:
        return {}
    distance = np.sqrt(right.distance**2 + 1e-12)  # as one adds against the NaN of the gradient at 0
    losses = weighted_loss(case, right, "alpha_loss", distance.min(axis=-1).sum() / max(len(case.vectors), 1))
    return {"distance": distance, **losses}


@in_quantize("VQ-15.3", far_from_the_origin, parity.test_distances_are_within_their_rounding_errors)
def l2_is_expanded(case: Case, right: Quantized) -> Fields:
    if case.lookup_ord != 2:
        return {}
    vectors, emb_space = compared(case, comparison_dtype(case.x.dtype))
    squared = (emb_space**2).sum(axis=-1) - 2 * vectors @ emb_space.T  # ||e||^2 - 2 x e
    whole = np.maximum(squared + (vectors**2).sum(axis=-1, keepdims=True), 0)
    emb_index = squared.argmin(axis=-1).reshape(right.emb_index.shape)
    return {**chosen(case, emb_index), "distance": np.sqrt(whole).reshape(right.distance.shape)}


@in_quantize("VQ-15.3", far_from_the_origin)
def an_expansion_preselects_without_a_margin(case: Case, _: Quantized) -> Fields:
    return chosen(case, l2_is_expanded.quantize(case).emb_index)


@in_quantize("VQ-15.2", parity.test_distances_are_within_their_rounding_errors)
def distances_are_off_by_ten_times_their_bound(case: Case, right: Quantized) -> Fields:
    error = distance_error(right.distance, case.emb_space.shape[1], case.lookup_ord, rounding(case.x.dtype))
    return {"distance": right.distance + 10 * error}


@in_quantize("VQ-1.4", lookup.test_permuting_the_embeddings_permutes_the_distances)
def distances_are_sorted(_: Case, right: Quantized) -> Fields:
    return {"distance": np.sort(right.distance, axis=-1)}  # as top_k returns them


@in_quantize("VQ-1.1", lookup.test_each_element_of_the_batch_is_quantized_by_itself)
def the_inputs_are_centred_and_the_embeddings_are_not(case: Case, right: Quantized) -> Fields:
    centred = case.vectors - case.vectors.sum(axis=0) / max(len(case.vectors), 1)
    distance = exact_distances(centred, case.emb_space, case.lookup_ord)
    return looked_up(case, distance.reshape(right.distance.shape))


@in_quantize(
    "VQ-1.3",
    lookup.test_splitting_equals_reshaping,
    parity.test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit,
)
def splits_are_column_major(case: Case, right: Quantized) -> Fields:
    batch, r, q = case.x.shape
    d = q // case.num_splits
    vectors = case.x.reshape(batch, r, d, case.num_splits).swapaxes(-1, -2).astype(np.float64)
    distance = exact_distances(vectors.reshape(-1, d), case.emb_space, case.lookup_ord).reshape(right.distance.shape)
    emb_index = distance.argmin(axis=-1)
    rows = case.emb_space.astype(case.x.dtype)[emb_index].reshape(batch, r, case.num_splits, d)
    layer_out = rows.swapaxes(-1, -2).reshape(case.x.shape)
    return {**looked_up(case, distance), "layer_out": layer_out}


@in_quantize("VQ-1.2", parity.test_distances_are_within_their_rounding_errors)
def the_largest_difference_of_linf_has_a_sign(case: Case, right: Quantized) -> Fields:
    if not np.isinf(case.lookup_ord):
        return {}
    vectors, emb_space = compared(case, comparison_dtype(case.x.dtype))
    return {"distance": (vectors[:, np.newaxis] - emb_space).max(axis=-1).reshape(right.distance.shape)}
