"""What comes out under a norm, and how far off it may be: by the oracle and by `vq_verify.comparison`."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vq_verify.adapters.oracle import Oracle, result_of
from vq_verify.cases import Case
from vq_verify.comparison import (
    Interval,
    commitment_gradient,
    distance_error,
    exact_distances,
    loss_gradient_intervals,
    near_minima,
    projected,
    rotated,
    rounding,
    square_loss,
    weighted_sum_error,
)
from vq_verify.comparison.reduction import reduced_beta_gradient_error, reduced_distance_error
from vq_verify.vectors.counted import Counted, alone, codebooks, counted

Array = NDArray[np.float64]


def of_norm(case: Case, distance: Array) -> Array:
    """Return the error of distances in the full space; 0 where the case is exact, and where one is not a number."""
    error = distance_error(distance, case.emb_space.shape[-1], case.lookup_ord, rounding(case.x.dtype))
    return np.where(case.exact | np.isnan(distance), 0, error)


def of_distances(part: Counted) -> tuple[Array, Array]:
    """Return the distances of what counts, ``[M, n]``, and their errors."""
    if not part.case.emb_space.size or not part.case.x.size:
        nothing = np.zeros((len(part.vectors), len(part.rows)))
        return nothing, nothing
    distance = result_of(part.case).distance
    assert distance is not None
    if part.case.dim_reduction is None:
        error = of_norm(part.case, distance)
    else:
        error = reduced_distance_error(part.case, distance)
        same = (part.case.vectors[:, np.newaxis] == part.case.emb_space).all(axis=-1)
        error = np.where(same[:, np.newaxis], 0, error)  # equal rows have equal projections
    return distance[:, 0], error[:, 0]


def admitted(case: Case) -> list[list[int]]:
    """Return for each vector, ``[batch * m]``, the indices that are right; [-1] where none is found.

    Of bitwise equal rows the first is (VQ-2.2), and of an exact case the first of the least (VQ-15.10).
    """
    sets = [[-1]] * (case.x.size // case.emb_space.shape[-1])
    for part in counted(case):
        distance, error = of_distances(part)
        if not distance.size:
            continue
        equal = (part.case.emb_space[:, np.newaxis] == part.case.emb_space).all(axis=-1)
        with np.errstate(invalid="ignore"):  # inf - inf
            near = near_minima(distance, error) | np.isinf(distance).all(axis=-1, keepdims=True)  # VQ-15.5
        near &= equal.argmax(axis=-1) == np.arange(len(equal))
        for place, row in zip(part.vectors, near, strict=True):
            choices = part.rows[np.flatnonzero(row)]
            sets[place] = [int(j) for j in (choices[:1] if case.exact else choices)]
    return sets


def losses(case: Case) -> dict[str, tuple[float, float]]:
    """Return each loss, and the error that it may have where each vector has one right index."""
    arithmetic = rounding(case.x.dtype)
    of_parts = [dict(_losses_of(part)) for part in counted(case)]
    expected = result_of(case).losses
    found = {}
    for name in case.losses:
        exact, error = float(expected[name]), sum(part.get(name, 0.0) for part in of_parts)
        found[name] = exact, error + (len(of_parts) > 1) * arithmetic.gamma(len(of_parts)) * (abs(exact) + error)
    return found


def _losses_of(part: Counted) -> Iterator[tuple[str, float]]:
    """Return the errors of the losses over one codebook."""
    case = part.case
    if not len(part.rows):
        return
    arithmetic, (n, d) = rounding(case.x.dtype), case.emb_space.shape
    result, (_, error) = result_of(case), of_distances(part)
    number = max(len(part.vectors), 1)
    length = _lengths(case, result.emb_index)
    spacing = result.emb_closest_spacing
    assert spacing is not None
    of_terms = {
        "alpha_loss": (distance_error(length, d, case.lookup_ord, arithmetic).sum() / number, number),
        "beta_loss": (error.sum() / number, number + n),
        "coulomb_loss": (distance_error(spacing, d, case.lookup_ord, arithmetic).sum(), n),
    }
    for name, loss in result.losses.items():
        if name in of_terms:
            of_all, terms = of_terms[name]
            yield name, weighted_sum_error(float(loss), abs(case.weights[name]) * of_all, terms, arithmetic)
        else:
            yield name, square_loss(case, result.emb_index, case.weights[name])[1]


def _lengths(case: Case, emb_index: NDArray[np.int64]) -> Array:
    """Return the distances to the chosen embeddings in the full space, ``[M]``."""
    distance = exact_distances(case.vectors, case.emb_space.astype(np.float64), case.lookup_ord)
    return np.take_along_axis(distance, emb_index.reshape(-1, 1), axis=-1)[:, 0]


def gradients_to_emb_space(case: Case) -> dict[str, Interval]:
    """Enclose the gradient of each loss by the embedding space; 0 for what does not count."""
    found = {name: Interval(*np.zeros((2, *codebooks(case).shape))) for name in case.losses}
    for part in counted(case):
        if not len(part.rows):
            continue
        for name, interval in _intervals(part.case).items():
            for ends, of_part in zip(found[name], interval, strict=True):
                ends[part.split][part.rows] = of_part
    shape = case.emb_space.shape
    return {name: Interval(*(ends.reshape(shape) for ends in interval)) for name, interval in found.items()}


def _intervals(case: Case) -> dict[str, Interval]:
    intervals = loss_gradient_intervals(case, result_of(case).emb_index)
    if case.dim_reduction is not None and "beta_loss" in intervals:
        exact = Oracle().gradients(case, np.zeros_like(case.x)).losses_to_emb_space["beta_loss"]
        error = reduced_beta_gradient_error(case)
        intervals["beta_loss"] = Interval(exact - error, exact + error)
    return intervals


def commitment_gradient_to_x(case: Case) -> tuple[Array, Array]:
    """Return the gradient of the commitment-loss by x, and its error; 0 for what does not count."""
    d = case.emb_space.shape[-1]
    found = np.zeros((2, case.x.size // d, d))
    for part in counted(case):
        if len(part.rows) and len(part.vectors):
            pair = commitment_gradient(part.case, result_of(part.case).emb_index)
            found[:, part.vectors] = np.stack([it[:, 0] for it in pair])
    exact, error = found.reshape(2, *case.x.shape)
    return exact, error


def gradient_of_output(case: Case, upstream: NDArray[Any]) -> tuple[NDArray[Any], Array]:
    """Return the gradient of ``sum(layer_out * upstream)`` by x, and the error that it may have."""
    exact = Oracle().gradients(case, upstream).output_to_x
    if case.estimator in ("straight-through", "none"):
        return exact, np.zeros(case.x.shape)
    bounded = {"rotation": rotated, "diveq": projected}[case.estimator]
    d, emb_index = case.emb_space.shape[-1], result_of(case).emb_index.reshape(-1)
    error, splits = np.zeros((case.x.size // d, d)), np.arange(case.x.size // d) % case.num_splits
    for split, codebook in enumerate(codebooks(case)):
        own = splits == split if case.codebooks == "per-split" else slice(None)
        of_split = alone(case, case.x.reshape(-1, d)[own], codebook)
        error[own] = bounded(of_split, emb_index[own], upstream.reshape(-1, 1, d)[own])[1]
    return exact, error.reshape(case.x.shape)
