"""Laws of the gradients, for every implementation (VQ-3, VQ-5, VQ-7)."""

from dataclasses import replace

import numpy as np

from vq_verify import strategies
from vq_verify.offers import offered
from vq_verify.verify import verify


@verify("VQ-3.1", "VQ-3.2", drawn=strategies.cases_with_upstream)
def test_the_gradient_of_the_output_is_the_identity_to_x_and_nothing_to_the_embeddings(implementation, drawn):
    case, upstream = drawn
    gradients = implementation.gradients(case, upstream)
    np.testing.assert_array_equal(gradients.output_to_x, upstream, strict=True)
    assert not gradients.output_to_emb_space.any()
    assert gradients.output_to_emb_space.shape == case.emb_space.shape


@verify("VQ-5.10", drawn=strategies.cases_with_upstream)
def test_no_loss_but_the_commitment_loss_reaches_x(implementation, drawn):
    gradients = implementation.gradients(*drawn)
    assert gradients.losses_to_x.keys() == set(drawn[0].losses)
    for name, gradient in gradients.losses_to_x.items():
        assert gradient.shape == drawn[0].x.shape
        assert name == "commitment_loss" or not gradient.any()


@verify("VQ-5.9", case=strategies.exact_cases)
def test_the_gradient_of_a_loss_is_linear_in_its_weight(implementation, case):
    upstream = np.zeros_like(case.x)
    gradients = implementation.gradients(case, upstream).losses_to_emb_space
    # Doubling and negating are exact in binary.
    others = implementation.gradients(case.scaled(-2), upstream).losses_to_emb_space
    assert list(others) == list(gradients)
    for name, gradient in gradients.items():
        assert gradient.shape == case.emb_space.shape
        np.testing.assert_array_equal(others[name], -2 * gradient)


@verify("VQ-5.11", "VQ-7.1", case=strategies.cases)
def test_an_empty_batch_moves_the_embeddings_by_the_coulomb_loss_alone(implementation, case):
    empty = implementation.gradients(replace(case, x=case.x[:0]), case.x[:0]).losses_to_emb_space
    whole = implementation.gradients(case, np.zeros_like(case.x)).losses_to_emb_space
    assert list(empty) == list(whole)
    for name, gradient in empty.items():
        expected = whole[name] if name == "coulomb_loss" else np.zeros(case.emb_space.shape)
        np.testing.assert_array_equal(gradient, expected)


@verify("VQ-7.1", "VQ-7.6", case=strategies.cases)
def test_gradients_are_finite_where_all_differences_are_zero(implementation, case):
    same = replace(case, x=np.zeros_like(case.x), emb_space=np.zeros_like(case.emb_space))
    same = same.weighted(**dict.fromkeys(offered(implementation, "losses", case.weights), 1.0))
    gradients = implementation.gradients(same, np.ones_like(case.x))
    assert all((gradient == 0).all() for gradient in gradients.losses_to_emb_space.values())


@verify("VQ-7.1", case=strategies.cases)
def test_gradients_are_finite_and_bounded_by_their_weights(implementation, case):
    gradients = implementation.gradients(case, np.ones_like(case.x)).losses_to_emb_space
    # A subgradient of a norm has coordinates within [-1, 1]. A mean of them keeps this; in the Coulomb-loss a row takes
    # one share of its own spacing and at most one from each of the others. Rounding stays far below 1 % but where
    # powers are subnormal numbers: 1.5 units may be rounded to 1, and the root of that is too small by root 1.5 in L2.
    largest = 1.01 if case.lookup_ord in (1, np.inf) else 1.01 * 1.5 ** (1 - 1 / case.lookup_ord)
    for name, most in (("alpha_loss", 1), ("beta_loss", 1), ("coulomb_loss", len(case.emb_space))):
        if name in gradients:
            assert (np.abs(gradients[name]) <= largest * most * abs(case.weights[name])).all()


@verify("VQ-5.5", case=strategies.cases)
def test_the_coulomb_loss_moves_no_centre_of_mass(implementation, case):
    gradient = implementation.gradients(case.weighted(coulomb_loss=1.0), np.ones_like(case.x)).losses_to_emb_space
    # What row i takes, the others give. 3 n^2 terms of magnitude at most 1, and their sum, each round at 2^-24 at most.
    n = len(case.emb_space)
    np.testing.assert_allclose(gradient["coulomb_loss"].sum(axis=0), 0, atol=(3 * n**2) ** 2 * 2.0**-24)
