"""The dtype in which vectors are compared, and that in which they come out (VQ-14, VQ-2)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def comparison_unit_roundoff(x: NDArray[Any]) -> float:
    """Return the unit roundoff of the dtype in which x is compared: that of float64, or else of float32 (VQ-14)."""
    return 2.0**-53 if x.dtype == np.float64 else 2.0**-24


def cast(array: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Return an array in another dtype; what is beyond the range of that becomes infinite (VQ-2).

    Examples
    --------
    >>> cast(np.array([1.0, -1e6]), np.float16)
    array([  1., -inf], dtype=float16)
    """
    with np.errstate(over="ignore"):
        return array.astype(dtype)


def comparison_dtype(dtype: Any) -> np.dtype[Any]:
    """Return the dtype in which inputs of `dtype` are compared: float64 for float64, else float32 (VQ-14)."""
    return np.dtype(np.float64 if dtype == np.float64 else np.float32)
