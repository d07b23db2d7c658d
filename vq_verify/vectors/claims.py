"""What a file says of one array of an answer: a value, with the error that it may have, bounds, or sets of indices."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vq_verify.comparison import Interval
from vq_verify.vectors.encoding import Json, dtype_of, number, numbers, values


def exactly(value: Any, dtype: Any = None, bits: bool = False) -> Json:
    """Claim a value, rounded to the dtype; with `bits`, the dtype and the signs of zeros, too."""
    rounded = np.asarray(value).astype(dtype or np.asarray(value).dtype)
    claim = {"dtype": rounded.dtype.name, "shape": list(rounded.shape), "value": numbers(rounded)}
    return {**claim, "bits": True} if bits else claim


def within(value: Any, error: Any, dtype: Any) -> Json:
    """Claim a value within an error; where all errors are 0, exactly the value rounded to the dtype."""
    value = np.asarray(value, np.float64)
    error = np.where(np.isfinite(value), np.broadcast_to(error, value.shape), 0)
    if not error.any():
        return exactly(value, dtype)
    bounds = [_rounded_up(it) for it in error.reshape(-1)]
    claim = {"dtype": np.dtype(dtype).name, "shape": list(value.shape), "value": numbers(value)}
    return {**claim, "within": bounds}


def between(interval: Interval, dtype: Any) -> Json:
    """Claim a value from the lower to the upper bound, both included."""
    low, high = interval
    ends = {"from": numbers(low), "to": numbers(high)}
    return {"dtype": np.dtype(dtype).name, "shape": list(np.shape(low)), **ends}


def one_of(sets: Sequence[Sequence[int]], shape: tuple[int, ...]) -> Json:
    """Claim for each place one of some integers; where each has one alone, that."""
    if all(len(it) == 1 for it in sets):
        return exactly(np.array([it[0] for it in sets], np.int64).reshape(shape))
    return {"dtype": "int64", "shape": list(shape), "one_of": [[int(j) for j in it] for it in sets]}


def _rounded_up(error: float) -> Any:
    """Return an error to three digits, not below it: more would say nothing."""
    rounded = float(f"{error:.2e}")
    return number(rounded if rounded >= error else float(f"{error * 1.005:.2e}"))


def fault(claim: Json, answer: Any) -> str:
    """Return what is wrong with an answer, in words; nothing if nothing is.

    Examples
    --------
    >>> fault(exactly(np.array([1.0, np.nan])), np.array([1.0, np.nan]))
    ''
    >>> fault(within([1.0], [0.5], "float64"), np.array([2.0]))
    '2.0 at 0, not within 0.5 of 1.0'
    """
    answer = np.asarray(answer)
    dtype = dtype_of(claim["dtype"])
    if list(answer.shape) != claim["shape"]:
        return f"the shape {list(answer.shape)}, not {claim['shape']}"
    if claim.get("bits") and answer.dtype != dtype:
        return f"the dtype {answer.dtype.name}, not {dtype.name}"
    given = answer.astype(dtype).astype(np.float64).reshape(-1)
    if "one_of" in claim:
        others = [i for i, choices in enumerate(claim["one_of"]) if given[i] not in choices]
        return f"{given[others[0]]:.0f} at {others[0]}, none of {claim['one_of'][others[0]]}" if others else ""
    if "from" in claim:
        low, high = values(claim["from"]), values(claim["to"])
        return _first(~((low <= given) & (given <= high)), given, lambda i: f"not from {low[i]} to {high[i]}")
    value, bound = values(claim["value"]), np.zeros(len(given))
    if "within" in claim:
        bound = values(claim["within"])
    if wrong := _first(~_agrees(value, bound, given), given, lambda i: f"not within {bound[i]} of {value[i]}"):
        return wrong
    other_sign = (np.signbit(value) != np.signbit(given)) & ~np.isnan(value) & claim.get("bits", False)
    return _first(other_sign, given, lambda i: f"not {value[i]}, by the sign")


def _agrees(value: NDArray[Any], bound: NDArray[Any], given: NDArray[Any]) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):  # inf - inf
        near = np.abs(given - value) <= bound
    return np.asarray(near | (given == value) | (np.isnan(value) & np.isnan(given)))


def _first(wrong: NDArray[np.bool_], given: NDArray[Any], rule: Any) -> str:
    places = np.flatnonzero(wrong)
    return f"{given[places[0]]} at {places[0]}, {rule(places[0])}" if len(places) else ""
