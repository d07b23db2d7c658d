"""Replacement of embeddings that are of little use, and of dead ones, by inputs (VQ-11, VQ-23, VQ-26)."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference import lookup, validation
from reference.parts.comparisons import Comparison
from reference.passes import Pass
from reference.statistics import Candidates, Statistics
from reference.validation import check_num_embeds_replaced

__all__ = ["DeadCodes", "MostDistant"]


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
    number : int or None
        How many embeddings a replacement may write, from 0 to n, where it is not None.
    every : int or None
        After how many training passes the last of them replaces by itself; None if only `replace_embeds` does.
    """

    needs_norm = False  # whether it takes distances
    number: int | None
    every: int | None

    def __post_init__(self) -> None:
        of = f" of {type(self).__name__}"
        if self.number is not None:
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

    def after(self, state: dict[str, Any], statistics: Statistics, comparison: Comparison) -> dict[str, Any]:
        """Return the state after a training pass that gathered the statistics, and after a replacement if it is due."""
        del comparison
        state = self.gathered(state, statistics)
        if self.every is None:
            return state
        state["passes_since_replacement"] = state["passes_since_replacement"] + 1
        return self.replaced(state) if state["passes_since_replacement"] >= self.every else state

    def restarted(self, state: dict[str, Any], rows: NDArray[np.bool_], comparison: Comparison) -> dict[str, Any]:
        """Return the state after these rows, ``[n]``, of the embedding space were written."""
        del rows, comparison
        return state

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

    def __post_init__(self) -> None:
        validation.check_natural("number", self.number, " of MostDistant (num_embeds_replaced)")
        super().__post_init__()

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


@dataclass(frozen=True)
class DeadCodes(Replacement):
    """Write inputs of the batch over the embeddings that are hardly ever chosen.

    An embedding is dead when its moving share, in multiples of the even share M / n, is below `fraction`.

    It keeps that share, ``moving_share`` ``[n]``; the inputs of the last pass that may be taken, ``candidate_inputs``
    ``[number, d]``, with their keys, ``candidate_keys`` ``[number]``; and ``draws``, how many passes there were.

    Examples
    --------
    The second embedding is chosen by none, and moves to the vector that is farthest from all:

    >>> from reference import DeadCodes, Quantizer, initial_state, quantize
    >>> quantizer = Quantizer(replacement=DeadCodes(fraction=0.5, decay=0.0, source="most-distant"))
    >>> state = initial_state(np.array([[0.0], [9.0]]), quantizer)
    >>> quantize(np.array([[[0.0]], [[1.0]], [[3.0]]]), state, quantizer, training=True).state["emb_space"].ravel()
    array([0., 3.])
    """

    fraction: float = 0.05
    decay: float = 0.95
    source: str = "sample"
    number: int | None = None
    every: int | None = 1
    seed: int = 0

    def __post_init__(self) -> None:
        of = " of DeadCodes"
        validation.check_number("fraction", self.fraction, "between 0 and 1", lambda it: 0 < it < 1, of)
        validation.check_number("decay", self.decay, "at least 0 and below 1", lambda it: 0 <= it < 1, of)
        validation.check_member("source", self.source, ("sample", "most-distant"), of)
        validation.check_natural("seed", self.seed, of)
        super().__post_init__()

    def kept(self, emb_space: NDArray[Any]) -> dict[str, Any]:
        """Return what it keeps, before any training pass: each has the even share."""
        n, d = emb_space.shape
        return {
            "moving_share": np.ones(n),
            "candidate_inputs": np.zeros((self._number(n), d)),
            "candidate_keys": np.zeros(self._number(n)),
            "draws": np.int64(0),
        }

    def gather(self, it: Pass) -> Statistics:
        """Return how often each embedding was chosen, and of the vectors with an embedding those of the largest keys.

        A key is the distance to the nearest embedding, or drawn at random.
        """
        count = lookup.access_count(it.emb_index, len(it.codebook)).astype(np.int64)
        distance = it.search.distance if it.search.similarity is None else 1 - it.search.similarity
        keys = np.nanmin(distance[it.emb_index >= 0], axis=-1)
        if self.source == "sample":  # by the place in the whole batch
            drawn = np.random.default_rng([self.seed, int(it.state["draws"])]).random(it.first + it.emb_index.size)
            keys = 1 - drawn[it.first :][it.emb_index.ravel() >= 0]
        number = self._number(len(it.codebook))
        order = it.first + np.flatnonzero(it.emb_index >= 0)
        nothing = Candidates(number, np.empty(0), np.empty(0, np.int64), np.empty((0, it.vectors.shape[-1])))
        candidates = Candidates(number, keys, order, it.vectors[it.emb_index >= 0])
        return {"access_count": count, "candidates": nothing.merged(candidates)}

    def gathered(self, state: dict[str, Any], statistics: Statistics) -> dict[str, Any]:
        """Return the state with the shares moved, and the inputs of this pass in the place of those before."""
        count, candidates = statistics["access_count"], statistics["candidates"]
        per_embedding, share = count.mean(), state["moving_share"]
        if per_embedding > 0:
            share = share + (1 - self.decay) * min(per_embedding, 1) * (count / per_embedding - share)
        empty = self._number(len(share)) - len(candidates.distance)
        inputs = np.pad(candidates.vector, [(0, empty), (0, 0)])
        keys = np.pad(candidates.distance, (0, empty))
        kept = {"moving_share": share, "candidate_inputs": inputs, "candidate_keys": keys}
        return {**state, **kept, "draws": state["draws"] + 1}

    def written(self, state: dict[str, Any]) -> dict[str, Any]:
        """Return the state with the inputs of the largest keys over the dead embeddings, the least share first."""
        share, keys = state["moving_share"], state["candidate_keys"]
        emb_space, earlier = state["emb_space"].copy(), list(state["emb_space"])
        dead = iter([j for j in np.argsort(share, kind="stable") if share[j] < self.fraction])
        for slot in np.argsort(-keys, kind="stable"):
            candidate = state["candidate_inputs"][slot]
            if keys[slot] > 0 and not any(np.array_equal(candidate, row) for row in earlier):
                j = next(dead, None)
                if j is None:
                    break
                emb_space[j] = candidate
                earlier.append(candidate)
        return {**state, "emb_space": emb_space, "candidate_keys": np.zeros_like(keys)}

    def restarted(self, state: dict[str, Any], rows: NDArray[np.bool_], comparison: Comparison) -> dict[str, Any]:
        """Return the state in which these rows have the even share."""
        del comparison
        return {**state, "moving_share": np.where(rows, 1, state["moving_share"])}

    def _number(self, n: int) -> int:
        return max(1, n // 8) if self.number is None else self.number


def named(usage: Any, distant_inputs: Any, input_distances: Any) -> dict[str, Any]:
    """Return the fields of a `ReplacementState` by their names in the state of a quantizer."""
    return {"accumulated_usage_count": usage, "distant_inputs": distant_inputs, "input_distances": input_distances}


def unnamed(state: dict[str, Any]) -> ReplacementState:
    """Return the `ReplacementState` in the state of a quantizer."""
    return ReplacementState(*(state[name] for name in named(None, None, None)))
