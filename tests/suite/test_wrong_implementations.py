"""Each deliberately wrong implementation fails the very checks that name its clause."""

from collections.abc import Iterator
from functools import partial

import hypothesis
import pytest

from tests.implementations.oracle import Oracle
from tests.parity import test_vector_quantization as parity
from tests.property import test_gradients as gradients
from tests.property import test_lookup as lookup
from tests.property import test_losses as losses
from tests.property import test_spacing as spacing
from tests.suite import faults

far_from_the_origin = partial(lookup.test_rows_far_from_the_origin_map_to_themselves, lookup_ord=2)

# Clause, wrong implementation, and the checks of which each must catch it.
FAULTS = [
    (
        "VQ-2",
        faults.the_last_of_tied_embeddings_is_chosen,
        [
            lookup.test_ties_go_to_the_lowest_index,
            lookup.test_the_first_of_equal_rows_is_chosen,
            parity.test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit,
        ],
    ),
    (
        "VQ-2",
        faults.the_farthest_embedding_is_chosen,
        [lookup.test_no_other_row_is_nearer, lookup.test_quantizing_twice_changes_nothing],
    ),
    ("VQ-2", faults.the_lookup_is_by_l2_whatever_the_norm, [lookup.test_no_other_row_is_nearer]),
    (
        "VQ-1",
        faults.l2_is_squared,
        [
            lookup.test_doubling_all_coordinates_doubles_the_distances,
            spacing.test_spacing_obeys_the_triangle_inequality,
            parity.test_distances_are_within_their_rounding_errors,
        ],
    ),
    (
        "VQ-2",
        faults.l2_has_an_epsilon_under_its_root,
        [
            lookup.test_an_input_equal_to_a_row_maps_to_it_at_distance_zero,
            losses.test_inputs_equal_to_embeddings_have_no_alpha_loss,
            parity.test_distances_are_within_their_rounding_errors,
        ],
    ),
    (
        "VQ-15",
        faults.l2_is_expanded,
        [far_from_the_origin, parity.test_distances_are_within_their_rounding_errors],
    ),
    ("VQ-15", faults.an_expansion_preselects_without_a_margin, [far_from_the_origin]),
    (
        "VQ-14",
        faults.half_types_are_compared_in_half_precision,
        [
            parity.test_distances_are_within_their_rounding_errors,
            parity.test_each_index_is_nearest_within_rounding,
        ],
    ),
    (
        "VQ-14",
        faults.float64_is_compared_in_float32,
        [
            parity.test_distances_are_within_their_rounding_errors,
            parity.test_each_index_is_nearest_within_rounding,
        ],
    ),
    (
        "VQ-14",
        faults.the_embeddings_are_rounded_to_the_dtype_of_x_before_the_lookup,
        [parity.test_distances_are_within_their_rounding_errors],
    ),
    (
        "VQ-15",
        faults.distances_are_off_by_ten_times_their_bound,
        [parity.test_distances_are_within_their_rounding_errors],
    ),
    ("VQ-1", faults.distances_are_sorted, [lookup.test_permuting_the_embeddings_permutes_the_distances]),
    (
        "VQ-1",
        faults.the_inputs_are_centred_and_the_embeddings_are_not,
        [lookup.test_each_element_of_the_batch_is_quantized_by_itself],
    ),
    (
        "VQ-1",
        faults.splits_are_column_major,
        [
            lookup.test_splitting_equals_reshaping,
            parity.test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit,
        ],
    ),
    (
        "VQ-2",
        faults.the_output_is_a_rounded_sum,
        [lookup.test_each_output_piece_is_the_indexed_row_bit_for_bit],
    ),
    (
        "VQ-2",
        faults.the_output_has_the_dtype_of_the_comparison,
        [lookup.test_each_output_piece_is_the_indexed_row_bit_for_bit],
    ),
    ("VQ-4", faults.access_counts_are_divided_by_the_batch, [lookup.test_access_counts_count_the_indices]),
    ("VQ-4", faults.access_counts_tell_only_whether, [lookup.test_access_counts_count_the_indices]),
    (
        "VQ-5",
        faults.the_losses_come_in_the_wrong_order,
        [losses.test_a_loss_is_absent_iff_its_weight_is_zero_and_the_order_is_fixed],
    ),
    (
        "VQ-5",
        faults.a_loss_of_weight_zero_is_present,
        [losses.test_a_loss_is_absent_iff_its_weight_is_zero_and_the_order_is_fixed],
    ),
    (
        "VQ-5",
        faults.a_loss_has_an_axis,
        [losses.test_a_loss_is_absent_iff_its_weight_is_zero_and_the_order_is_fixed],
    ),
    ("VQ-5", faults.the_alpha_loss_is_a_sum_over_m, [parity.test_losses_are_within_their_rounding_errors]),
    ("VQ-5", faults.the_alpha_loss_is_squared, [parity.test_losses_are_within_their_rounding_errors]),
    ("VQ-5", faults.the_alpha_loss_is_weighted_twice, [losses.test_a_loss_is_linear_in_its_weight]),
    ("VQ-5", faults.the_beta_loss_is_a_mean_over_the_embeddings, [parity.test_losses_are_within_their_rounding_errors]),
    ("VQ-5", faults.the_beta_loss_is_over_the_chosen_embeddings, [parity.test_losses_are_within_their_rounding_errors]),
    (
        "VQ-5",
        faults.the_coulomb_loss_attracts,
        [
            losses.test_alpha_and_beta_loss_are_not_negative_and_coulomb_loss_is_not_positive,
            parity.test_losses_are_within_their_rounding_errors,
        ],
    ),
    ("VQ-5", faults.the_coulomb_loss_is_a_mean, [parity.test_losses_are_within_their_rounding_errors]),
    (
        "VQ-5",
        faults.an_empty_batch_divides_zero_by_zero,
        [
            losses.test_an_empty_batch_gives_no_alpha_and_no_beta_loss,
            lookup.test_an_empty_batch_gives_an_empty_output,
        ],
    ),
    (
        "VQ-14",
        faults.losses_and_endpoints_have_the_dtype_of_x,
        [losses.test_losses_and_endpoints_have_at_least_the_precision_of_the_comparison],
    ),
    (
        "VQ-6",
        faults.the_spacing_includes_the_diagonal,
        [
            spacing.test_a_single_embedding_has_no_spacing,
            parity.test_distances_are_within_their_rounding_errors,
        ],
    ),
    (
        "VQ-6",
        faults.the_spacing_is_the_lower_triangle,
        [
            spacing.test_spacing_is_the_triangle_of_the_distances_of_the_embeddings,
            spacing.test_spacing_obeys_the_triangle_inequality,
            parity.test_distances_are_within_their_rounding_errors,
        ],
    ),
    (
        "VQ-6",
        faults.the_closest_spacing_is_to_itself,
        [spacing.test_closest_spacing_is_the_least_spacing_to_another],
    ),
    (
        "VQ-6",
        faults.the_closest_spacing_is_to_a_later_embedding,
        [spacing.test_closest_spacing_is_the_least_spacing_to_another],
    ),
    (
        "VQ-6",
        faults.the_closest_spacing_of_a_single_embedding_is_infinite,
        [spacing.test_a_single_embedding_has_no_spacing],
    ),
    (
        "VQ-6",
        faults.the_closest_spacing_is_to_an_embedding_in_use,
        [spacing.test_spacing_does_not_depend_on_the_inputs],
    ),
    (
        "VQ-3",
        faults.the_output_passes_no_gradient_to_x,
        [gradients.test_the_gradient_of_the_output_is_the_identity_to_x_and_nothing_to_the_embeddings],
    ),
    (
        "VQ-3",
        faults.the_output_passes_its_gradient_to_the_embeddings,
        [gradients.test_the_gradient_of_the_output_is_the_identity_to_x_and_nothing_to_the_embeddings],
    ),
    ("VQ-5", faults.the_alpha_loss_reaches_x, [gradients.test_no_loss_reaches_x]),
    ("VQ-5", faults.the_beta_loss_reaches_x, [gradients.test_no_loss_reaches_x]),
    (
        "VQ-7",
        faults.gradients_at_a_zero_difference_are_nan,
        [
            gradients.test_gradients_are_finite_where_all_differences_are_zero,
            gradients.test_gradients_are_finite_and_bounded_by_their_weights,
        ],
    ),
    (
        "VQ-7",
        faults.the_l1_gradient_at_zero_is_one,
        [gradients.test_gradients_are_finite_where_all_differences_are_zero],
    ),
    (
        "VQ-7",
        faults.the_l2_gradient_is_that_of_half_the_square,
        [
            gradients.test_gradients_are_finite_and_bounded_by_their_weights,
            parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential,
        ],
    ),
    (
        "VQ-7",
        faults.the_beta_gradient_is_a_sum,
        [
            gradients.test_gradients_are_finite_and_bounded_by_their_weights,
            parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential,
        ],
    ),
    (
        "VQ-7",
        faults.the_coulomb_gradient_reaches_only_the_row_itself,
        [
            gradients.test_the_coulomb_loss_moves_no_centre_of_mass,
            parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential,
        ],
    ),
    *(
        ("VQ-7", fault, [parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential])
        for fault in (
            faults.the_linf_gradient_goes_to_the_first_maximum,
            faults.the_linf_gradient_goes_to_each_maximum_in_full,
            faults.the_alpha_gradient_keeps_the_last_input_of_each_embedding,
            faults.the_alpha_gradient_pushes,
            faults.the_beta_gradient_is_over_the_chosen_embeddings,
            faults.the_coulomb_gradient_attracts,
            faults.the_coulomb_gradient_goes_to_the_first_of_tied_embeddings,
            faults.the_coulomb_gradient_goes_to_each_of_tied_embeddings_in_full,
        )
    ),
]

CHECKS = {check for _, _, checks in FAULTS for check in checks}


def name_of(check):
    return check.func.__name__ if isinstance(check, partial) else check.__name__


@pytest.fixture
def profile(request: pytest.FixtureRequest) -> Iterator[None]:
    """Draw the same examples on every run, as many as asked for, and do not shrink what fails."""
    previous = hypothesis.settings.get_current_profile_name()
    hypothesis.settings.register_profile(
        "wrong implementations",
        max_examples=request.param,
        derandomize=True,
        database=None,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        report_multiple_bugs=False,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.settings.load_profile("wrong implementations")
    yield
    hypothesis.settings.load_profile(previous)


@pytest.mark.parametrize("profile", [300], indirect=True)
@pytest.mark.parametrize(
    ("wrong", "check"),
    [
        pytest.param(wrong, check, id=f"{wrong.name}-{name_of(check)}", marks=pytest.mark.clause(clause))
        for clause, wrong, checks in FAULTS
        for check in checks
    ],
)
@pytest.mark.usefixtures("profile")
def test_a_wrong_implementation_fails_the_check_of_its_clause(wrong, check):
    with pytest.raises(AssertionError):
        check(wrong)


@pytest.mark.parametrize("profile", [20], indirect=True)
@pytest.mark.parametrize("check", sorted(CHECKS, key=name_of), ids=name_of)
@pytest.mark.usefixtures("profile")
def test_the_unspoiled_oracle_passes_the_same_check(check):
    check(Oracle())


@pytest.mark.parametrize("module", [gradients, lookup, losses, spacing, parity], ids=lambda module: module.__name__)
def test_every_check_catches_a_wrong_implementation(module):
    assert {name for name in vars(module) if name.startswith("test_")} <= {name_of(check) for check in CHECKS}


def test_every_wrong_implementation_is_listed():
    listed = {wrong.name for _, wrong, _ in FAULTS}
    assert listed == {name for name, value in vars(faults).items() if isinstance(value, faults.Faulty)}
