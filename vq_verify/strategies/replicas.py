"""Trainings by replicas, each of which has a part of every batch."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from reference.parts.replacement import DeadCodes
from reference.parts.updates import MovingAverage
from vq_verify.offers import offered
from vq_verify.protocol import START_METHODS, Case, Implementation
from vq_verify.strategies.choices import chooser, integers, sample
from vq_verify.strategies.training import batches, exact_training_cases, with_zero


class Divided(NamedTuple):
    """A batch and its mask, or None, and both in the parts of the replicas."""

    x: NDArray[Any]
    mask: NDArray[np.bool_] | None
    parts: list[NDArray[Any]]
    masks: list[Any]


@st.composite
def trainings(draw: st.DrawFn, implementation: Implementation) -> tuple[Case, int, Divided]:
    """Draw the beginning of a training by replicas, how many embeddings it replaces at once, and its first batch.

    Before that pass float32 does not round: so the sums do not depend on how the batch is divided.
    """
    case, number = draw(exact_training_cases(implementation))
    choose = chooser(draw, 4)
    case = replace(case, weights={}, replicas=True)
    if choose((True, False)) and offered(implementation, "updates", ["MovingAverage"]):
        case = replace(case, update=MovingAverage(choose((0.5, 0.0)), 0.25))
    rule = choose(("dead codes", "most distant", "within a pass"))
    if rule == "dead codes" and offered(implementation, "policies", ["DeadCodes"]):
        source = draw(st.sampled_from(["sample", "most-distant"]))
        case = replace(case, replacement=DeadCodes(0.75, 0.0, source=source, number=number))
    elif rule == "within a pass" and offered(implementation, "replacements", [rule]):
        case = replace(case, every=draw(st.sampled_from([1, 2])))
    starts = offered(implementation, "starts", START_METHODS)
    start = choose((None, *starts))
    if start is not None:
        case = replace(case, start=start, emb_space=np.zeros_like(case.emb_space))
    return case, number, _divided(draw, implementation, case, draw(_batches(case)))


@st.composite
def losses(draw: st.DrawFn, implementation: Implementation) -> tuple[Case, Divided]:
    """Draw a case with all losses that are offered, in which float32 does not round, and a batch in parts."""
    case, _ = draw(exact_training_cases(implementation))
    names = offered(implementation, "losses", ["alpha_loss", "coulomb_loss", "codebook_loss", "commitment_loss"])
    case = replace(case, weights=dict.fromkeys(names, 0.5), replicas=True)
    return case, _divided(draw, implementation, case, draw(batches(case)))


@st.composite
def _batches(draw: st.DrawFn, case: Case) -> NDArray[Any]:
    """Draw a batch; to start from, one of enough vectors, all of them finite."""
    if case.start is None:
        return draw(batches(case))
    _, r, q = case.x.shape
    rows = -(-len(case.emb_space) // (r * case.num_splits)) + draw(st.integers(0, 2))
    return sample(draw, with_zero(case), rows * r * case.num_splits).reshape(rows, r, q)


def _divided(draw: st.DrawFn, implementation: Implementation, case: Case, x: NDArray[Any]) -> Divided:
    """Draw how a batch is divided among two or three replicas, and in half of the cases vectors that a mask adds."""
    mask = None
    if draw(st.booleans()) and offered(implementation, "masks", ["x"]):
        hidden = draw(batches(case))
        places = integers(draw, len(hidden), 0, len(x))
        mask = np.insert(np.ones(len(x), np.bool_), places, False)
        x = np.insert(x, places, hidden, axis=0)
    cuts = sorted(draw(st.lists(st.integers(0, len(x)), min_size=1, max_size=2)))
    masks = [None] * (len(cuts) + 1) if mask is None else np.split(mask, cuts)
    return Divided(x, mask, np.split(x, cuts), list(masks))
