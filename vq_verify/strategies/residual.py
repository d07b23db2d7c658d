"""Cases of residual quantization: stages with codebooks of their own or a shared one, masks, trainings."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from vq_verify.offers import offered, to_draw
from vq_verify.protocol import Case, Implementation, ResidualCase
from vq_verify.strategies.choices import chooser, integers, sample
from vq_verify.strategies.parts import cases_with_estimators, masked_cases, per_split, steps
from vq_verify.strategies.training import exact_interrupted_cases, exact_training_cases, with_zero
from vq_verify.strategies.vectors import all_cases, exact_cases

# Which codebook each stage has. Exact cases stay exact: with rows of at most 64 units, what 2 of them leave has at most
# 192, its difference to a row 256, and for d <= 8 the squares sum to 2^19 < 2^22 units.
ORDERS = ((0, 1), (0, 1, 2), (0,), (0, 0), (0, 0, 0), (0, 1, 0))


class MaskedStages(NamedTuple):
    """A case, the same with other vectors among its own, and which vectors of that one are the case's."""

    case: ResidualCase
    among: ResidualCase
    kept: NDArray[np.bool_]


def _order(draw: st.DrawFn, implementation: Implementation) -> tuple[int, ...]:
    """Draw an order of what is offered."""
    kinds = to_draw(implementation, "stages", ("apart", "shared"))
    return chooser(draw, 1)([it for it in ORDERS if ("shared" if len(set(it)) < len(it) else "apart") in kinds])


def _emb_spaces(draw: st.DrawFn, case: Case, order: tuple[int, ...]) -> NDArray[Any]:
    """Draw codebooks, the first of which is that of the case; of its rows and vectors, some halved or negated."""
    dtype = case.emb_space.dtype
    rows = np.concatenate([case.emb_space, with_zero(case).astype(dtype)])
    shape = (max(order), len(case.emb_space))
    others = sample(draw, rows, shape) * sample(draw, np.array([1, 0.5, -1, -0.5], dtype), (*shape, 1))
    return np.concatenate([case.emb_space[np.newaxis], others])


def _clear_of_subnormal_numbers(case: Case) -> Case:
    """Return the case with tiny numbers scaled up: a sum of them may cancel to one that hardware takes for 0."""
    largest = max(np.abs(it.astype(np.float64)).max(initial=0) for it in (case.x, case.emb_space))
    if not 0 < largest < 2.0**-40:  # nor where some are not finite
        return case
    return replace(case, x=case.x * case.x.dtype.type(2.0**60), emb_space=case.emb_space * 2.0**60)


def in_stages(draw: st.DrawFn, implementation: Implementation, case: Case) -> ResidualCase:
    """Draw stages for a case."""
    order = _order(draw, implementation)
    case = _clear_of_subnormal_numbers(case)
    return ResidualCase(case=case, emb_spaces=_emb_spaces(draw, case, order), order=order)


@st.composite
def residual_cases(draw: st.DrawFn, implementation: Implementation) -> ResidualCase:
    """Draw a case of either kind."""
    return in_stages(draw, implementation, draw(all_cases(implementation)))


@st.composite
def exact_residual_cases(draw: st.DrawFn, implementation: Implementation) -> ResidualCase:
    """Draw a case on which float32 does not round."""
    return in_stages(draw, implementation, draw(exact_cases(implementation)))


@st.composite
def residual_cases_with_upstream(draw: st.DrawFn, implementation: Implementation) -> tuple[ResidualCase, NDArray[Any]]:
    """Draw a case with an estimator, and a gradient that reaches its output."""
    case, upstream = draw(cases_with_estimators(implementation))
    return in_stages(draw, implementation, case), upstream


@st.composite
def masked_stages(draw: st.DrawFn, implementation: Implementation) -> MaskedStages:
    """Draw an exact case with masked vectors among its own."""
    drawn = draw(masked_cases(implementation))
    case = in_stages(draw, implementation, drawn.case)
    return MaskedStages(case, replace(case, case=drawn.masked), drawn.counted)


@st.composite
def interrupted_stages(draw: st.DrawFn, implementation: Implementation) -> MaskedStages:
    """Draw an exact case with vectors that are not finite among its own."""
    drawn = draw(exact_interrupted_cases(implementation))
    case = in_stages(draw, implementation, drawn.case)
    return MaskedStages(case, replace(case, case=drawn.interrupted), drawn.finite)


@st.composite
def parity_cases(draw: st.DrawFn, implementation: Implementation) -> ResidualCase:
    """Draw an exact case, with a mask or not, of codebooks per split or not."""
    case = draw(exact_cases(implementation))
    choose = chooser(draw, 2)
    if offered(implementation, "masks", ["x"]) and choose((False, True)):
        case = replace(case, mask=sample(draw, [True, False], case.x.shape[:-1]))
    drawn = in_stages(draw, implementation, case)
    if not (offered(implementation, "codebooks", ["per-split"]) and choose((False, True))):
        return drawn
    emb_spaces = [per_split(draw, replace(case, emb_space=it)).emb_space for it in drawn.emb_spaces]
    return replace(drawn, case=per_split(draw, case), emb_spaces=np.stack(emb_spaces))


@st.composite
def residual_trainings(
    draw: st.DrawFn, implementation: Implementation
) -> tuple[ResidualCase, int, list[tuple[NDArray[Any], NDArray[np.bool_] | None]]]:
    """Draw an exact training that replaces within a pass, and its batches, some with masks."""
    case, number = draw(exact_training_cases(implementation))
    drawn = in_stages(draw, implementation, replace(case, every=draw(st.integers(1, 2))))
    passes = draw(steps(drawn.case, masks=bool(offered(implementation, "masks", ["x"]))))
    return drawn, number, [(it.x, it.mask) for it in passes[:3]]


@st.composite
def residual_starts(draw: st.DrawFn, implementation: Implementation) -> ResidualCase:
    """Draw an exact case whose x has vectors enough to start from, and codebooks that are zero before."""
    case = draw(exact_cases(implementation))
    n, (_, r, q) = len(case.emb_space), case.x.shape
    count = -(-n // (r * case.num_splits)) * r * case.num_splits
    x = sample(draw, with_zero(case), count).reshape(-1, r, q)
    order = _order(draw, implementation)
    case = replace(case, x=x, start="batch", weights={}, emb_space=np.zeros_like(case.emb_space))
    return ResidualCase(case=case, emb_spaces=np.stack([case.emb_space] * (1 + max(order))), order=order)


@st.composite
def dropped_cases(draw: st.DrawFn, implementation: Implementation) -> ResidualCase:
    """Draw an exact training pass with quantizer dropout, of several elements."""
    drawn = in_stages(draw, implementation, draw(exact_cases(implementation)))
    x = drawn.case.x
    x = x[integers(draw, 8, 0, len(x) - 1)]
    return replace(drawn, case=replace(drawn.case, x=x), training=True, quantizer_dropout=True)
