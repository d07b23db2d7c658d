"""Vectors that are not finite (VQ-13)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def finite_rows(vectors: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which vectors have only finite coordinates: ``[..., d] -> [...]`` (VQ-13).

    Examples
    --------
    >>> finite_rows(np.array([[1.0, 2.0], [1.0, np.nan], [-np.inf, 2.0]]))
    array([ True, False, False])
    """
    return np.asarray(np.isfinite(vectors).all(axis=-1))
