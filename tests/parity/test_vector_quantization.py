"""Vector quantization against the oracle, value by value (VQ-1 to VQ-7, VQ-18)."""

import numpy as np

import reference
from vq_verify import strategies
from vq_verify.comparison import (
    assert_nearest,
    assert_within,
    distance_error,
    loss_gradient_intervals,
    rounding,
    square_loss,
    weighted_sum_error,
)
from vq_verify.verify import held_to, offered_of, verify

DISTANCES = ("distance", "emb_spacing", "emb_closest_spacing")
CLAUSES_OF = {
    "emb_index": ("VQ-2", "VQ-15"),
    "layer_out": ("VQ-2",),
    "access_count": ("VQ-4",),
    "distance": ("VQ-1", "VQ-14", "VQ-15"),
    **dict.fromkeys(DISTANCES[1:], ("VQ-6", "VQ-14", "VQ-15")),
}


def oracle(case):
    return reference.vector_quantization(case.x, case.emb_space, **case.arguments)


@verify(
    "VQ-1.3",
    "VQ-2.1",
    "VQ-2.2",
    "VQ-2.3",
    "VQ-2.4",
    "VQ-2.5",
    "VQ-4.1",
    "VQ-6.1",
    "VQ-6.2",
    "VQ-15.10",
    case=strategies.exact_cases,
)
def test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit(implementation, case):
    result, expected = implementation.quantize(case), oracle(case)
    for name in offered_of(result, "emb_index", "layer_out", "access_count", *DISTANCES):
        value, exact = getattr(result, name), getattr(expected, name)
        if name in DISTANCES:
            # Both are rounded once more here. A root of a sum of squares below 2^22 rounds alike once or twice.
            value, exact = (it.astype(case.emb_space.dtype) for it in (value, exact))
        with held_to(*CLAUSES_OF[name]):
            np.testing.assert_array_equal(value, exact, err_msg=name, strict=name == "layer_out")


@verify(
    "VQ-1.1", "VQ-1.2", "VQ-1.4", "VQ-2.6", "VQ-6.1", "VQ-6.2", "VQ-14.2", "VQ-14.3", "VQ-15.2", case=strategies.cases
)
def test_distances_are_within_their_rounding_errors(implementation, case):
    result, expected = implementation.quantize(case), oracle(case)
    for name in offered_of(result, *DISTANCES):
        value, exact = getattr(result, name), getattr(expected, name)
        error = distance_error(exact, case.emb_space.shape[1], case.lookup_ord, rounding(case.x.dtype))
        with held_to(*CLAUSES_OF[name]):
            assert_within(value, exact, error, name)


@verify("VQ-2.1", "VQ-14.2", "VQ-15.1", case=strategies.cases)
def test_each_index_is_nearest_within_rounding(implementation, case):
    result, expected = implementation.quantize(case), oracle(case)
    error = distance_error(expected.distance, case.emb_space.shape[1], case.lookup_ord, rounding(case.x.dtype))
    assert_nearest(expected.distance, error, result.emb_index, "emb_index")


@verify("VQ-5.1", "VQ-5.3", "VQ-5.4", "VQ-5.5", "VQ-15.2", "VQ-18.1", "VQ-18.3", case=strategies.all_cases)
def test_losses_are_within_their_rounding_errors(implementation, case):
    result, expected = implementation.quantize(case), oracle(case)
    arithmetic, (n, d) = rounding(case.x.dtype), case.emb_space.shape
    error = distance_error(expected.distance, d, case.lookup_ord, arithmetic)
    spacing_error = distance_error(expected.emb_closest_spacing, d, case.lookup_ord, arithmetic)
    rows = len(case.vectors)
    # A near-tie may flip the index, but then the distances of both lie within their errors of each other.
    bounds = {
        "alpha_loss": (abs(case.alpha) * 3 * error.min(axis=-1).mean(), rows),
        "beta_loss": (abs(case.beta) * error.sum(axis=-1).mean(), rows + n),
        "coulomb_loss": (abs(case.gamma) * spacing_error.sum(), n),
    }
    assert list(result.losses) == case.losses
    for name, loss in result.losses.items():
        if name in bounds:
            exact = expected.losses[name]
            assert_within(loss, exact, weighted_sum_error(exact, *bounds[name], arithmetic), name)
        else:
            assert_within(loss, *square_loss(case, result.emb_index, case.weights[name]), name)


@verify(
    "VQ-5.3",
    "VQ-5.4",
    "VQ-5.5",
    "VQ-7.2",
    "VQ-7.3",
    "VQ-7.4",
    "VQ-7.5",
    "VQ-7.7",
    "VQ-15.2",
    "VQ-15.4",
    "VQ-18.2",
    case=strategies.all_cases,
)
def test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential(implementation, case):
    gradients = implementation.gradients(case, np.zeros_like(case.x)).losses_to_emb_space
    enclosures = loss_gradient_intervals(case, implementation.quantize(case).emb_index)
    assert list(gradients) == case.losses
    for name, gradient in gradients.items():
        assert enclosures[name].contains(gradient).all(), (name, gradient, enclosures[name])
