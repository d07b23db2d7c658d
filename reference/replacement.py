"""Replacement of the least used embeddings by the most distant inputs (VQ-11)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference.validation import check_num_embeds_replaced


class ReplacementState(NamedTuple):
    """What training passes accumulate between replacements.

    Attributes
    ----------
    usage : array, shape [n]
        How often each embedding was chosen.
    distant_inputs : array, shape [R, d]
        The R inputs that were most distant from their nearest embedding, most distant first.
    input_distances : array, shape [R]
        Their distances; 0 marks an empty slot.
    """

    usage: NDArray[np.float64]
    distant_inputs: NDArray[np.float64]
    input_distances: NDArray[np.float64]


def initial_state(n: int, num_embeds_replaced: int, d: int) -> ReplacementState:
    """Return the state before any training pass: all zero."""
    check_num_embeds_replaced(num_embeds_replaced, n)
    return ReplacementState(np.zeros(n), np.zeros((num_embeds_replaced, d)), np.zeros(num_embeds_replaced))


def accumulate(
    state: ReplacementState,
    access_count: NDArray[np.float64],
    vectors: NDArray[np.float64],
    distance: NDArray[np.float64],
) -> ReplacementState:
    """Return the state after a training pass.

    Adds the access counts to the usage, and keeps the R largest of the stored distances followed by those of this
    batch, in row-major order; earlier first on ties. A vector that found no embedding does not enter (VQ-13).

    Parameters
    ----------
    state : ReplacementState
    access_count : array, shape [n]
    vectors : array, shape [batch, m, d]
    distance : array, shape [batch, m, n]

    Examples
    --------
    >>> state = initial_state(n=2, num_embeds_replaced=1, d=1)
    >>> accumulate(state, np.array([2.0, 0.0]), np.array([[[1.0], [3.0]]]), np.array([[[1.0, 9.0], [3.0, 7.0]]]))
    ReplacementState(usage=array([2., 0.]), distant_inputs=array([[3.]]), input_distances=array([3.]))
    """
    found = ~np.isnan(distance).all(axis=-1)
    inputs = np.concatenate([state.distant_inputs, vectors[found]])
    distances = np.concatenate([state.input_distances, np.nanmin(distance[found], axis=-1)])
    kept = np.argsort(-distances, kind="stable")[: len(state.input_distances)]
    return ReplacementState(state.usage + access_count, inputs[kept], distances[kept])


def replace_embeds(
    state: ReplacementState, emb_space: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ReplacementState]:
    """Return the embedding space and the state after a replacement.

    The i-th most distant input is written over the i-th least used embedding; ties go to the lower index. A slot is
    skipped, and uses up no embedding, when it is empty or when its input equals a row of `emb_space` or an earlier
    slot. Usage and distances are then 0.

    Examples
    --------
    >>> state = ReplacementState(np.array([5.0, 0.0]), np.array([[3.0]]), np.array([2.0]))
    >>> replace_embeds(state, np.array([[1.0], [2.0]]))[0]
    array([[1.],
           [3.]])
    """
    replaced = emb_space.copy()
    least_used = iter(np.argsort(state.usage, kind="stable"))
    earlier: list[NDArray[np.float64]] = []
    for slot in np.argsort(-state.input_distances, kind="stable"):
        candidate = state.distant_inputs[slot]
        known = any(np.array_equal(candidate, row) for row in [*emb_space, *earlier])
        if state.input_distances[slot] > 0 and not known:
            replaced[next(least_used)] = candidate
        earlier.append(candidate)
    zeroed = ReplacementState(np.zeros_like(state.usage), state.distant_inputs, np.zeros_like(state.input_distances))
    return replaced, zeroed
