"""Faults of what is refused (VQ-16)."""

from functools import partial
from typing import Any

import numpy as np

from reference import reduction, validation
from reference.reduction import Projection
from tests.property import test_validation as laws
from tests.suite.faults.consequences import Array
from tests.suite.faults.machinery import instead_of

WEIGHT = "reference.validation.check_weight"

wrong_weight = partial(laws.test_a_wrong_argument_is_refused_by_name, argument="alpha", value=np.nan)
too_many = partial(
    laws.test_a_number_of_components_that_cannot_be_fitted_is_refused, dim_reduction="pca-batch", components=3
)
wrong_vote = partial(laws.test_a_wrong_argument_of_a_vote_is_refused_by_name, argument="k", value=4)
replaced = partial(laws.test_a_number_of_embeddings_to_replace_beyond_those_there_are_is_refused, num_embeds_replaced=4)

right_projection, right_weight = reduction.projection, validation.check_weight


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
