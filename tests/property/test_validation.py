"""Laws of the validation, for every implementation (VQ-16)."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from vq_verify.protocol import LOSSES, Case, CosineCase, Implementation, NotOffered, Vote

X, EMB_SPACE = np.ones((2, 3, 4), np.float32), np.eye(3, 2, dtype=np.float32)
CASE = Case(x=X, emb_space=EMB_SPACE, num_splits=2, weights={})
VOTE = Vote(np.array([0, 1, 1], np.int32), num_classes=2, k=2, majority_threshold=0.5)


LOSS_OF = {weight: loss for loss, weight in LOSSES.items()}


def changed(argument: str, value: Any) -> Case:
    """Return the case with another value of an argument, which may be the weight of a loss."""
    if argument in LOSS_OF:
        return CASE.weighted(**{LOSS_OF[argument]: value})
    return replace(CASE, **{argument: value})


def refused(implementation: Implementation, argument: str) -> Any:
    """Expect an error that names the argument."""
    if not implementation.validates:
        raise NotOffered("validation")
    return pytest.raises((ValueError, TypeError), match=rf"\b{argument}\b")


@pytest.mark.clause("VQ-16.2", "VQ-16.6", "VQ-16.12", "VQ-16.13", "VQ-16.14", "VQ-16.17")
@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("x", X.astype(np.int32)),
        ("num_splits", 0),
        ("num_splits", -2),
        ("num_splits", 3),
        ("lookup_ord", 0.5),
        ("lookup_ord", -np.inf),
        ("lookup_ord", np.nan),
        ("lookup_ord", "2"),
        *((weight, value) for weight in LOSS_OF for value in (np.nan, np.inf, "0.1")),
        ("dim_reduction", "pca"),
    ],
)
def test_a_wrong_argument_is_refused_by_name(implementation: Implementation, argument: str, value: Any) -> None:
    with refused(implementation, argument):
        implementation.quantize(changed(argument, value))


@pytest.mark.clause("VQ-8.17", "VQ-16.2", "VQ-16.18")
@pytest.mark.parametrize("dim_reduction", ["pca-batch", "pca-emb-space"])
@pytest.mark.parametrize("components", [0, -1, 3])
def test_a_number_of_components_that_cannot_be_fitted_is_refused(
    implementation: Implementation, dim_reduction: str, components: int
) -> None:
    with refused(implementation, "num_dim_reduction_components"):
        implementation.quantize(replace(CASE, dim_reduction=dim_reduction, num_dim_reduction_components=components))


@pytest.mark.clause("VQ-16.2", "VQ-16.21", "VQ-16.22", "VQ-16.23", "VQ-16.24", "VQ-16.25")
@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("k", 0),
        ("k", 4),
        ("num_classes", 0),
        ("majority_threshold", np.nan),
        ("representative", "last"),
        ("emb_labels", VOTE.emb_labels.astype(np.float32)),
    ],
)
def test_a_wrong_argument_of_a_vote_is_refused_by_name(
    implementation: Implementation, argument: str, value: Any
) -> None:
    with refused(implementation, argument):
        implementation.quantize_cosine(
            CosineCase(x=X, emb_space=EMB_SPACE, num_splits=2, vote=replace(VOTE, **{argument: value}))
        )


@pytest.mark.clause("VQ-16.2", "VQ-16.19")
@pytest.mark.parametrize("num_embeds_replaced", [-1, 4])
def test_a_number_of_embeddings_to_replace_beyond_those_there_are_is_refused(
    implementation: Implementation, num_embeds_replaced: int
) -> None:
    with refused(implementation, "num_embeds_replaced"):
        implementation.training(CASE, num_embeds_replaced)


@pytest.mark.clause("VQ-5.8", "VQ-16.14", "VQ-16.21", "VQ-16.24")
def test_what_the_rules_allow_is_not_refused(implementation: Implementation) -> None:
    assert implementation.quantize(replace(CASE, weights={"alpha_loss": -1})).layer_out.shape == X.shape
    for representative in ("first", "nearest"):
        case = CosineCase(
            x=X, emb_space=EMB_SPACE, num_splits=2, vote=replace(VOTE, k=3, representative=representative)
        )
        assert implementation.quantize_cosine(case).layer_out.shape == X.shape
