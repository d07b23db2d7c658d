"""Laws of a codebook per split, for every implementation (VQ-20)."""

from dataclasses import replace

import numpy as np
import pytest

from vq_verify.comparison import assert_within, rounding
from vq_verify.comparison.cosine import assert_identical
from vq_verify.protocol import Case, Implementation
from vq_verify.strategies import parts
from vq_verify.verify import verify

from .test_masks import assert_same

BY_VECTOR = ("emb_index", "distance")
BY_EMBEDDING = ("access_count", "emb_spacing", "emb_closest_spacing")


def of_splits(case, array):
    """Cut an array of the shape of x into those of the splits."""
    return np.split(array, case.num_splits, axis=-1)


def apart(case):
    """Return a case with a shared codebook for each split."""
    pairs = zip(of_splits(case, case.x), case.emb_space, strict=True)
    return [replace(case, x=x, emb_space=emb_space, num_splits=1, codebooks="shared") for x, emb_space in pairs]


@verify("VQ-20.2", "VQ-20.3", "VQ-20.4", "VQ-20.5", case=parts.cases_per_split)
def test_a_codebook_per_split_is_as_many_quantizers_side_by_side_bit_for_bit(implementation, case):
    result, alone = implementation.quantize(case), [implementation.quantize(one) for one in apart(case)]
    assert_identical(result.layer_out, np.concatenate([one.layer_out for one in alone], axis=-1))
    for s, one in enumerate(alone):
        for name in BY_VECTOR:
            np.testing.assert_array_equal(getattr(result, name)[:, s :: case.num_splits], getattr(one, name))
        for name in BY_EMBEDDING:
            np.testing.assert_array_equal(getattr(result, name)[s], getattr(one, name))
    assert list(result.losses) == case.losses
    for name, loss in result.losses.items():
        terms = np.array([one.losses[name] for one in alone], np.float64)
        error = rounding(case.x.dtype).gamma(case.num_splits) * np.abs(terms).sum()  # of their sum in any order
        assert_within(loss, terms.sum(), error, name)


@verify("VQ-20.1", "VQ-20.2", "VQ-20.4", case=parts.cases_per_split)
def test_its_gradients_are_those_of_the_quantizers_bit_for_bit(implementation, case):
    upstream = (np.arange(case.x.size).reshape(case.x.shape) % 5).astype(case.x.dtype)
    gradients = implementation.gradients(case, upstream)
    pairs = zip(apart(case), of_splits(case, upstream), strict=True)
    alone = [implementation.gradients(*pair) for pair in pairs]
    assert_identical(gradients.output_to_x, np.concatenate([one.output_to_x for one in alone], axis=-1))
    assert gradients.output_to_emb_space.shape == case.emb_space.shape
    assert not gradients.output_to_emb_space.any()
    for name in case.losses:
        to_x = np.concatenate([one.losses_to_x[name] for one in alone], axis=-1)
        np.testing.assert_array_equal(gradients.losses_to_x[name], to_x)
        to_emb_space = np.stack([one.losses_to_emb_space[name] for one in alone])
        np.testing.assert_array_equal(gradients.losses_to_emb_space[name], to_emb_space)


@verify("VQ-20.4", "VQ-20.7", case=parts.cases_per_split)
def test_with_one_split_it_is_the_shared_codebook(implementation, case):
    (one, *_) = apart(case)
    per_split = replace(one, emb_space=one.emb_space[np.newaxis], codebooks="per-split")
    result, shared = implementation.quantize(per_split), implementation.quantize(one)
    assert_same(result, shared._replace(**{name: getattr(shared, name)[np.newaxis] for name in BY_EMBEDDING}))


@verify("VQ-20.2", "VQ-20.4", "VQ-20.6", drawn=parts.trainings_per_split)
def test_each_split_starts_gathers_and_replaces_by_itself(implementation, drawn):
    (case, number), steps = drawn
    together = implementation.training(case, number)
    alone = [implementation.training(one, number) for one in apart(case)]
    for step in steps:
        together.training_pass(step.x)
        for training, x in zip(alone, of_splits(case, step.x), strict=True):
            training.training_pass(x)
    together.replace_embeds()
    for s, training in enumerate(alone):
        training.replace_embeds()
        for name, value in training.state.items():
            np.testing.assert_array_equal(together.state[name][s], value, err_msg=name)


@pytest.mark.clause("VQ-20.4", "VQ-20.6")
def test_each_split_is_initialized_from_its_own_first_vectors(implementation: Implementation) -> None:
    x = np.arange(16, dtype=np.float32).reshape(2, 2, 4)
    case = Case(x=x, emb_space=np.zeros((2, 3, 2), np.float32), num_splits=2, weights={}, codebooks="per-split")
    trained = implementation.training(case, 1)
    trained.initialize_from_batch(x)
    expected = [[[0, 1], [4, 5], [8, 9]], [[2, 3], [6, 7], [10, 11]]]
    np.testing.assert_array_equal(trained.state["emb_space"], expected)
