"""Numbers and arrays as JSON that any parser reads, and back."""

from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

# What a file says about itself, for those who have not read the README.
NUMBERS = (
    "A number is parsed as a double and cast to the dtype beside it, which is exact for float64, float32, float16 and "
    "bfloat16. Those that JSON lacks are the strings 'nan', 'inf' and '-inf'. Arrays are row-major."
)

# From here on a double does not hold every integer.
_WHOLE = 2.0**53

Json = dict[str, Any]


def dtype_of(name: str) -> np.dtype[Any]:
    """Return the dtype of a name; NumPy does not know that of bfloat16."""
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def number(value: Any) -> Any:
    """Return a number as JSON, whole ones without a point.

    Examples
    --------
    >>> [number(value) for value in (2.0, 0.5, -0.0, float("nan"), -float("inf"), True)]
    [2, 0.5, -0.0, 'nan', '-inf', True]
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    value = float(value)
    if not np.isfinite(value):
        return str(value)
    is_whole = value.is_integer() and abs(value) < _WHOLE and (value != 0 or not np.signbit(value))
    return int(value) if is_whole else value


def parsed(value: Any) -> Any:
    """Undo `number`, of a string that is none of its three, too, which it leaves as it is."""
    return float(value) if value in ("nan", "inf", "-inf") else value


def numbers(array: Any) -> list[Any]:
    """Return the numbers of an array, row-major."""
    return [number(value) for value in np.asarray(array).reshape(-1)]


def values(entries: list[Any]) -> NDArray[np.float64]:
    """Undo `numbers`, in one dimension."""
    return np.array([parsed(entry) for entry in entries], np.float64)


def array_as_json(array: NDArray[Any]) -> Json:
    """Return an array as JSON.

    Examples
    --------
    >>> array_as_json(np.array([[1.5, np.inf]], np.float32))
    {'dtype': 'float32', 'shape': [1, 2], 'data': [1.5, 'inf']}
    """
    return {"dtype": array.dtype.name, "shape": list(array.shape), "data": numbers(array)}


def array_of(entry: Json) -> NDArray[Any]:
    """Undo `array_as_json`."""
    return values(entry["data"]).astype(dtype_of(entry["dtype"])).reshape(entry["shape"])
