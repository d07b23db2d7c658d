"""Laws of the starts from a sample and from k-means, for every implementation (VQ-25)."""

import numpy as np
import pytest

from vq_verify.protocol import Case, Implementation
from vq_verify.strategies import learning
from vq_verify.verify import verify

from .test_passes import take


def rows(array):
    """Return the rows of an array as tuples; -0 is 0."""
    return [tuple(row) for row in (np.asarray(array, np.float64) + 0.0).tolist()]


def begun(implementation, drawn):
    """Return a training after its first pass, before which nothing was there."""
    case, (first, *_), _ = drawn
    trained = implementation.training(case, 1)
    trained.inference_pass(case.x)  # which starts nothing
    assert not trained.state["initialized"]
    assert not trained.state["emb_space"].any()
    take(trained, first)
    assert trained.state["initialized"]
    return trained


def assert_goes_on(implementation, trained, drawn):
    """Assert that no later pass starts anew, and that another training of the same seed is the same."""
    emb_space = np.copy(trained.state["emb_space"])
    for step in drawn.steps[1:]:
        take(trained, step)
    np.testing.assert_array_equal(trained.state["emb_space"], emb_space)
    np.testing.assert_array_equal(begun(implementation, drawn).state["emb_space"], emb_space)


@verify("VQ-17.17", "VQ-17.18", "VQ-25.1", "VQ-25.2", "VQ-25.8", drawn=learning.sampled_starts)
def test_a_sample_takes_vectors_that_count_all_of_them_equally_often(implementation, drawn):
    trained = begun(implementation, drawn)
    vectors, taken = rows(drawn.vectors), rows(trained.state["emb_space"])
    assert set(taken) <= set(vectors)
    fewest, more = divmod(len(taken), len(vectors))
    for vector in set(vectors):
        assert vectors.count(vector) * fewest <= taken.count(vector) <= vectors.count(vector) * (fewest + bool(more))
    assert_goes_on(implementation, trained, drawn)


@verify("VQ-17.17", "VQ-17.18", "VQ-25.3", "VQ-25.5", "VQ-25.8", drawn=learning.k_means_starts)
def test_k_means_of_no_more_distinct_vectors_than_embeddings_are_these(implementation, drawn):
    trained = begun(implementation, drawn)
    vectors, centres = set(rows(drawn.vectors)), rows(trained.state["emb_space"])
    if len(vectors) <= len(centres):
        assert set(centres) == vectors
    else:  # which lie between the vectors
        assert (np.min(list(vectors), axis=0) <= centres).all()
        assert (np.max(list(vectors), axis=0) >= centres).all()
    assert_goes_on(implementation, trained, drawn)


@verify("VQ-25.3", "VQ-25.4", drawn=learning.grouped_starts)
def test_k_means_of_groups_far_apart_are_their_means(implementation, drawn):
    started, means = drawn
    assert sorted(rows(begun(implementation, started).state["emb_space"])) == sorted(rows(means))


@pytest.mark.clause("VQ-25.4")
def test_k_means_moves_to_the_mean_of_what_is_nearest_by_l2_under_any_norm(implementation: Implementation) -> None:
    # Whichever are the seeds, the vector between ends with those at 0: by L2 it is at 5.7 from them, at 6.75 from the
    # others, and at 5.9 from the mean of these and it. By L1 it is at 8 from those at 0, or at 7 from a mean, and at
    # 6.75 from the others.
    x = np.array([*[[0.0, 0.0]] * 7, [4.0, 4.0], *[[10.75, 4.0]] * 7], np.float32)[:, np.newaxis]
    case = Case(x=x, emb_space=np.zeros((2, 2), np.float32), lookup_ord=1, weights={}, start="k-means")
    trained = implementation.training(case, 1)
    trained.training_pass(x)
    assert sorted(rows(trained.state["emb_space"])) == [(0.5, 0.5), (10.75, 4.0)]


@pytest.mark.clause("VQ-25.4")
@pytest.mark.parametrize("lookup_ord", [1, 2, np.inf])
def test_one_mean_is_that_of_all(implementation: Implementation, lookup_ord: float) -> None:
    x = np.array([[[0.0, 1.0]], [[2.0, 1.0]], [[10.0, -6.0]], [[-8.0, 0.0]]], np.float32)
    case = Case(x=x, emb_space=np.zeros((1, 2), np.float32), lookup_ord=lookup_ord, weights={}, start="k-means")
    trained = implementation.training(case, 1)
    trained.training_pass(x)
    np.testing.assert_array_equal(trained.state["emb_space"], [[1, -1]])


@pytest.mark.clause("VQ-25.7")
@pytest.mark.parametrize("start", ["sample", "k-means"])
@pytest.mark.parametrize("nothing", ["not finite", "masked", "empty"])
def test_a_pass_without_a_vector_starts_nothing(implementation: Implementation, start: str, nothing: str) -> None:
    x = np.array([[[3.0]], [[5.0]]], np.float32)
    case = Case(x=x, emb_space=np.zeros((2, 1), np.float32), weights={}, start=start)
    trained = implementation.training(case, 1)
    of_nothing = {"not finite": np.where([[[True]], [[False]]], np.nan, np.inf).astype(x.dtype), "empty": x[:0]}
    mask = np.zeros((2, 1), bool) if nothing == "masked" else None
    trained.training_pass(of_nothing.get(nothing, x), mask)
    assert not trained.state["initialized"]
    assert not trained.state["emb_space"].any()
    trained.training_pass(x)
    assert sorted(rows(trained.state["emb_space"])) == [(3.0,), (5.0,)]
