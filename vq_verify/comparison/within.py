"""Assertions that errors are within their bounds. Each notes the fraction, for the report and for a failure."""

from typing import Any

import numpy as np

from vq_verify.comparison.rounding import Array, distance_error, near_minima, rounding
from vq_verify.protocol import Case
from vq_verify.report.measurements import running


def assert_within(value: Any, exact: Any, bound: Any, what: str) -> None:
    """Assert ``|value - exact| <= bound`` in every place, and note the largest error as a fraction of its bound.

    Parameters
    ----------
    value, exact : array, of one shape
        One that is not a number is off by more than any bound.
    bound : array
        Of a shape that broadcasts to theirs, at least 0.
    what : str
        What is compared, in a word or two.
    """
    value, exact = (np.asarray(array).astype(np.float64) for array in (value, exact))
    assert value.shape == exact.shape, f"{what} has the shape {value.shape}, not {exact.shape}"
    bound = np.broadcast_to(bound, exact.shape)
    with np.errstate(invalid="ignore"):  # inf - inf
        error = np.abs(value - exact)
    fraction = _fraction(error, bound)
    running().note(what, float(fraction.max(initial=0, where=bound > 0)))
    if not (error <= bound).all():
        place = np.unravel_index(np.argmax(np.where(error <= bound, -1, fraction)), exact.shape)
        raise AssertionError(
            f"{what}: {np.sum(~(error <= bound))} of {error.size} are off by more than the bound, worst at "
            f"{tuple(map(int, place))}: {value[place]} for {exact[place]}, off by {error[place]}, "
            f"{fraction[place]:.3g} times the bound {bound[place]}"
        )


def assert_nearest(distance: Array, error: Array, emb_index: Any, what: str) -> None:
    """Assert that each index may be that of the least distance, ``[..., n]``, once each is off by its error (VQ-15).

    What is noted is by how much the chosen distance exceeds the one that may be least, as a fraction of both errors.
    """
    index, least = np.asarray(emb_index)[..., np.newaxis], (distance + error).argmin(axis=-1, keepdims=True)
    (chosen, margin), (lowest, slack) = (
        [np.take_along_axis(array, at, axis=-1)[..., 0] for array in (distance, error)] for at in (index, least)
    )
    fraction = _fraction(np.maximum(chosen - lowest, 0), margin + slack)
    running().note(what, float(fraction.max(initial=0)))
    admitted = (index >= 0)[..., 0] & np.take_along_axis(near_minima(distance, error), index, axis=-1)[..., 0]
    if not admitted.all():
        place = np.unravel_index(np.argmax(np.where(admitted, -1, fraction)), admitted.shape)
        raise AssertionError(
            f"{what}: {np.sum(~admitted)} of {admitted.size} are not nearest, worst at {tuple(map(int, place))}: "
            f"embedding {index[place][0]} is {chosen[place]} off, embedding {least[place][0]} {lowest[place]}; the "
            f"difference is {fraction[place]:.3g} times what is allowed, {(margin + slack)[place]}"
        )


def assert_same_distances(case: Case, value: Any, other: Any) -> None:
    """Assert that distances computed in two ways part by no more than the error of each; not at all if they are exact.

    The order of a sum may depend on the shapes and on the place in them.
    """
    distance = np.asarray(other).astype(np.float64)
    error = distance_error(distance, case.emb_space.shape[1], case.lookup_ord, rounding(case.x.dtype))
    assert_within(value, distance, (0 if case.exact else 2) * error, "distance")


def _fraction(error: Array, bound: Array) -> Array:
    """Return ``error / bound``; infinite where the error is not a number, or above a bound of 0."""
    known = np.where(np.isnan(error), np.inf, error)
    return np.divide(known, bound, out=np.where(known > 0, np.inf, 0.0), where=bound > 0)
