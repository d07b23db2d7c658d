"""Faults of what a replacement writes (VQ-11)."""

from typing import Any

import numpy as np

from reference.parts import replacement
from reference.parts.replacement import ReplacementState
from tests.parity import test_training as parity
from tests.property import test_replacement as trainings
from tests.suite.faults.consequences import Array
from tests.suite.faults.machinery import instead_of

REPLACE = "reference.parts.replacement.replace_embeds"

every_step = parity.test_every_step_of_a_training_leaves_the_state_that_it_must
replaced = trainings.test_the_most_distant_new_inputs_replace_the_least_used_and_all_starts_anew
once = trainings.test_equal_inputs_replace_one_embedding
written_over = trainings.test_an_input_that_equals_an_embedding_written_over_is_skipped
not_finite = trainings.test_embeddings_that_are_not_finite_are_the_least_used_and_replaced

right_replace = replacement.replace_embeds


@instead_of(REPLACE, "VQ-11.6", replaced)
def the_most_used_are_replaced(state: ReplacementState, emb_space: Array) -> Any:
    return right_replace(state._replace(usage=-state.usage), emb_space)


@instead_of(REPLACE, "VQ-11.7", replaced)
def of_equally_used_embeddings_the_last_is_replaced(state: ReplacementState, emb_space: Array) -> Any:
    emb_space, zeroed = right_replace(state._replace(usage=state.usage[::-1]), emb_space[::-1])
    return emb_space[::-1], zeroed


@instead_of(REPLACE, "VQ-11.8", replaced, every_step)
def usage_goes_on_after_a_replacement(state: ReplacementState, emb_space: Array) -> Any:
    emb_space, zeroed = right_replace(state, emb_space)
    return emb_space, zeroed._replace(usage=state.usage)


@instead_of(REPLACE, "VQ-11.8", replaced, every_step)
def distances_go_on_after_a_replacement(state: ReplacementState, emb_space: Array) -> Any:
    emb_space, zeroed = right_replace(state, emb_space)
    return emb_space, zeroed._replace(input_distances=state.input_distances)


@instead_of(REPLACE, "VQ-11.9", replaced)
def an_empty_slot_is_written(state: ReplacementState, emb_space: Array) -> Any:
    return right_replace(state._replace(input_distances=state.input_distances + 1), emb_space)


@instead_of(REPLACE, "VQ-11.6", replaced)
def the_least_distant_input_is_written_first(state: ReplacementState, emb_space: Array) -> Any:
    emb_space, zeroed = right_replace(
        state._replace(input_distances=1 / state.input_distances * (state.input_distances > 0)), emb_space
    )
    return emb_space, zeroed


def written(state: ReplacementState, emb_space: Array, skipped: Any, used_up: bool = False) -> Any:
    """Write the inputs, but those that are skipped for themselves, the embeddings and the earlier inputs."""
    emb_space, before = emb_space.copy(), emb_space
    targets = list(np.argsort(state.usage, kind="stable"))
    for i, (row, distance) in enumerate(zip(state.distant_inputs, state.input_distances, strict=True)):
        if distance > 0 and not skipped(row, before, state.distant_inputs[:i]):
            emb_space[targets.pop(0)] = row
        elif used_up:
            targets.pop(0)
    return emb_space, right_replace(state, emb_space)[1]


def among(row: Array, rows: Array) -> bool:
    """Tell whether a row equals one of several."""
    return bool((rows == row).all(axis=-1).any())


@instead_of(REPLACE, "VQ-11.9", replaced)
def a_skipped_slot_uses_up_an_embedding(state: ReplacementState, emb_space: Array) -> Any:
    return written(
        state, emb_space, lambda row, before, earlier: among(row, before) or among(row, earlier), used_up=True
    )


@instead_of(REPLACE, "VQ-11.9", replaced)
def an_input_that_equals_an_embedding_is_written(state: ReplacementState, emb_space: Array) -> Any:
    return written(state, emb_space, lambda row, _, earlier: among(row, earlier))


@instead_of(REPLACE, "VQ-11.9", replaced, once)
def equal_inputs_are_all_written(state: ReplacementState, emb_space: Array) -> Any:
    return written(state, emb_space, lambda row, before, _: among(row, before))


@instead_of(REPLACE, "VQ-11.9", written_over)
def inputs_are_compared_with_the_embeddings_as_they_are_by_then(state: ReplacementState, emb_space: Array) -> Any:
    emb_space, targets = emb_space.copy(), iter(np.argsort(state.usage, kind="stable"))
    for i, (row, distance) in enumerate(zip(state.distant_inputs, state.input_distances, strict=True)):
        if distance > 0 and not among(row, emb_space) and not among(row, state.distant_inputs[:i]):
            emb_space[next(targets)] = row
    return emb_space, right_replace(state, emb_space)[1]


@instead_of(REPLACE, "VQ-11.6", not_finite, replaced)
def embeddings_that_are_not_finite_are_never_replaced(state: ReplacementState, emb_space: Array) -> Any:
    finite = np.isfinite(emb_space).all(axis=-1)
    replaced, zeroed = right_replace(state._replace(usage=np.where(finite, state.usage, np.inf)), emb_space)
    return np.where(finite[:, np.newaxis], replaced, emb_space), zeroed
