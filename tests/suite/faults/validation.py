"""Faults of what is refused (VQ-16)."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial, wraps
from typing import Any

import numpy as np

from reference import reduction, validation
from reference.non_finite import finite_rows
from reference.reduction import Projection
from tests.property import test_validation as laws
from tests.suite.faults.consequences import Array
from tests.suite.faults.machinery import Check, Faulty, instead_of
from vq_verify.adapters.oracle import Oracle
from vq_verify.protocol import Case, CosineCase, CosineQuantized

WEIGHT, LABELS = "reference.validation.check_weight", "reference.validation.check_labels"
FIT = "reference.reduction.fit"

wrong_weight = partial(laws.test_a_wrong_argument_is_refused, argument="alpha", value=np.nan)
named = partial(laws.test_the_error_of_a_wrong_argument_names_it_and_the_value, argument="alpha", value=np.nan)
too_many = partial(
    laws.test_a_number_of_components_that_cannot_be_fitted_is_refused, dim_reduction="pca-batch", components=3
)
wrong_vote = partial(laws.test_a_wrong_argument_of_a_vote_is_refused, argument="k", value=4)
replaced = partial(laws.test_a_number_of_embeddings_to_replace_beyond_those_there_are_is_refused, value=4)

wrong_labels = partial(
    laws.test_a_wrong_argument_of_a_vote_is_refused, argument="emb_labels", value=np.zeros(4, np.int32)
)
labels_out_of_range = [partial(laws.test_a_label_out_of_range_is_refused, label=2, place=place) for place in (0, 2)]
negative_label = partial(laws.test_a_label_out_of_range_is_refused, label=-1, place=0)
as_many_as_embeddings = [
    partial(laws.test_as_many_components_as_embeddings_to_fit_are_refused, kind=kind) for kind in (Case, CosineCase)
]
as_many_as_finite = partial(
    laws.test_as_many_components_as_finite_rows_to_fit_are_refused, dim_reduction="pca-emb-space", n=4, batch=3
)

right_projection, right_fit, right_weight = reduction.projection, reduction.fit, validation.check_weight
right_labels, right_cosine = validation.check_labels, Oracle.quantize_cosine


@instead_of(WEIGHT, "VQ-16.14", wrong_weight)
def a_weight_may_be_nan(name: str, weight: Any, of: str = "") -> None:
    if weight == weight:  # noqa: PLR0124 - which NaN is not
        right_weight(name, weight, of)


@instead_of(WEIGHT, "VQ-16.14", laws.test_what_the_rules_allow_is_not_refused)
def a_weight_must_not_be_negative(name: str, weight: Any, of: str = "") -> None:
    right_weight(name, weight, of)
    assert weight >= 0, "refused"  # as a failure, not an error, which could be one of the fault itself


@instead_of("reference.reduction.projection", "VQ-16.18", too_many)
def components_beyond_the_dimensions_are_left_out(
    vectors: Array, emb_space: Array, dim_reduction: str | None, num_components: int, unit_roundoff: float
) -> Projection:
    most = min(num_components, emb_space.shape[1])
    return right_projection(vectors, emb_space, dim_reduction, most, unit_roundoff)


@instead_of("reference.validation.check_vote", "VQ-16.21", wrong_vote)
def a_vote_is_not_checked(*_: Any) -> None:
    pass


@instead_of("reference.parts.replacement.check_num_embeds_replaced", "VQ-16.19", replaced)
def more_embeddings_are_replaced_than_there_are(*_: Any) -> None:
    pass


# Labels and components.


def in_the_place_of_labels(sentence: str, *checks: Check) -> Callable[[Callable[[Array, int], Array]], Faulty]:
    """Let the decorated function return the labels with which the vote goes on."""

    def decorate(fault: Callable[[Array, int], Array]) -> Faulty:
        @wraps(fault)
        def wrong(oracle: Oracle, case: CosineCase) -> CosineQuantized:
            if case.vote is None:
                return right_cosine(oracle, case)
            labels = fault(case.vote.emb_labels, case.vote.num_classes)
            return right_cosine(oracle, replace(case, vote=replace(case.vote, emb_labels=labels)))

        return Faulty(f"{Oracle.__module__}.Oracle.quantize_cosine", wrong, sentence, checks)

    return decorate


@in_the_place_of_labels("VQ-10.14", negative_label)
def a_negative_label_counts_from_the_end(labels: Array, num_classes: int) -> Array:
    return np.where(labels < 0, labels + num_classes, labels)


@in_the_place_of_labels("VQ-10.14", *labels_out_of_range)
def a_label_out_of_range_counts_as_the_last_in_it(labels: Array, num_classes: int) -> Array:
    return np.minimum(labels, num_classes - 1)


@instead_of(LABELS, "VQ-16.25", labels_out_of_range[-1])
def only_the_first_label_is_checked(labels: Array, n: int, num_classes: Any, of: str = "") -> None:
    right_labels(np.resize(labels[:1], labels.shape), n, num_classes, of)


@instead_of(LABELS, "VQ-16.25", wrong_labels)
def there_may_be_more_labels_than_embeddings(labels: Array, n: int, num_classes: Any, of: str = "") -> None:
    right_labels(labels[:n], n, num_classes, of)


@instead_of(FIT, "VQ-8.17", *as_many_as_embeddings, as_many_as_finite)
def components_beyond_the_fitted_rows_are_left_out(
    rows: Array, num_components: int, unit_roundoff: float
) -> Projection:
    most = len(rows) - 1 if num_components <= rows.shape[1] else num_components
    return right_fit(rows, min(num_components, most), unit_roundoff)


@instead_of("reference.reduction.projection", "VQ-8.17", as_many_as_finite)
def rows_that_are_not_finite_count_as_fitted(
    vectors: Array, emb_space: Array, dim_reduction: str | None, num_components: int, unit_roundoff: float
) -> Projection:
    fitted = [emb_space, *(vectors if dim_reduction == "pca-batch" else [])]
    rows, finite = sum(map(len, fitted)), sum(finite_rows(it).sum() for it in fitted)
    most = num_components if num_components >= rows else min(num_components, finite - 1)
    return right_projection(vectors, emb_space, dim_reduction, most, unit_roundoff)


# What an error says.


@instead_of(WEIGHT, "VQ-16.32", named)
def an_error_names_no_argument(name: str, weight: Any, of: str = "") -> None:
    if np.isnan(weight):
        raise ValueError(f"a weight must be finite. Received: {weight}")
    right_weight(name, weight, of)


@instead_of(WEIGHT, "VQ-16.32", named)
def an_error_names_another_argument(name: str, weight: Any, of: str = "") -> None:
    right_weight(name, weight, of.replace("alpha", "beta"))


@instead_of(WEIGHT, "VQ-16.33", named)
def an_error_does_not_tell_the_value(name: str, weight: Any, of: str = "") -> None:
    if np.isnan(weight):
        raise ValueError(f"`{name}`{of} must be finite.")
    right_weight(name, weight, of)
