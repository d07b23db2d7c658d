"""Square losses, rotations, masks, codebooks per split, trainings against the oracle, by value (VQ-17 to VQ-27)."""

from dataclasses import replace

import numpy as np

import reference
from reference.lookup import select
from vq_verify import strategies
from vq_verify.adapters.oracle import Oracle, result_of
from vq_verify.comparison import (
    assert_within,
    codebook_gradient_interval,
    commitment_gradient,
    projected,
    rotated,
    rounding,
    square_loss,
    weighted_sum_error,
)
from vq_verify.comparison.cosine import assert_identical
from vq_verify.strategies import parts
from vq_verify.verify import verify

from ..property.test_passes import take

ENDPOINTS = ("layer_out", "emb_index", "access_count", "distance", "emb_spacing", "emb_closest_spacing")


def assert_equal_to_the_oracle(implementation, case):
    """Compare all endpoints of an exact case bit for bit, and its losses."""
    result, expected = implementation.quantize(case), result_of(case)
    for name in ENDPOINTS:
        value = getattr(result, name)
        # The oracle rounds once more here. A root of a sum of squares below 2^22 rounds alike once or twice.
        assert_identical(value, getattr(expected, name).astype(value.dtype), name)
    arithmetic, terms = rounding(case.x.dtype), case.x.size + case.emb_space.size + 3
    for name, exact in expected.losses.items():
        # Of its terms, all of one sign, at most a root rounds; of a mean over two axes there are two divisions.
        error = weighted_sum_error(exact, arithmetic.gamma(1) * abs(exact), terms, arithmetic)
        assert_within(result.losses[name], exact, error, name)


@verify("VQ-18.1", "VQ-18.2", "VQ-18.3", "VQ-18.4", case=strategies.all_cases)
def test_square_losses_and_their_gradients_are_within_their_errors(implementation, case):
    case = replace(case, weights={"codebook_loss": 1.0, "commitment_loss": 0.25})
    result, gradients = implementation.quantize(case), implementation.gradients(case, np.zeros_like(case.x))
    for name, loss in result.losses.items():
        assert_within(loss, *square_loss(case, result.emb_index, case.weights[name]), name)
    interval = codebook_gradient_interval(case, result.emb_index)
    assert interval.contains(gradients.losses_to_emb_space["codebook_loss"]).all()
    to_x = commitment_gradient(case, result.emb_index)
    assert_within(gradients.losses_to_x["commitment_loss"], *to_x, "gradient of commitment_loss")


@verify("VQ-27.1", "VQ-27.3", "VQ-27.5", "VQ-27.6", "VQ-27.9", "VQ-27.10", "VQ-27.11", drawn=parts.rotations)
def test_the_gradient_under_a_rotation_is_that_of_the_oracle_within_its_error(implementation, drawn):
    assert_passed_on_as_in_the_oracle(implementation, *drawn, reference.Rotation(), rotated)


@verify("VQ-27.12", "VQ-27.13", "VQ-27.14", "VQ-27.16", drawn=parts.projections)
def test_the_gradient_under_diveq_is_that_of_the_oracle_within_its_error(implementation, drawn):
    assert_passed_on_as_in_the_oracle(implementation, *drawn, reference.DiVeQ(), projected)


def assert_passed_on_as_in_the_oracle(implementation, case, upstream, estimator, bounded):
    """Compare what reaches x with what the oracle's estimator makes of the accepted indices."""
    gradient, emb_index = implementation.gradients(case, upstream).output_to_x, implementation.quantize(case).emb_index
    chosen = select(case.emb_space.astype(np.float64), emb_index.reshape(-1))
    expected = estimator.gradient_to_vectors(case.vectors, chosen, upstream.reshape(chosen.shape))
    error = bounded(case, emb_index, upstream)[1]
    assert_within(gradient.reshape(expected.shape), expected, error, "gradient of the output")


@verify("VQ-21.1", "VQ-21.3", "VQ-21.5", "VQ-21.6", "VQ-21.7", "VQ-21.10", "VQ-21.11", drawn=parts.masked_cases)
def test_with_a_mask_every_endpoint_equals_the_oracle(implementation, drawn):
    assert_equal_to_the_oracle(implementation, drawn.masked)


@verify("VQ-20.2", "VQ-20.3", "VQ-20.4", "VQ-20.5", case=parts.exact_cases_per_split)
def test_with_a_codebook_per_split_every_endpoint_equals_the_oracle(implementation, case):
    assert_equal_to_the_oracle(implementation, case)


@verify(
    "VQ-17.13",
    "VQ-17.15",
    "VQ-20.6",
    "VQ-21.14",
    "VQ-22.8",
    "VQ-22.9",
    "VQ-23.2",
    "VQ-23.3",
    "VQ-23.4",
    "VQ-23.5",
    "VQ-23.6",
    "VQ-23.7",
    drawn=parts.trainings_of_parts,
)
def test_every_pass_of_a_training_of_parts_leaves_the_state_that_it_must(implementation, drawn):
    start, steps = drawn
    trained, expected = (it.training(*start) for it in (implementation, Oracle()))
    for step in steps:
        take(trained, step)
        take(expected, step)
        state = trained.state
        for name, value in expected.state.items():
            np.testing.assert_array_equal(state[name], value.astype(state[name].dtype), err_msg=name)
