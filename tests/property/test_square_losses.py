"""Laws of the codebook- and the commitment-loss, for every implementation (VQ-18)."""

from dataclasses import replace

import numpy as np
import pytest

from vq_verify import strategies
from vq_verify.comparison import assert_within, commitment_gradient, square_loss
from vq_verify.protocol import Case, Implementation
from vq_verify.verify import verify

BOTH = {"codebook_loss": 2.0, "commitment_loss": 2.0}


@verify("VQ-18.12", case=strategies.all_cases)
def test_with_equal_weights_both_have_equal_values(implementation, case):
    result = implementation.quantize(replace(case, weights=BOTH))
    _, error = square_loss(case, result.emb_index, 2.0)
    assert list(result.losses) == list(BOTH)
    assert_within(result.losses["commitment_loss"], result.losses["codebook_loss"], 2 * error, "commitment_loss")


@verify("VQ-18.9", "VQ-18.10", case=strategies.all_cases)
def test_the_commitment_loss_reaches_x_alone_and_the_codebook_loss_the_embeddings_alone(implementation, case):
    gradients = implementation.gradients(replace(case, weights=BOTH), np.zeros_like(case.x))
    assert not gradients.losses_to_x["codebook_loss"].any()
    assert not gradients.losses_to_emb_space["commitment_loss"].any()


@verify("VQ-18.4", case=strategies.all_cases)
def test_the_gradient_of_the_commitment_loss_is_the_difference_to_the_embedding_in_the_mean(implementation, case):
    case = replace(case, weights={"commitment_loss": 2.0})
    gradient = implementation.gradients(case, np.zeros_like(case.x)).losses_to_x["commitment_loss"]
    assert_within(
        gradient, *commitment_gradient(case, implementation.quantize(case).emb_index), "gradient of commitment_loss"
    )


@verify("VQ-18.6", case=strategies.cases)
def test_an_empty_batch_gives_neither_loss_nor_gradient(implementation, case):
    empty = replace(case, x=case.x[:0], weights=BOTH)
    assert not any(implementation.quantize(empty).losses.values())
    gradients = implementation.gradients(empty, empty.x)
    assert not any(gradient.any() for gradient in gradients.losses_to_emb_space.values())


@pytest.mark.clause("VQ-18.1", "VQ-18.2", "VQ-18.3", "VQ-18.4", "VQ-18.5")
def test_they_are_means_of_squares_over_vectors_and_coordinates(implementation: Implementation) -> None:
    # The differences are (1, 0, 0), (0, 2, 0), 0 and 0: 5 / 12 in the mean.
    x = np.array([[[1.0, 0.0, 0.0], [4.0, 6.0, 4.0]], [[0.0, 0.0, 0.0], [4.0, 4.0, 4.0]]])
    case = Case(x=x, emb_space=np.array([[0.0] * 3, [4.0] * 3]), weights={"codebook_loss": 12.0, "commitment_loss": 24})
    result, gradients = implementation.quantize(case), implementation.gradients(case, np.zeros_like(x))
    assert result.losses == {"codebook_loss": 5.0, "commitment_loss": 10.0}
    np.testing.assert_array_equal(gradients.losses_to_emb_space["codebook_loss"], [[-2, 0, 0], [0, -4, 0]])
    to_x = np.array([[[4, 0, 0], [0, 8, 0]], [[0, 0, 0], [0, 0, 0]]])
    np.testing.assert_array_equal(gradients.losses_to_x["commitment_loss"], to_x)
