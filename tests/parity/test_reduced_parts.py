"""All that a quantizer may be put together from, in a space of principal components, against the oracle (VQ-8)."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import reference
from reference.parts.replacement import DeadCodes
from reference.parts.updates import MovingAverage
from vq_verify.adapters.oracle import Oracle
from vq_verify.comparison import assert_within, projected, rotated
from vq_verify.offers import offered
from vq_verify.protocol import Case, Implementation, ResidualCase
from vq_verify.strategies.parts import Step
from vq_verify.strategies.reduction import as_cosine

from ..property import test_passes as passes
from ..property import test_per_split as per_split
from . import test_parts as parts
from . import test_reduction as reduction

# Of any directions, the first two of which stand out; in general position, so that nothing is near a tie.
N, D, COUNT, COMPONENTS = 9, 5, 16, 2
STRETCH = np.array([40.0, 16.0, 3.0, 2.0, 1.0])
TURN = np.array([[2, 1, 0, 0, 2], [-1, 2, 0, 0, 0], [0, 0, 1, 2, 0], [0, 0, -2, 1, 1], [-2, 0, 1, 0, 2]]) / 3

# No number here is larger than 2^9, and none is off by more than some tens of roundings of float32.
ERROR = 2.0**-8


def fixed_case(dim_reduction: str, num_splits: int = 1, **more: Any) -> Case:
    """Return a case in general position."""
    rng = np.random.default_rng(5)
    vectors = rng.standard_normal([COUNT * num_splits + N, D]) * STRETCH @ TURN + 10
    return Case(
        x=vectors[N:].reshape(COUNT // 2, 2, num_splits * D).astype(np.float32),
        emb_space=vectors[:N].astype(np.float32),
        num_splits=num_splits,
        dim_reduction=dim_reduction,
        num_dim_reduction_components=COMPONENTS,
        **{"weights": {}, **more},
    )


@pytest.mark.clause("VQ-8.1", "VQ-8.4", "VQ-8.10", "VQ-14.2")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_more_rows_than_half_types_can_add_up_are_fitted(implementation: Implementation, dtype: str) -> None:
    case = fixed_case("pca-batch")
    x = np.resize(case.x, [3000, 1, D]) * np.where(np.arange(3000)[:, np.newaxis, np.newaxis] % 2, 0.5, 1)
    case = replace(case, x=x.astype(dtype))
    reduction.assert_within_errors(case, implementation.quantize(case))
    # Distances do not depend on the mean, but similarities do.
    similar = as_cosine(case)
    reduction.assert_similar_within_errors(similar, implementation.quantize_cosine(similar))


@pytest.mark.clause("VQ-8.1", "VQ-8.5", "VQ-8.8", "VQ-8.9")
def test_more_than_a_few_components_of_many_coordinates_are_kept(implementation: Implementation) -> None:
    rng = np.random.default_rng(7)
    rows = rng.standard_normal([107 + 30, 40]) * np.where(np.arange(40) < 19, 16, 1)  # the cut is after these
    case = Case(
        x=rows[107:, np.newaxis].astype(np.float32),
        emb_space=rows[:107].astype(np.float32),
        dim_reduction="pca-batch",
        num_dim_reduction_components=19,
        weights={"beta_loss": 0.5},
    )
    reduction.assert_within_errors(case, implementation.quantize(case))


def per_split_case(dim_reduction: str, **more: Any) -> Case:
    """Return a case with a codebook per split, which are fitted apart: one is the other with its axes exchanged."""
    case = fixed_case(dim_reduction, num_splits=2, **more)
    emb_space = np.stack([case.emb_space, np.roll(case.emb_space, 2, axis=-1)])
    x = np.concatenate([case.x[..., :D], np.roll(case.x[..., D:], 2, axis=-1)], axis=-1)
    return replace(case, x=x, emb_space=emb_space, codebooks="per-split")


def steps_of(case: Case, masks: bool) -> list[Step]:
    """Return the passes of a training: one that fits otherwise than the others, one of inference, one with a mask."""
    x = case.x
    mask = np.arange(len(x)) % 3 > 0 if masks else None
    turned = (x[::-1] * np.resize([3.0, -1.0], x.shape[-1])).astype(x.dtype)
    return [
        Step(x, None, trains=True),
        Step(turned, None, trains=True),
        Step(x + 1, None, trains=False),
        Step(x[::-1], mask, trains=True),
    ]


TRAININGS = {
    "replacement within a pass": {"lookup_ord": 1, "every": 2},
    "dead codes": {"replacement": DeadCodes(0.6, 0.25, "most-distant", 4, every=1)},
    "moving averages": {"update": MovingAverage(0.75, 0.0)},
    "a start": {"start": "batch"},
}

# Each split has a fit of its own in whatever it is trained by.
APART = [(it, "per-split") for it in TRAININGS if it != "dead codes"]


def assert_near(state: Any, expected: Any) -> None:
    """Compare all that is known of the states of two trainings."""
    for name in expected:
        if name not in ("candidate_inputs", "candidate_keys", "draws"):
            assert_within(state[name], expected[name], ERROR, name)


def assert_trained_as_in_the_oracle(implementation: Implementation, case: Case) -> None:
    """Compare all states of a training, which a replacement by hand ends."""
    masks = bool(offered(implementation, "masks", ["x"]))
    trained, expected = (it.training(case, 4) for it in (implementation, Oracle()))
    for step in steps_of(case, masks):
        for it in (trained, expected):
            passes.take(it, step)
        assert_near(trained.state, expected.state)
    for it in (trained, expected):
        it.replace_embeds()
    assert_near(trained.state, expected.state)


@pytest.mark.clause("VQ-8.1", "VQ-8.2", "VQ-8.8", "VQ-8.11", "VQ-8.15", "VQ-11.3", "VQ-11.6")
@pytest.mark.parametrize("dim_reduction", ["pca-batch", "pca-emb-space"])
def test_a_replacement_in_a_reduced_space_is_that_of_the_oracle(
    implementation: Implementation, dim_reduction: str
) -> None:
    assert_trained_as_in_the_oracle(implementation, fixed_case(dim_reduction))


@pytest.mark.clause("VQ-17.15", "VQ-20.6", "VQ-21.13", "VQ-21.14", "VQ-23.3", "VQ-24.10", "VQ-26.4", "VQ-26.7")
@pytest.mark.parametrize("dim_reduction", ["pca-batch", "pca-emb-space"])
@pytest.mark.parametrize(("training", "codebooks"), [*((it, "shared") for it in TRAININGS), *APART])
def test_every_training_in_a_reduced_space_is_that_of_the_oracle(
    implementation: Implementation, training: str, codebooks: str, dim_reduction: str
) -> None:
    case = {"shared": fixed_case, "per-split": per_split_case}[codebooks](dim_reduction, **TRAININGS[training])
    assert_trained_as_in_the_oracle(implementation, case)


@pytest.mark.clause("VQ-27.1", "VQ-27.12")
@pytest.mark.parametrize(("estimator", "bounded"), [(reference.Rotation(), rotated), (reference.DiVeQ(), projected)])
def test_an_estimator_turns_and_projects_in_the_full_space(
    implementation: Implementation, estimator: Any, bounded: Any
) -> None:
    case = fixed_case("pca-batch", estimator=estimator.name)
    upstream = (np.arange(case.x.size) % 5 + 1).reshape(case.x.shape).astype(case.x.dtype)
    parts.assert_passed_on_as_in_the_oracle(implementation, case, upstream, estimator, bounded)


@pytest.mark.clause("VQ-20.2", "VQ-20.3", "VQ-20.4", "VQ-20.5")
@pytest.mark.parametrize("dim_reduction", ["pca-batch", "pca-emb-space"])
def test_each_split_is_reduced_by_a_fit_of_its_own(implementation: Implementation, dim_reduction: str) -> None:
    case = per_split_case(dim_reduction, weights={"alpha_loss": 1.0, "beta_loss": 0.5, "coulomb_loss": 0.25})
    per_split.test_a_codebook_per_split_is_as_many_quantizers_side_by_side_bit_for_bit.check(implementation, case)
    per_split.test_its_gradients_are_those_of_the_quantizers_bit_for_bit.check(implementation, case)


@pytest.mark.clause("VQ-28.1", "VQ-28.2", "VQ-28.5", "VQ-28.9")
@pytest.mark.parametrize("dim_reduction", ["pca-batch", "pca-emb-space"])
def test_each_stage_is_reduced_by_a_fit_to_what_the_ones_before_left(
    implementation: Implementation, dim_reduction: str
) -> None:
    weights = {"alpha_loss": 1.0, "beta_loss": 0.5, "codebook_loss": 0.25}
    case = fixed_case(dim_reduction, weights=weights)
    emb_spaces = np.stack([case.emb_space, np.roll(case.emb_space, 1, axis=-1) / 4]).astype(np.float32)
    staged = ResidualCase(case=case, emb_spaces=emb_spaces, order=(0, 1))
    result, expected = implementation.quantize_residual(staged), Oracle().quantize_residual(staged)
    np.testing.assert_array_equal(result.emb_index, expected.emb_index)
    np.testing.assert_array_equal(result.access_count, expected.access_count)
    assert_within(result.layer_out, expected.layer_out, ERROR, "layer_out")
    for losses, exact in zip(result.losses, expected.losses, strict=True):
        for name, value in exact.items():
            assert_within(losses[name], value, 2.0**-14 * abs(value), name)
    trained, oracle = (
        it.residual_training(replace(staged, case=replace(case, weights={})), 4) for it in (implementation, Oracle())
    )
    for step in steps_of(case, masks=bool(offered(implementation, "masks", ["x"]))):
        for it in (trained, oracle):
            it.training_pass(step.x, step.mask)
        for state, exact in zip(trained.states, oracle.states, strict=True):
            assert_near(state, exact)
