"""Faults of a fit and of a training that vectors and embeddings that are not finite enter (VQ-8, VQ-11, VQ-13)."""

from functools import partial
from typing import Any

import numpy as np

from reference import reduction
from reference.parts import replacement
from reference.reduction import Projection
from reference.statistics import Candidates
from tests.parity import test_training as training
from tests.property import test_reduction as reduced
from tests.suite.faults.consequences import Array, are_finite
from tests.suite.faults.machinery import instead_of

PROJECTION = "reference.reduction.projection"

fit_without = partial(
    reduced.test_an_embedding_that_is_not_finite_is_left_out_of_the_fit, dim_reduction="pca-emb-space"
)
along_the_lines = reduced.test_rows_in_pairs_on_orthogonal_lines_are_projected_on_these_wherever_they_lie

every_step = training.test_every_step_of_a_training_leaves_the_state_that_it_must

right_projection = reduction.projection
right_most_distant = replacement.most_distant


@instead_of(PROJECTION, "VQ-8.3", fit_without, along_the_lines)
def rows_that_are_not_finite_are_fitted_as_zeros(vectors: Array, emb_space: Array, *others: Any) -> Projection:
    return right_projection(*(np.where(are_finite(rows), rows, 0) for rows in (vectors, emb_space)), *others)


@instead_of(PROJECTION, "VQ-8.3", fit_without, along_the_lines)
def rows_that_are_not_finite_make_the_mean_nan(vectors: Array, emb_space: Array, *others: Any) -> Projection:
    fitted = right_projection(vectors, emb_space, *others)
    return fitted if fitted.mean is None else fitted._replace(mean=fitted.mean + 0 * (vectors.sum() + emb_space.sum()))


@instead_of("reference.parts.replacement.most_distant", "VQ-13.14", every_step)
def a_vector_that_is_not_finite_is_the_most_distant(vectors: Array, distance: Array, *others: Any) -> Candidates:
    lost = np.isnan(distance).all(axis=-1, keepdims=True)
    return right_most_distant(vectors, np.where(lost, np.inf, distance), *others)
