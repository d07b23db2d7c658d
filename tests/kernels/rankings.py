"""Embeddings that make a ranking hard, and what a ranking must be."""

import numpy as np

from vq_verify.comparison import rounding
from vq_verify.comparison.cosine import exact_similarity, similarity_error
from vq_verify.protocol import CosineCase

N, D, ROWS, K = 701, 17, 40, 3
NORMAL = np.random.default_rng(0).standard_normal([N, D]).astype(np.float32)
POWERS = np.random.default_rng(1).integers(-30, 31, [N, 1])
COINS = np.random.default_rng(2).random([N, D]) < 0.5
TWICE = NORMAL[np.random.default_rng(7).permutation(N) // 2]
TWICE[352] = TWICE[0]  # the first that a second block adds
TWICE[398:400] = TWICE[1] + 0.1 * NORMAL[0], TWICE[1]  # a copy in a group that has a better one

EMB_SPACES = {
    "random": NORMAL,
    "all equal": np.tile(NORMAL[:1], [N, 1]),
    "each twice": TWICE,
    "many duplicates": NORMAL[np.random.default_rng(3).integers(0, 30, N)],
    "far from the origin": 100 + np.float32(0.01) * NORMAL,
    "of tiny, common and huge magnitudes": (NORMAL * 10.0**POWERS).astype(np.float32),
    "of squares that overflow": NORMAL * np.float32(3e37),
    "half of them zero": np.where(COINS[:, :1], NORMAL, 0),
    "zeros of both signs": np.where(COINS, np.float32(-0.0), np.float32(0)),
    "not finite": np.where(COINS & COINS[::-1], np.float32(np.inf), NORMAL),
    "two finite": np.where(np.isin(np.arange(N), [3, N - 2])[:, np.newaxis], NORMAL, np.float32(np.nan)),
    "none finite": np.full_like(NORMAL, np.nan),
}


def inputs(emb_space):
    x = np.random.default_rng(4).standard_normal([ROWS, D]).astype(np.float32)
    x[0], x[1], x[2], x[3, 5] = 0, -0.0, np.nan, -np.inf
    x[4] *= np.float32(1e-30)
    x[5] *= np.float32(1e30)
    x[6:20] = np.where(np.isfinite(emb_space[:14]), emb_space[:14], 1)
    x[20] = np.where(np.isfinite(emb_space[398]), emb_space[398], 1)
    return x


def check_ranking(x, emb_space, similarity, index):
    """Check every row against the exact similarities; equal embeddings must be taken by their order."""
    exact = exact_similarity(CosineCase(x=x[:, np.newaxis], emb_space=emb_space))
    error = similarity_error(x.shape[1], rounding(x.dtype))
    _, copies = np.unique(emb_space, axis=0, return_inverse=True)
    copies = copies.reshape(-1)
    for row, values, chosen in zip(exact, similarity, index, strict=True):
        known, found = np.flatnonzero(~np.isnan(row)), chosen >= 0
        count = min(len(chosen), len(known))
        np.testing.assert_array_equal(found, np.arange(len(chosen)) < count)
        np.testing.assert_array_equal(np.isnan(values), ~found)
        _check_order(row, known, values[found], chosen[found], copies, error)


def _check_order(row, known, values, chosen, copies, error):
    assert len(np.unique(chosen)) == len(chosen)
    assert np.isin(chosen, known).all()
    np.testing.assert_allclose(values, row[chosen], rtol=0, atol=error)
    np.testing.assert_array_equal(np.lexsort([chosen, -values]), np.arange(len(chosen)))
    others = np.setdiff1d(known, chosen)
    if len(chosen) and len(others):
        assert row[others].max() <= row[chosen].min() + 2 * error
    for copy in np.unique(copies[chosen]):
        same = np.flatnonzero(copies == copy)
        taken = np.isin(same, chosen)
        assert (taken[:-1] >= taken[1:]).all()
