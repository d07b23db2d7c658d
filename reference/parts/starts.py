"""How the embedding space starts: from a batch (VQ-12)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference import validation
from reference.non_finite import finite_rows

__all__ = ["FromBatch"]


def first_rows(vectors: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return the first n vectors, row-major, as an embedding space: ``[batch, m, d] -> [n, d]``.

    Raises
    ------
    ValueError
        Where there are fewer than n, or one of them has a NaN or infinite coordinate.

    Examples
    --------
    >>> first_rows(np.arange(8.0).reshape(2, 2, 2), 3)
    array([[0., 1.],
           [2., 3.],
           [4., 5.]])
    """
    rows = vectors.reshape(-1, vectors.shape[-1])[:n]
    if len(rows) < n:
        raise ValueError(f"`x` must hold at least n={n} vectors to initialize from. Received: {len(rows)}")
    if not finite_rows(rows).all():
        raise ValueError(f"the first n={n} vectors of `x` must be finite to initialize from. Received: {rows}")
    return rows


class Start:
    """What the starts have in common: a state, and what a training pass begins with."""

    def initial_state(self, emb_space: NDArray[Any]) -> dict[str, Any]:
        """Return the state before any training pass."""
        raise NotImplementedError

    def begin(self, state: dict[str, Any], vectors: NDArray[np.float64]) -> dict[str, Any]:
        """Return the state with which a training pass begins; `vectors`, ``[..., d]``, are those not masked."""
        raise NotImplementedError


@dataclass(frozen=True)
class FromBatch(Start):
    """Let the first training pass begin with the first n vectors of its batch that are not masked.

    Its state is ``initialized``, a bool.
    """

    method: str = "first"

    def __post_init__(self) -> None:
        validation.check_member("method", self.method, ("first",), " of FromBatch (embedding_initializer)")

    def initial_state(self, emb_space: NDArray[Any]) -> dict[str, Any]:
        """Return the state before any training pass."""
        del emb_space
        return {"initialized": np.array(False)}

    def begin(self, state: dict[str, Any], vectors: NDArray[np.float64]) -> dict[str, Any]:
        """Return the state with which a training pass begins; `vectors`, ``[..., d]``, are those not masked."""
        if state["initialized"]:
            return state
        emb_space = state["emb_space"]
        rows = first_rows(vectors, len(emb_space)).astype(emb_space.dtype)
        return {**state, "emb_space": rows, "initialized": np.array(True)}
