"""Replacement of the least used embeddings by the most distant inputs (VQ-11, VQ-23)."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference import lookup, validation
from reference.passes import Pass
from reference.statistics import Candidates, Statistics
from reference.validation import check_num_embeds_replaced

__all__ = ["MostDistant"]


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


def most_distant(
    vectors: NDArray[np.float64], distance: NDArray[np.float64], number: int, first: int = 0
) -> Candidates:
    """Return the vectors that are most distant from their nearest embedding.

    Parameters
    ----------
    vectors : array, shape [batch, m, d]
    distance : array, shape [batch, m, n]
    number : int
        How many to return, if so many found an embedding (VQ-13).
    first : int
        How many vectors of the batch came before.

    Examples
    --------
    >>> found = most_distant(np.array([[[1.0], [3.0]]]), np.array([[[1.0, 9.0], [3.0, 7.0]]]), 1)
    >>> found.vector, found.distance, found.order
    (array([[3.]]), array([3.]), array([1]))
    """
    found = ~np.isnan(distance).all(axis=-1)
    order = first + np.flatnonzero(found)
    nothing = Candidates(number, np.empty(0), np.empty(0, np.int64), np.empty((0, vectors.shape[-1])))
    return nothing.merged(Candidates(number, np.nanmin(distance[found], axis=-1), order, vectors[found]))


class Replacement:
    """What the replacements have in common: how many embeddings they may write, and when they act by themselves.

    One of its own gathers (`gather`, `gathered`) and writes (`written`); the passes are counted here.

    Attributes
    ----------
    number : int
        How many embeddings a replacement may write, from 0 to n.
    every : int or None
        After how many training passes the last of them replaces by itself; None if only `replace_embeds` does.
    """

    needs_norm = False  # whether it takes distances
    number: int
    every: int | None

    def __post_init__(self) -> None:
        of = f" of {type(self).__name__}"
        validation.check_natural("number", self.number, f"{of} (num_embeds_replaced)")
        if self.every is not None:
            validation.check_positive("every", self.every, of)

    def kept(self, emb_space: NDArray[Any]) -> dict[str, Any]:
        """Return what it keeps, before any training pass."""
        raise NotImplementedError

    def gather(self, it: Pass) -> Statistics:
        """Return the statistics of a pass."""
        raise NotImplementedError

    def gathered(self, state: dict[str, Any], statistics: Statistics) -> dict[str, Any]:
        """Return the state with the statistics taken in."""
        raise NotImplementedError

    def written(self, state: dict[str, Any]) -> dict[str, Any]:
        """Return the state with embeddings written, and with nothing gathered."""
        raise NotImplementedError

    def initial_state(self, emb_space: NDArray[Any]) -> dict[str, Any]:
        """Return the state before any training pass; with `every`, ``passes_since_replacement`` among it."""
        return {**self.kept(emb_space), **({} if self.every is None else {"passes_since_replacement": np.int64(0)})}

    def after(self, state: dict[str, Any], statistics: Statistics) -> dict[str, Any]:
        """Return the state after a training pass that gathered the statistics, and after a replacement if it is due."""
        state = self.gathered(state, statistics)
        if self.every is None:
            return state
        state["passes_since_replacement"] = state["passes_since_replacement"] + 1
        return self.replaced(state) if state["passes_since_replacement"] >= self.every else state

    def replaced(self, state: dict[str, Any]) -> dict[str, Any]:
        """Return the state after a replacement."""
        passes = {name: np.zeros_like(state[name]) for name in state if name == "passes_since_replacement"}
        return {**self.written(state), **passes}


@dataclass(frozen=True)
class MostDistant(Replacement):
    """Gather the most distant inputs, and let them replace the least used embeddings.

    It keeps ``accumulated_usage_count`` ``[n]``, ``distant_inputs`` ``[number, d]``, ``input_distances`` ``[number]``.
    """

    number: int
    every: int | None = None

    needs_norm = True

    def kept(self, emb_space: NDArray[Any]) -> dict[str, Any]:
        """Return what it keeps, before any training pass: all zero."""
        usage, *distant = initial_state(len(emb_space), self.number, emb_space.shape[1])
        return named(usage.astype(np.int64), *distant)

    def gather(self, it: Pass) -> Statistics:
        """Return how often each embedding was chosen, and the most distant inputs."""
        count = lookup.access_count(it.emb_index, len(it.codebook)).astype(np.int64)
        return {
            "access_count": count,
            "distant": most_distant(it.vectors, it.search.distance, self.number, it.first),
        }

    def gathered(self, state: dict[str, Any], statistics: Statistics) -> dict[str, Any]:
        """Return the state with the usage added up, and the most distant of the inputs before and the new ones."""
        count, distant = statistics["access_count"], statistics["distant"]
        inputs, distances = distant.vector[np.newaxis], distant.distance[np.newaxis, :, np.newaxis]
        return {**state, **named(*accumulate(unnamed(state), count, inputs, distances))}

    def written(self, state: dict[str, Any]) -> dict[str, Any]:
        """Return the state with the most distant inputs over the least used embeddings."""
        emb_space, zeroed = replace_embeds(unnamed(state), state["emb_space"])
        return {**state, **named(*zeroed), "emb_space": emb_space}


def named(usage: Any, distant_inputs: Any, input_distances: Any) -> dict[str, Any]:
    """Return the fields of a `ReplacementState` by their names in the state of a quantizer."""
    return {"accumulated_usage_count": usage, "distant_inputs": distant_inputs, "input_distances": input_distances}


def unnamed(state: dict[str, Any]) -> ReplacementState:
    """Return the `ReplacementState` in the state of a quantizer."""
    return ReplacementState(*(state[name] for name in named(None, None, None)))
