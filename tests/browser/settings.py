"""Settings of the playground: vectors and embeddings in the plane, and what else its mathematics is given."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

MIXTURES = (
    ("as it is",),
    ("as it is", "as it is", "zero", "copy"),
    ("as it is", "as it is", "copy", "not finite"),
    ("as it is", "not finite", "not finite", "not finite"),
)
LOSSES = ("alpha", "beta", "coulomb", "codebook", "commitment")


@st.composite
def settings(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a setting: on a small grid, where distances are exact, or Gaussian."""
    n, m = draw(st.one_of(st.integers(1, 8), st.just(17))), draw(st.integers(1, 12))
    number = draw(st.integers(1, n))
    rng, exact = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.booleans())
    rows = _grid(draw, n + m) if exact else rng.normal(size=(n + m, 2))
    rows = _fated(draw, rows)
    return {
        "exact": exact,
        "codebook": rows[:n],
        "vectors": rows[n:],
        "comparison": draw(st.sampled_from(["l1", "l2", "linf", "cosine"])),
        "weights": {name: draw(st.sampled_from([0.0, 0.25, 1.0, -2.0])) for name in LOSSES},
        "rate": draw(st.sampled_from([0.0, 0.5, 3.0])),
        "upstream": rng.normal(size=(m, 2)),
        "averageCounts": rng.integers(0, 4, n).astype(float),
        "decay": draw(st.sampled_from([0.0, 0.5, 0.99])),
        "epsilon": draw(st.sampled_from([0.0, 1e-5])),
        "usage": rng.integers(0, 4, n),
        "stored": _stored(draw)[:number],
        "number": number,
        "shares": rng.choice([0.0, 0.03, 0.06, 1.0, 2.0], n),
        "fraction": 0.05,
        "keys": 1 - np.random.default_rng([0, 0]).random(m),  # those that `DeadCodes` draws in its first pass
        "shareDecay": draw(st.sampled_from([0.0, 0.5, 0.95])),
        "draws": rng.random(n),
        "order": rng.permutation(m),
        "iterations": draw(st.integers(0, 5)),
    }


def _grid(draw: st.DrawFn, count: int) -> np.ndarray:
    coordinates = draw(st.lists(st.integers(-3, 3), min_size=2 * count, max_size=2 * count))
    return np.array(coordinates, float).reshape(count, 2) / 4


def _fated(draw: st.DrawFn, rows: np.ndarray) -> np.ndarray:
    """Make some rows zero, equal to others, or not finite."""
    mixture = st.sampled_from(draw(st.sampled_from(MIXTURES)))
    for i, fate in enumerate(draw(st.lists(mixture, min_size=len(rows), max_size=len(rows)))):
        if fate == "zero":
            rows[i] = 0
        if fate == "copy":
            rows[i] = rows[draw(st.integers(0, len(rows) - 1))]
        if fate == "not finite":
            rows[i, draw(st.integers(0, 1))] = draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    return rows


def _stored(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw candidates of passes before, the most distant first."""
    keys = sorted(draw(st.lists(st.sampled_from([0.25, 0.5, 5.0]), max_size=2)), reverse=True)
    return [{"key": key, "vector": [key, float(i)]} for i, key in enumerate(keys)]
