"""Laws of the validation, for every implementation (VQ-16)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from vq_verify.protocol import LOSSES, Case, CosineCase, Implementation, NotOffered, Vote

X, EMB_SPACE = np.ones((2, 3, 4), np.float32), np.eye(3, 2, dtype=np.float32)
CASE = Case(x=X, emb_space=EMB_SPACE, num_splits=2, weights={})
VOTE = Vote(np.array([0, 1, 1], np.int32), num_classes=2, k=2, majority_threshold=0.5)
VOTE_CASE = CosineCase(x=X, emb_space=EMB_SPACE, num_splits=2, vote=VOTE)

LOSS_OF = {weight: loss for loss, weight in LOSSES.items()}


def changed(argument: str, value: Any) -> Case:
    """Return the case with another value of an argument, which may be the weight of a loss."""
    if argument in LOSS_OF:
        return CASE.weighted(**{LOSS_OF[argument]: value})
    return replace(CASE, **{argument: value})


WRONG = [
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
]

WRONG_VOTES = [
    ("k", 0),
    ("k", 4),
    ("k", 1.5),
    ("num_classes", 0),
    ("majority_threshold", np.nan),
    ("majority_threshold", "0.5"),
    ("representative", "last"),
    ("emb_labels", VOTE.emb_labels.astype(np.float32)),
    ("emb_labels", VOTE.emb_labels[:2]),
    ("emb_labels", np.append(VOTE.emb_labels, VOTE.emb_labels[:1])),
]


def ask(implementation: Implementation, argument: str, value: Any) -> None:
    """Ask for what takes the argument, with this value of it."""
    if argument == "num_embeds_replaced":
        implementation.training(CASE, value)
    elif argument in vars(VOTE):
        implementation.quantize_cosine(replace(VOTE_CASE, vote=replace(VOTE, **{argument: value})))
    else:
        implementation.quantize(changed(argument, value))


def refused(implementation: Implementation, *words: str) -> Any:
    """Expect the error of a wrong argument, in whose text are these words."""
    if not implementation.validates:
        raise NotOffered("validation")
    text = "".join(rf"(?=.*(?<![\w.-]){re.escape(word)}(?!\w))" for word in words)
    return pytest.raises((ValueError, TypeError), match=f"(?s){text}")


@contextmanager
def refused_by_a_run(implementation: Implementation) -> Iterator[None]:
    """Expect an error of any kind: of what some implementations know before a run, and others not."""
    if not implementation.validates:
        raise NotOffered("validation")
    with pytest.raises(Exception):  # noqa: B017, PT011
        yield


@pytest.mark.clause("VQ-16.2", "VQ-16.6", "VQ-16.12", "VQ-16.13", "VQ-16.14", "VQ-16.17", "VQ-18.7")
@pytest.mark.parametrize(("argument", "value"), WRONG)
def test_a_wrong_argument_is_refused(implementation: Implementation, argument: str, value: Any) -> None:
    with refused(implementation):
        ask(implementation, argument, value)


@pytest.mark.clause("VQ-16.2", "VQ-16.21", "VQ-16.22", "VQ-16.23", "VQ-16.24", "VQ-16.25")
@pytest.mark.parametrize(("argument", "value"), WRONG_VOTES)
def test_a_wrong_argument_of_a_vote_is_refused(implementation: Implementation, argument: str, value: Any) -> None:
    with refused(implementation):
        ask(implementation, argument, value)


@pytest.mark.clause("VQ-16.2", "VQ-16.19")
@pytest.mark.parametrize("value", [-1, 4, 1.5])
def test_a_number_of_embeddings_to_replace_beyond_those_there_are_is_refused(
    implementation: Implementation, value: float
) -> None:
    with refused(implementation):
        ask(implementation, "num_embeds_replaced", value)


@pytest.mark.clause("VQ-16.3", "VQ-16.32", "VQ-16.33")
@pytest.mark.parametrize(
    ("argument", "value"),
    [*WRONG, *WRONG_VOTES, ("num_embeds_replaced", -1), ("num_embeds_replaced", 4), ("mask", np.ones((3, 2), bool))],
)
def test_the_error_of_a_wrong_argument_names_it_and_the_value(
    implementation: Implementation, argument: str, value: Any
) -> None:
    received = [str(value)] if isinstance(value, int | float | str) else []
    with refused(implementation, argument, *received):
        ask(implementation, argument, value)


@pytest.mark.clause("VQ-8.17", "VQ-16.2", "VQ-16.18")
@pytest.mark.parametrize("dim_reduction", ["pca-batch", "pca-emb-space"])
@pytest.mark.parametrize("components", [0, -1, 3])
def test_a_number_of_components_that_cannot_be_fitted_is_refused(
    implementation: Implementation, dim_reduction: str, components: int
) -> None:
    with refused(implementation):
        implementation.quantize(replace(CASE, dim_reduction=dim_reduction, num_dim_reduction_components=components))


@pytest.mark.clause("VQ-8.17", "VQ-16.18")
@pytest.mark.parametrize("kind", [Case, CosineCase])
def test_as_many_components_as_embeddings_to_fit_are_refused(implementation: Implementation, kind: type) -> None:
    of = {"dim_reduction": "pca-emb-space", "num_dim_reduction_components": 3}
    case = kind(x=np.ones((2, 1, 4), np.float32), emb_space=np.eye(3, 4, dtype=np.float32), **of)
    with refused(implementation):
        (implementation.quantize if kind is Case else implementation.quantize_cosine)(case)


@pytest.mark.clause("VQ-8.3", "VQ-8.17", "VQ-16.18", "VQ-16.27")
@pytest.mark.parametrize(("dim_reduction", "n", "batch"), [("pca-emb-space", 4, 3), ("pca-batch", 2, 3)])
def test_as_many_components_as_finite_rows_to_fit_are_refused(
    implementation: Implementation, dim_reduction: str, n: int, batch: int
) -> None:
    # One row of each is not finite. With the others, three are left to fit, or one more, which is enough.
    for more, check in ((0, refused_by_a_run(implementation)), (1, nullcontext())):
        x, emb_space = np.eye(batch + more, 5, 1, dtype=np.float32), np.eye(n + more, 5, dtype=np.float32)
        x[0, 0], emb_space[0, 0] = np.nan, np.inf
        of = {"dim_reduction": dim_reduction, "num_dim_reduction_components": 3}
        with check:
            implementation.quantize(Case(x=x[:, np.newaxis], emb_space=emb_space, weights={}, **of))


@pytest.mark.clause("VQ-10.14", "VQ-16.25", "VQ-16.27")
@pytest.mark.parametrize("label", [2, -1])
@pytest.mark.parametrize("place", [0, 2])
def test_a_label_out_of_range_is_refused(implementation: Implementation, label: int, place: int) -> None:
    labels = VOTE.emb_labels.copy()
    labels[place] = label
    with refused_by_a_run(implementation):
        implementation.quantize_cosine(replace(VOTE_CASE, vote=replace(VOTE, emb_labels=labels)))


@pytest.mark.clause("VQ-5.8", "VQ-16.14", "VQ-16.21", "VQ-16.24")
def test_what_the_rules_allow_is_not_refused(implementation: Implementation) -> None:
    assert implementation.quantize(replace(CASE, weights={"alpha_loss": -1})).layer_out.shape == X.shape
    for representative in ("first", "nearest"):
        case = replace(VOTE_CASE, vote=replace(VOTE, k=3, representative=representative))
        assert implementation.quantize_cosine(case).layer_out.shape == X.shape
