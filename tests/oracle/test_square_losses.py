"""The oracle's codebook- and commitment-loss against exact fractions, and against exact central differences."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from reference import PCA, Codebook, Commitment, Cosine, Norm, Quantizer, quantize
from reference.parts.losses import Loss
from reference.quantizer import gradients
from tests.oracle import exact
from tests.oracle.cases import LOOKUP_ORDS, Case, cases, smooth_cases, weights
from tests.oracle.rounding import error, once_rounded, roundings, values

# Embeddings (0, 0) and (4, 4); (1, 2) is at (1, 2) from the first, (5, 4) at (1, 0) from the second.
X = np.array([[[1.0, 2.0], [5.0, 4.0]]])
STATE = {"emb_space": np.array([[0.0, 0.0], [4.0, 4.0]])}
BOTH = Quantizer(losses=(Codebook(2.0), Commitment(0.5)))


def _of(case: Case, lookup_ord: float, *losses: Loss) -> tuple[Any, Any]:
    quantizer = Quantizer(comparison=Norm(lookup_ord), losses=losses, num_splits=case.num_splits)
    arguments = case.x, {"emb_space": case.emb_space}, quantizer
    return quantize(*arguments).losses, gradients(*arguments, np.zeros(case.x.shape))


@pytest.mark.clause("VQ-18.1", "VQ-18.3")
def test_worked_square_losses() -> None:
    # The squares 1, 4, 1, 0 have the mean 3 / 2.
    assert quantize(X, STATE, BOTH).losses == {"codebook_loss": 3.0, "commitment_loss": 0.75}


@pytest.mark.clause("VQ-18.2", "VQ-18.4", "VQ-18.9", "VQ-18.10")
def test_worked_gradients_of_square_losses() -> None:
    # M d = 4: 2 * 2 / 4 times E - X to the embeddings, 2 * 0.5 / 4 times X - E to x.
    found = gradients(X, STATE, BOTH, np.zeros_like(X))
    assert found.losses_to_emb_space["codebook_loss"].tolist() == [[-1.0, -2.0], [-1.0, 0.0]]
    assert found.losses_to_x["commitment_loss"].tolist() == [[[0.25, 0.5], [0.25, 0.0]]]
    assert found.losses_to_emb_space["commitment_loss"].tolist() == [[0.0, 0.0]] * 2
    assert found.losses_to_x["codebook_loss"].tolist() == [[[0.0, 0.0]] * 2]


@pytest.mark.clause("VQ-18.1", "VQ-18.3", "VQ-18.5", "VQ-18.12")
@given(case=cases(finite=False), weight=weights())
def test_square_losses_are_off_by_no_more_than_their_roundings(case: Case, weight: float) -> None:
    m, d = len(case.exact_vectors), case.emb_space.shape[1]
    for lookup_ord in (1, np.inf):  # whose lookup is exact, too
        expected = exact.codebook_loss(case.exact_vectors, case.exact_emb_space, lookup_ord, Fraction(weight))
        losses, _ = _of(case, lookup_ord, Codebook(weight), Commitment(weight))
        # Differences and squares are exact. Means of d and of m terms of one sign: d - 1 and m - 1 additions, two
        # quotients; one product.
        assert error(losses["codebook_loss"], expected) <= roundings(d + m + 1)
        assert losses["commitment_loss"] == losses["codebook_loss"]


@pytest.mark.clause("VQ-18.2", "VQ-18.4")
@given(case=smooth_cases(), weight=weights())
def test_gradients_of_square_losses_are_the_central_differences(case: Case, weight: float) -> None:
    # A square has no third derivative: a central difference of it is exact, while no index changes. All but the
    # quotient of the mean is exact here.
    step, exact_weight = Fraction(1, 10**15), Fraction(weight)
    for lookup_ord in LOOKUP_ORDS:

        def by_emb_space(rows: list[exact.Vector], lookup_ord: float = lookup_ord) -> Fraction:
            return exact.codebook_loss(case.exact_vectors, rows, lookup_ord, exact_weight)

        def by_x(rows: list[exact.Vector], lookup_ord: float = lookup_ord) -> Fraction:
            return exact.codebook_loss(rows, case.exact_emb_space, lookup_ord, exact_weight)

        _, found = _of(case, lookup_ord, Codebook(weight), Commitment(weight))
        to_emb_space = exact.central_difference(by_emb_space, case.exact_emb_space, step)
        to_vectors = exact.central_difference(by_x, case.exact_vectors, step)
        assert values(found.losses_to_emb_space["codebook_loss"]) == once_rounded(to_emb_space)
        to_x = found.losses_to_x["commitment_loss"].reshape(len(case.exact_vectors), -1)
        assert values(to_x) == once_rounded(to_vectors)


@pytest.mark.clause("VQ-18.5", "VQ-18.11")
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_what_found_no_embedding_adds_nothing_and_gets_no_gradient(broken: float) -> None:
    x = np.concatenate([X, [[[broken, 0.0]]]], axis=1)
    assert quantize(x, STATE, BOTH).losses == quantize(X, STATE, BOTH).losses
    found, expected = (gradients(it, STATE, BOTH, np.zeros_like(it)) for it in (x, X))
    np.testing.assert_array_equal(
        found.losses_to_emb_space["codebook_loss"], expected.losses_to_emb_space["codebook_loss"]
    )
    to_x = found.losses_to_x["commitment_loss"]
    assert to_x.tolist() == [[*expected.losses_to_x["commitment_loss"][0].tolist(), [0.0, 0.0]]]


@pytest.mark.clause("VQ-18.6")
@pytest.mark.parametrize("x", [np.empty((0, 2, 2)), np.full((1, 1, 2), np.nan)], ids=["empty", "not finite"])
def test_without_a_vector_that_counts_square_losses_and_their_gradients_are_zero(x: np.ndarray) -> None:
    assert quantize(x, STATE, BOTH).losses == {"codebook_loss": 0.0, "commitment_loss": 0.0}
    found = gradients(x, STATE, BOTH, np.zeros_like(x))
    for by in (found.losses_to_x, found.losses_to_emb_space):
        assert not any(it.any() for it in by.values())


@pytest.mark.clause("VQ-18.8", "VQ-18.15")
def test_a_square_loss_is_absent_when_its_weight_is_zero_and_may_have_any_sign() -> None:
    losses = quantize(X, STATE, Quantizer(losses=(Codebook(0), Commitment(-1)))).losses
    assert losses == {"commitment_loss": -1.5}
    assert (Codebook().weight, Commitment().weight) == (1.0, 0.25)


@pytest.mark.clause("VQ-18.7")
@pytest.mark.parametrize("weight", [np.nan, np.inf, "1", True])
@pytest.mark.parametrize("loss", [Codebook, Commitment])
def test_a_square_loss_has_a_finite_weight(loss: type[Loss], weight: Any) -> None:
    with pytest.raises((ValueError, TypeError), match=rf"^`weight` of {loss.__name__} must .* weight={weight!r}$"):
        loss(weight)


@pytest.mark.clause("VQ-18.13")
def test_under_pca_square_losses_are_of_the_full_space() -> None:
    # The only axis is the first: (1, 9) is at distance 1 from (0, 0), and by the squares at (1 + 81) / 2.
    x, state = np.array([[[1.0, 9.0]]]), {"emb_space": np.array([[0.0, 0.0], [4.0, 0.0]])}
    quantizer = Quantizer(comparison=PCA(Norm(1), "pca-emb-space"), losses=(Codebook(1.0), Commitment(1.0)))
    assert quantize(x, state, quantizer).losses == {"codebook_loss": 41.0, "commitment_loss": 41.0}
    found = gradients(x, state, quantizer, np.zeros_like(x))
    assert found.losses_to_emb_space["codebook_loss"].tolist() == [[-1.0, -9.0], [0.0, 0.0]]
    assert found.losses_to_x["commitment_loss"].tolist() == [[[1.0, 9.0]]]


@pytest.mark.clause("VQ-18.14")
def test_square_losses_go_with_the_cosine() -> None:
    # (1, 2) has the direction of (4, 4) more than that of (4, 0).
    state = {"emb_space": np.array([[4.0, 0.0], [4.0, 4.0]])}
    quantizer = Quantizer(comparison=Cosine(), losses=(Codebook(1.0), Commitment(1.0)))
    assert values(quantize(X[:, :1], state, quantizer).losses["commitment_loss"]) == Fraction(9 + 4, 2)
