"""Faults of the initialization from a batch (VQ-12)."""

import numpy as np

from reference import initial_state
from reference.non_finite import finite_rows
from reference.parts import starts
from tests.property import test_initialization as laws
from tests.suite.faults.consequences import Array
from tests.suite.faults.machinery import instead_of
from vq_verify.adapters.oracle import OracleTraining

FIRST_ROWS = "reference.parts.starts.first_rows"
INITIALIZE = f"{OracleTraining.__module__}.OracleTraining.initialize_from_batch"

first_vectors = laws.test_the_first_vectors_become_the_embeddings_or_are_refused_and_nothing_changes
anything_later = laws.test_vectors_after_the_first_n_may_be_anything
exactly_enough = laws.test_a_batch_of_exactly_n_vectors_is_enough

right_first_rows, right_initialize = starts.first_rows, OracleTraining.initialize_from_batch


@instead_of(FIRST_ROWS, "VQ-12.1", first_vectors)
def the_first_vectors_are_taken_column_by_column(vectors: Array, n: int) -> Array:
    return right_first_rows(vectors.swapaxes(0, 1), n)


@instead_of(FIRST_ROWS, "VQ-12.1", first_vectors)
def the_last_vectors_are_taken(vectors: Array, n: int) -> Array:
    right_first_rows(vectors, n)  # refuses what must be refused
    return vectors.reshape(-1, vectors.shape[-1])[-n:]


@instead_of(FIRST_ROWS, "VQ-12.2", first_vectors)
def vectors_that_are_not_finite_are_taken(vectors: Array, n: int) -> Array:
    rows = vectors.reshape(-1, vectors.shape[-1])[:n]
    return rows if len(rows) == n else right_first_rows(vectors, n)


@instead_of(FIRST_ROWS, "VQ-12.2", first_vectors)
def vectors_that_are_not_finite_are_passed_over(vectors: Array, n: int) -> Array:
    return right_first_rows(vectors[finite_rows(vectors)], n)


@instead_of(FIRST_ROWS, "VQ-12.2", anything_later)
def all_vectors_must_be_finite(vectors: Array, n: int) -> Array:
    assert finite_rows(vectors).all(), "refused"  # as a failure, not an error, which could be one of the fault itself
    return right_first_rows(vectors, n)


@instead_of(FIRST_ROWS, "VQ-12.2", exactly_enough)
def one_vector_more_than_needed_must_be_there(vectors: Array, n: int) -> Array:
    assert vectors.size > n * vectors.shape[-1], "refused"
    return right_first_rows(vectors, n)


@instead_of(FIRST_ROWS, "VQ-12.2", first_vectors)
def too_few_vectors_are_repeated(vectors: Array, n: int) -> Array:
    rows = vectors.reshape(-1, vectors.shape[-1])
    return right_first_rows(np.resize(rows, (n, rows.shape[-1])) if len(rows) else rows, n)


@instead_of(INITIALIZE, "VQ-12.3", first_vectors)
def a_refused_batch_is_taken_all_the_same(training: OracleTraining, x: Array) -> None:
    emb_space = training.state["emb_space"]
    rows = x.astype(np.float64).reshape(-1, emb_space.shape[1])[: len(emb_space)]
    training.state = {**training.state, "emb_space": np.concatenate([rows, emb_space[len(rows) :]])}
    right_initialize(training, x)


@instead_of(INITIALIZE, "VQ-12.1", first_vectors)
def initializing_begins_the_training_anew(training: OracleTraining, x: Array) -> None:
    right_initialize(training, x)
    training.state = initial_state(training.state["emb_space"], training._quantizer)
