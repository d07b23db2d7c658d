"""Lookups in a space of principal components, combined with masks, vectors that are not finite, losses and votes."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from vq_verify.offers import offered
from vq_verify.protocol import Case, CosineCase, Implementation
from vq_verify.strategies.choices import chooser, integers, sample
from vq_verify.strategies.reduction import reduced_cases, reduced_cosine_cases
from vq_verify.strategies.training import broken_rows


class Among(NamedTuple):
    """A case, the same with other vectors among its own, which count for nothing, and which are the case's."""

    case: Case
    among: Case
    counted: NDArray[np.bool_]


@st.composite
def reduced_cases_among_others(draw: st.DrawFn, implementation: Implementation) -> Among:
    """Draw a case in a reduced space, and whole rows of x among its own that do not count, or none.

    They are not finite or, where masks are offered, masked: then they are anything, also twice the rows of the case,
    which would turn the axes of a fit.
    """
    case = draw(reduced_cases(implementation))
    squares = offered(implementation, "losses", ("codebook_loss", "commitment_loss"))
    case = case.weighted(**dict.fromkeys(squares, 0.25))
    q, d = case.x.shape[-1], case.emb_space.shape[1]
    masks = bool(offered(implementation, "masks", ["x"])) and chooser(draw, 1)((False, True))
    breaks = bool(offered(implementation, "inputs", ["not finite"]))
    number = chooser(draw, 1)(range(4)) if masks or breaks else 0
    pool = np.concatenate([case.x.reshape(-1, d), np.roll(2 * case.x.reshape(-1, d), 1, axis=-1)])
    count = number * case.num_splits
    others = broken_rows(draw, pool, count) if breaks else sample(draw, pool, count)
    if masks:
        others = np.where(sample(draw, [True, True, False], (count, 1)), sample(draw, pool, count), others)
    rows, places = case.x.reshape(-1, q), integers(draw, number, 0, case.x.size // q)
    x = np.insert(rows, places, others.reshape(number, q), axis=0)[:, np.newaxis]
    counted = np.insert(np.ones(len(rows), bool), places, False)
    among = replace(case, x=x, mask=counted[:, np.newaxis] if masks else None)
    return Among(case, among, np.repeat(counted, case.num_splits))


@st.composite
def reduced_cosine_cases_with_upstream(
    draw: st.DrawFn, implementation: Implementation
) -> tuple[CosineCase, NDArray[Any]]:
    """Draw a case by cosine similarity in a reduced space, with a vote or without, and a gradient that arrives."""
    case = draw(reduced_cosine_cases(implementation))
    return case, integers(draw, case.x.shape, 1, 5).astype(case.x.dtype)
