"""Laws of the losses, for every implementation (VQ-5)."""

from dataclasses import replace

import numpy as np

from vq_verify import strategies
from vq_verify.comparison import comparison_dtype
from vq_verify.verify import verify


@verify("VQ-5.1", "VQ-5.2", "VQ-18.8", case=strategies.cases)
def test_a_loss_is_absent_iff_its_weight_is_zero_and_the_order_is_fixed(implementation, case):
    losses = implementation.quantize(case).losses
    assert list(losses) == case.losses
    assert all(np.shape(loss) == () for loss in losses.values())


@verify("VQ-5.3", "VQ-5.4", "VQ-5.5", "VQ-5.9", case=strategies.exact_cases)
def test_a_loss_is_linear_in_its_weight(implementation, case):
    losses = implementation.quantize(case).losses
    # Doubling and negating are exact in binary. A negative weight is as good as any.
    assert implementation.quantize(case.scaled(-2)).losses == {name: -2 * loss for name, loss in losses.items()}


@verify("VQ-5.3", "VQ-5.4", "VQ-5.5", "VQ-5.9", case=strategies.cases)
def test_alpha_and_beta_loss_have_the_sign_of_their_weights_and_coulomb_loss_the_other(implementation, case):
    losses = implementation.quantize(case).losses
    assert losses.get("alpha_loss", 0) * case.alpha >= 0
    assert losses.get("beta_loss", 0) * case.beta >= 0
    assert losses.get("coulomb_loss", 0) * case.gamma <= 0


@verify("VQ-5.11", case=strategies.cases)
def test_an_empty_batch_gives_no_alpha_and_no_beta_loss(implementation, case):
    losses = implementation.quantize(replace(case, x=case.x[:0])).losses
    assert losses.get("alpha_loss", 0) == 0
    assert losses.get("beta_loss", 0) == 0


@verify("VQ-2.6", "VQ-5.3", case=strategies.cases)
def test_inputs_equal_to_embeddings_have_no_alpha_loss(implementation, case):
    rows = case.emb_space.astype(case.x.dtype)
    inside = replace(case, x=rows[:, np.newaxis], emb_space=rows.astype(case.emb_space.dtype), num_splits=1)
    assert implementation.quantize(inside.weighted(alpha_loss=1.0)).losses["alpha_loss"] == 0


@verify("VQ-14.4", case=strategies.cases)
def test_losses_and_endpoints_have_at_least_the_precision_of_the_comparison(implementation, case):
    result = implementation.quantize(case)
    floats = [result.distance, result.emb_spacing, result.emb_closest_spacing, *result.losses.values()]
    assert all(np.asarray(value).dtype in (comparison_dtype(case.x.dtype), np.float64) for value in floats)
