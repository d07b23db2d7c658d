"""Laws of the initialization from a batch, for every implementation (VQ-12)."""

import numpy as np
import pytest

from vq_verify.protocol import Case, Implementation
from vq_verify.strategies import training
from vq_verify.verify import verify

from .test_replacement import kept


@verify("VQ-12.1", "VQ-12.2", "VQ-12.3", "VQ-13.15", "VQ-16.34", drawn=training.initializations)
def test_the_first_vectors_become_the_embeddings_or_are_refused_and_nothing_changes(implementation, drawn):
    (case, num_embeds_replaced), x = drawn
    (n, d), dtype = case.emb_space.shape, case.emb_space.dtype
    trained = implementation.training(case, num_embeds_replaced)
    trained.training_pass(case.x)
    expected, first = kept(trained.state), x.reshape(-1, d)[:n].astype(dtype)
    if len(first) == n and np.isfinite(first).all():
        trained.initialize_from_batch(x)
        expected["emb_space"] = first
    else:
        with pytest.raises(Exception):  # noqa: B017, PT011 - of any kind and words
            trained.initialize_from_batch(x)
    for name, value in expected.items():
        np.testing.assert_array_equal(trained.state[name], value)


@pytest.mark.clause("VQ-12.1", "VQ-12.2")
def test_vectors_after_the_first_n_may_be_anything(implementation: Implementation) -> None:
    x = np.array([[[1.0, 2.0]], [[3.0, np.nan]]], np.float32)
    trained = implementation.training(Case(x=x, emb_space=np.zeros((3, 1), np.float32), num_splits=2, weights={}), 1)
    trained.initialize_from_batch(x)
    np.testing.assert_array_equal(trained.state["emb_space"], [[1.0], [2.0], [3.0]])


@pytest.mark.clause("VQ-12.1", "VQ-12.2")
def test_a_batch_of_exactly_n_vectors_is_enough(implementation: Implementation) -> None:
    x = np.arange(6, dtype=np.float32).reshape(3, 1, 2)
    trained = implementation.training(Case(x=x, emb_space=np.zeros((3, 2), np.float32), weights={}), 1)
    trained.initialize_from_batch(x)
    np.testing.assert_array_equal(trained.state["emb_space"], x[:, 0])
