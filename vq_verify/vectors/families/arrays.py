"""The arrays and cases of which the fixed cases are made."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vq_verify.cases import Case
from vq_verify.comparison import comparison_dtype
from vq_verify.vectors.encoding import dtype_of

DTYPES = ("float64", "float32", "float16", "bfloat16")
WIDE_AND_HALF = ("float32", "bfloat16")  # where all that matters of a dtype is whether it has 16 bits
NAN, INF = np.nan, np.inf

# What file names say for a norm.
NORMS = {1: "l1", 2: "l2", INF: "linf", 1.5: "p1.5", 3: "p3"}
EXACT_NORMS = (1, 2, INF)

# Four embeddings and four vectors: each norm has winners of its own, and one vector is an embedding.
CORNERS = [[0, 0], [4, 0], [0, 3], [2.5, 2.5]]
POINTS = [[[1, 1], [4, 0]], [[-2, 4], [3, 1.5]]]

ALL_LOSSES = {
    "alpha_loss": 0.5,
    "beta_loss": 0.25,
    "coulomb_loss": 0.125,
    "codebook_loss": 1.0,
    "commitment_loss": 0.25,
}


def case(
    x: Any, emb_space: Any, lookup_ord: float = 2, dtype: str = "float32", exact: bool = True, **more: Any
) -> Case:
    """Return a case of these numbers, exact under the norms under which it can be; without losses unless it says so."""
    of_x = np.array(x, dtype_of(dtype))
    of_emb_space = np.array(emb_space, comparison_dtype(of_x.dtype))
    exact = exact and lookup_ord in EXACT_NORMS and "dim_reduction" not in more
    arguments = {"weights": {}, **more}
    return Case(x=of_x, emb_space=of_emb_space, lookup_ord=lookup_ord, exact=exact, **arguments)


def column(*numbers: float, dtype: str = "float32") -> NDArray[Any]:
    """Return a batch of vectors of one coordinate, ``[batch, 1, 1]``."""
    return np.array(numbers, dtype_of(dtype)).reshape(-1, 1, 1)


def decimals(*shape: int, seed: int = 0, dtype: str = "float32") -> NDArray[Any]:
    """Return numbers of three decimals from -2 to 2, most of which no dtype holds, by a recurrence of integers."""
    state, found = seed * 7919 + 12345, []
    for _ in range(int(np.prod(shape))):
        state = (1103515245 * state + 12345) % 2**31
        found.append((state >> 8) % 4001 / 1000 - 2)
    return np.array(found, dtype_of(dtype)).reshape(shape)
