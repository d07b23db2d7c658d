"""The strategies of masks, estimators, codebooks per split and passes draw valid cases, and reach what they promise."""

import hypothesis
import numpy as np
import pytest

from reference.similarity import normalize
from tests.suite.test_strategies import ORDERS, draws, reaches
from vq_verify import strategies
from vq_verify.adapters.graph import GraphFunctions
from vq_verify.adapters.oracle import Oracle
from vq_verify.offers import ESTIMATORS
from vq_verify.protocol import LOSSES
from vq_verify.strategies import parts, residual, training

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("strategies of parts")]  # on one worker, which draws once

ORACLE = Oracle()
CASES, OF_OTHER_ORDERS = strategies.cases(ORACLE), strategies.cases_of_other_orders(ORACLE)
INTERRUPTED = parts.interrupted_cases_with_estimators(ORACLE)
ROTATIONS = parts.rotations(ORACLE)
MASKED, PER_SPLIT = parts.masked_cases(ORACLE), parts.cases_per_split(ORACLE)
TRAININGS, STARTED = parts.trainings_of_parts(ORACLE), parts.started_trainings(ORACLE)


@pytest.mark.parametrize("order", ORDERS)
def test_every_other_order_is_drawn_where_it_is_offered(order):
    assert reaches(CASES, lambda case: case.lookup_ord == order)
    assert reaches(OF_OTHER_ORDERS, lambda case: case.lookup_ord == order)


def test_cases_of_other_orders_are_of_no_other_norm():
    assert {case.lookup_ord for case in draws(OF_OTHER_ORDERS)} == set(ORDERS)
    assert {case.lookup_ord for case in draws(strategies.cases_of_other_orders(GraphFunctions()))} == {3}


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_is_present_and_absent(loss):
    assert reaches(CASES, lambda case: loss in case.losses)
    assert reaches(CASES, lambda case: loss not in case.losses)


@hypothesis.given(MASKED)
def test_what_a_mask_leaves_is_the_case_that_it_comes_with(drawn):
    d = drawn.case.emb_space.shape[1]
    assert drawn.masked.mask.shape == drawn.masked.x.shape[:2]
    left = drawn.masked.x.reshape(-1, d)[drawn.counted]
    np.testing.assert_array_equal(left, drawn.case.x.reshape(-1, d), strict=True)


STAGES, DROPPED = residual.parity_cases(ORACLE), residual.dropped_cases(ORACLE)
TRAINED_STAGES = residual.residual_trainings(ORACLE)


@pytest.mark.parametrize("order", residual.ORDERS, ids=str)
def test_every_order_of_the_stages_is_drawn(order):
    assert reaches(STAGES, lambda case: case.order == order)
    assert reaches(DROPPED, lambda case: case.order == order)


def test_stages_have_masks_codebooks_per_split_and_different_rows():
    assert reaches(STAGES, lambda case: case.case.mask is not None and not case.case.mask.all())
    assert reaches(STAGES, lambda case: case.emb_spaces.ndim == 4)
    assert reaches(STAGES, lambda case: len(case.emb_spaces) > 1 and (case.emb_spaces[0] != case.emb_spaces[1]).any())
    assert reaches(TRAINED_STAGES, lambda drawn: any(mask is not None for _, mask in drawn[2]))


MASKS = {
    "nothing masked": lambda drawn: drawn.masked.mask.size and drawn.masked.mask.all(),
    "all masked": lambda drawn: drawn.masked.mask.size and not drawn.masked.mask.any(),
    "some masked": lambda drawn: drawn.masked.mask.any() and not drawn.masked.mask.all(),
    "a masked vector that is not finite": lambda drawn: not np.isfinite(drawn.masked.x.astype(np.float64)).all(),
    "a masked zero with a sign": lambda drawn: (np.signbit(drawn.masked.x) & (drawn.masked.x == 0)).any(),
    "several rows and splits": lambda drawn: drawn.masked.mask.shape[1] > 1 < drawn.masked.num_splits,
    "no gradient": lambda drawn: drawn.masked.estimator == "none" and drawn.counted.any(),
    "a rotation": lambda drawn: drawn.masked.estimator == "rotation" and drawn.counted.any(),
}


@pytest.mark.parametrize("promise", MASKS)
def test_a_promised_mask_is_reached(promise):
    assert reaches(MASKED, lambda drawn: bool(MASKS[promise](drawn)))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_each_estimator_meets_vectors_that_are_not_finite(estimator):
    def met(drawn):
        case, upstream = drawn
        return case.estimator == estimator and upstream[~np.isfinite(case.x.astype(np.float64))].any()

    assert reaches(INTERRUPTED, met)


def sums_of_directions(drawn):
    """Return ``||x + e||`` of the directions of each finite vector but 0, and of the embedding, if there is but one."""
    case, _ = drawn
    x, e = case.vectors[np.isfinite(case.vectors).all(-1)], case.emb_space.astype(np.float64)
    if len(e) > 1 or not e.any():
        return np.array([])
    return np.linalg.norm(normalize(x[x.any(-1)]) + normalize(e), axis=-1)


def is_scaled(drawn):
    case, _ = drawn
    largest = np.abs(case.emb_space).max()
    return largest > 0 and not 1e-15 < np.square(largest) < 1e30


ROTATED = {
    "a vector opposite to its embedding": lambda drawn: (sums_of_directions(drawn) == 0).any(),
    "one nearly opposite": lambda drawn: (np.abs(sums_of_directions(drawn) - 1e-4) < 9e-5).any(),
    "one as near as rounding": lambda drawn: (np.abs(sums_of_directions(drawn) - 1e-7) < 9e-8).any(),
    "one parallel to it": lambda drawn: (sums_of_directions(drawn) >= 2 - 1e-15).any(),
    "a single coordinate": lambda drawn: drawn[0].emb_space.shape[1] == 1 and sums_of_directions(drawn).size,
    "an embedding at zero": lambda drawn: len(drawn[0].emb_space) == 1 and not drawn[0].emb_space.any(),
    "a vector at zero": lambda drawn: not drawn[0].vectors.any(-1).all(),
    "one that is not finite": lambda drawn: not np.isfinite(drawn[0].vectors).all(),
    "lengths whose squares over- or underflow": is_scaled,
    "several embeddings": lambda drawn: len(drawn[0].emb_space) > 1,
}


@pytest.mark.parametrize("promise", ROTATED)
def test_a_promised_rotation_is_reached(promise):
    assert reaches(ROTATIONS, lambda drawn: bool(ROTATED[promise](drawn)))


@pytest.mark.parametrize("splits", [1, 2, 4])
def test_codebooks_per_split_are_reached_with_one_split_too(splits):
    assert reaches(PER_SPLIT, lambda case: case.num_splits == splits and len(case.emb_space) == splits)


def test_codebooks_per_split_differ():
    assert reaches(PER_SPLIT, lambda case: (case.emb_space[:1] != case.emb_space).any())


TRAINED = {
    "a replacement within a pass": lambda drawn: 0 < (drawn[0].case.every or 9) <= sum(it.trains for it in drawn[1]),
    "none within a pass": lambda drawn: drawn[0].case.every is None,
    "a mask": lambda drawn: any(it.mask is not None and not it.mask.all() for it in drawn[1]),
    "a pass of inference between": lambda drawn: not all(it.trains for it in drawn[1][:-1]),
    "codebooks per split": lambda drawn: drawn[0].case.codebooks == "per-split" and drawn[0].case.num_splits > 1,
}


@pytest.mark.parametrize("promise", TRAINED)
def test_a_promised_training_is_reached(promise):
    assert reaches(TRAININGS, TRAINED[promise])


@hypothesis.given(STARTED)
def test_a_training_can_start_from_its_first_batch(drawn):
    (case, _), (first, *_) = drawn
    counted = first.x if first.mask is None else first.x[first.mask]
    assert np.isfinite(counted.astype(np.float64)).all()
    assert counted.size >= case.emb_space.size


def test_a_training_starts_behind_masked_vectors():
    assert reaches(STARTED, lambda drawn: drawn[1][0].mask is not None and not drawn[1][0].mask[0])


def is_finite(rows):
    return np.isfinite(np.asarray(rows, np.float64)).all(axis=-1)


INTERRUPTED_SPLITS = {
    "a vector that is not finite": lambda case: not is_finite(case.vectors).all(),
    "no finite vector among several": lambda case: len(case.vectors) > 1 and not is_finite(case.vectors).any(),
    "a split without a finite embedding": lambda case: not is_finite(case.emb_space).any(axis=-1).all(),
    "some finite embeddings": lambda case: 0 < is_finite(case.emb_space[0]).sum() < case.emb_space.shape[1],
    "both": lambda case: not is_finite(case.vectors).all() and not is_finite(case.emb_space).all(),
    "no vector": lambda case: len(case.vectors) == 0,
    "another estimator": lambda case: case.estimator not in ("straight-through", "none"),
}


@pytest.mark.parametrize("promise", INTERRUPTED_SPLITS)
def test_codebooks_per_split_come_with_what_is_not_finite(promise):
    assert reaches(PER_SPLIT, INTERRUPTED_SPLITS[promise])


def test_embeddings_of_a_rotation_may_be_not_finite():
    assert reaches(ROTATIONS, lambda drawn: not is_finite(drawn[0].emb_space).all())


def test_a_third_of_the_trainings_begins_with_embeddings_that_are_not_finite():
    drawn = draws(training.exact_training_cases(ORACLE))
    assert 0.2 < np.mean([not is_finite(it.case.emb_space).all() for it in drawn]) < 0.5
