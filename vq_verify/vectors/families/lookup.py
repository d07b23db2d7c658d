"""Distances, lookups, counts, spacings, dtypes and rounding (VQ-1, VQ-2, VQ-4, VQ-6, VQ-14, VQ-15)."""

from collections.abc import Iterator

import numpy as np

from vq_verify.cases import Case
from vq_verify.vectors.asking import decode, quantize
from vq_verify.vectors.families.arrays import (
    CORNERS,
    DTYPES,
    EXACT_NORMS,
    INF,
    NORMS,
    POINTS,
    WIDE_AND_HALF,
    case,
    column,
    decimals,
)
from vq_verify.vectors.questions import Of, Question

SPACINGS = ("emb_spacing", "emb_closest_spacing")


def questions() -> Iterator[Question]:
    """Return the questions of these clauses."""
    yield from _distances()
    yield from _lookups()
    yield from _counts()
    yield from _spacings()
    yield from _dtypes()
    yield from _rounding()


def _distances() -> Iterator[Question]:
    for p, name in NORMS.items():
        sentence = "VQ-1.2" if p == INF else "VQ-1.1"
        for dtype in DTYPES if p == 2 else ("float32",):
            of = Of(f"{name}-{dtype}", f"Four vectors and four embeddings under {name}.", (sentence, "VQ-1.4"))
            yield quantize(of, case(POINTS, CORNERS, p, dtype))
        of = Of(f"{name}-one-dimension", "In one dimension all norms are the magnitude.", (sentence,))
        yield quantize(of, case([[[3]], [[-1.25]]], [[1], [-4]], p))
        of = Of(f"{name}-decimals-20-dimensions", "Numbers that round, in 20 dimensions.", (sentence, "VQ-1.4"))
        yield quantize(of, case(decimals(2, 1, 20), decimals(3, 20, seed=1), p, exact=False))
    of = Of("p64", "A large order is not that of infinity.", ("VQ-1.1",))
    yield quantize(of, case([[[2, 2, -2]]], [[0, 0, 0], [1, 1, 1.5]], 64))
    x = [[[0, 1, 4, 4], [2, 2, 9, 8]], [[1, 0, 5, 3], [8, 8, 0, 0]]]
    for splits, emb_space in ((2, [[0, 0], [4, 4], [8, 8]]), (4, [[0], [4], [8.5]]), (1, [[0, 0, 4, 4], [8, 8, 0, 0]])):
        of = Of(f"splits-{splits}", "The splits of a row come one after another, then the next row.", ("VQ-1.3",))
        yield quantize(of, case(x, emb_space, num_splits=splits))
    of = Of(
        "three-rows-three-splits",
        "Neither the batch nor the rows nor the splits are as many as another.",
        ("VQ-1.3",),
    )
    yield quantize(of, case(np.arange(2 * 3 * 6).reshape(2, 3, 6) % 7, [[0, 1], [4, 5], [6, 2]], 1, num_splits=3))


def _lookups() -> Iterator[Question]:
    for p in EXACT_NORMS:
        name = NORMS[p]
        of = Of(
            f"{name}-tie",
            "The vector is as far from the second as from the third, and further from the first.",
            ("VQ-2.3",),
        )
        yield quantize(of, case([[[0, 0]]], [[5, 5], [2, 0], [0, 2]], p))
        of = Of(f"{name}-inside", "Each vector is an embedding: at distance 0.", ("VQ-2.6", "VQ-2.1"))
        yield quantize(of, case(np.array(CORNERS)[[3, 0, 2, 1], np.newaxis], CORNERS, p))
    of = Of("duplicates", "The second and the third are bitwise equal, and the nearest.", ("VQ-2.2",))
    yield quantize(of, case([[[3, 1]], [[2, 1]]], [[9, 9], [2, 1], [2, 1], [2, 0]]))
    of = Of("inside-decimals", "Each vector is an embedding that rounds: at distance 0 exactly.", ("VQ-2.6",))
    emb_space = decimals(4, 3, seed=3)
    yield quantize(of, case(emb_space[:, np.newaxis], emb_space, exact=False), SPACINGS)
    of = Of("one-embedding", "With n = 1 it is always chosen.", ("VQ-2.1",))
    yield quantize(of, case([[[5, -3]], [[0, 0]]], [[1, 1]]))
    of = Of("empty-batch", "No vector: empty arrays and no counts.", ("VQ-2.4", "VQ-4.3"))
    yield quantize(of, case(np.zeros((0, 2, 2)), CORNERS))
    for p in EXACT_NORMS:
        of = Of(f"norms-differ-{NORMS[p]}", "Each of three norms has another nearest embedding.", ("VQ-2.1",))
        yield quantize(of, case([[[0, 0, 0]]], [[4, 4, 4], [8, 0, 0], [1.5, 5, 3]], p))
    for dtype in DTYPES:
        of = Of(
            f"rows-{dtype}",
            "What comes out is the row of E, cast to the dtype of x.",
            ("VQ-2.5", "VQ-2.4", "VQ-14.1"),
        )
        yield quantize(
            of, case([[[0.25], [0.75]], [[-1], [9]]], [[1 / 3], [0.1], [1e-3], [-7.7]], dtype=dtype, exact=False)
        )
    for dtype in WIDE_AND_HALF:
        of = Of(f"signs-of-zeros-{dtype}", "A zero comes out with the sign that it has in the embedding.", ("VQ-2.5",))
        yield quantize(of, case([[[0.0, 1], [-0.0, 1], [4, 0]]], [[-0.0, 1], [0, 1], [4, -0.0]], dtype=dtype))
    many = case(column(255, 256.25, 299, 0, 127.75, 300), np.arange(300).reshape(300, 1))
    of = Of("more-than-256-embeddings", "Indices beyond 255, of 300 embeddings.", ("VQ-2.1",))
    yield quantize(of, many, (*SPACINGS, "distance"))
    for name, dtype, exponent in (("float32", "float32", 60), ("float64", "float64", 500)):
        x, emb_space = np.array([[[0.875, 1]], [[0.625, 1]]]), np.array([[-1, -1], [1, 1], [0.5, 1]])
        of = Of(f"large-{name}", "Large numbers, whose squares just do not overflow.", ("VQ-2.1", "VQ-15.1"))
        yield quantize(of, case(x * 2.0**exponent, emb_space * 2.0**exponent, dtype=dtype))
    of = Of("decode-splits", "What indices stand for: rows of E side by side.", ("VQ-13.29",))
    yield decode(of, case(np.zeros((1, 1, 4)), CORNERS, num_splits=2), np.array([[[3, 0], [1, 1]]]))


def _counts() -> Iterator[Question]:
    of = Of("counts", "Two embeddings are chosen, twice and once; two never.", ("VQ-4.1", "VQ-4.3"))
    yield quantize(of, case([[[1, 0], [0, 1]], [[5, 5], [0, 0]]], [[0, 0], [9, 9], [5, 5], [-9, 0]]))
    of = Of("counts-of-splits", "The splits count one by one.", ("VQ-4.1", "VQ-4.3"))
    yield quantize(of, case([[[0, 1, 8, 9, 0, 0]]], [[0, 0], [8, 8]], num_splits=3))
    for dtype in ("float16", "bfloat16"):
        x = np.ones((1, 2051, 1))
        of = Of(f"counts-beyond-{dtype}", f"2,051 of one kind, which {dtype} cannot count.", ("VQ-4.2", "VQ-14.5"))
        yield quantize(of, case(x, [[1], [5]], dtype=dtype), ("distance",))
    of = Of("counts-of-nothing", "Of an empty batch all counts are 0.", ("VQ-4.3",))
    yield quantize(of, case(np.zeros((0, 1, 2)), CORNERS))
    of = Of("counts-without-what-is-not-finite", "A vector with a NaN is not counted.", ("VQ-4.3", "VQ-13.4"))
    yield quantize(of, case([[[1, np.nan], [0, 1]]], CORNERS))


def _spacings() -> Iterator[Question]:
    for p in (*EXACT_NORMS, 3):
        of = Of(
            f"{NORMS[p]}-spacing",
            "All pairs of four embeddings, row-major, and the nearest other one of each.",
            ("VQ-6.1", "VQ-6.2"),
        )
        yield quantize(of, case([[[0, 0]]], [[0, 0], [3, 4], [3, -4], [8, 6]], p))
    of = Of("spacing-decimals", "Spacings that round.", ("VQ-6.1", "VQ-6.2"))
    yield quantize(of, case(decimals(1, 1, 5), decimals(5, 5, seed=2), exact=False))
    of = Of("one-embedding", "With n = 1 there is no pair, and the closest spacing is 0.", ("VQ-6.3",))
    yield quantize(of, case([[[1, 1]]], [[2, 2]]))
    of = Of("two-embeddings", "With n = 2 each is the nearest other one of the other.", ("VQ-6.2",))
    yield quantize(of, case([[[1, 1]]], [[2, 2], [5, 6]]))
    of = Of("duplicates", "Equal embeddings are at distance 0 from each other.", ("VQ-6.2",))
    yield quantize(of, case([[[1, 1]]], [[2, 2], [2, 2], [5, 6]]))


def _dtypes() -> Iterator[Question]:
    for dtype in DTYPES:
        of = Of(
            f"decimals-{dtype}",
            "Numbers that the dtype rounds are compared as it holds them.",
            ("VQ-14.1", "VQ-14.2", "VQ-14.4"),
        )
        x = decimals(2, 2, 4, dtype=dtype)
        yield quantize(of, case(x, decimals(4, 4, seed=5), dtype=dtype, exact=False, weights={"alpha_loss": 1.0}))
    for p in EXACT_NORMS:
        of = Of(
            f"no-overflow-in-half-{NORMS[p]}",
            "Distances of up to 14 · 2^13 do not overflow as float16 would.",
            ("VQ-14.2",),
        )
        yield quantize(of, case([[[3 * 2**13, 2**15]]], [[0, 0], [-3 * 2**13, -(2**15)]], p, dtype="float16"))
    for dtype in ("float16", "bfloat16"):
        of = Of(
            f"{dtype}-keeps-the-precision-of-e",
            "E is not rounded to the dtype of x before it is compared.",
            ("VQ-14.3", "VQ-14.2"),
        )
        yield quantize(of, case([[[1]], [[2]]], [[1 + 2**-12], [1 - 2**-14], [2 + 2**-10]], dtype=dtype))
    of = Of("float64-beyond-float32", "Float64 tells what float32 would round together.", ("VQ-14.2",))
    yield quantize(of, case([[[1 + 2**-40]]], [[1], [1 + 2**-40], [1 + 2**-39]], dtype="float64"))
    of = Of("float32-distances-of-integers", "Distances of float16 vectors are float32.", ("VQ-14.4",))
    yield quantize(of, case([[[1, 2, 3]]], [[0, 0, 0], [2, 2, 2]], dtype="float16"))


def _rounding() -> Iterator[Question]:
    for p in EXACT_NORMS:
        name = NORMS[p]
        of = Of(f"far-from-the-origin-{name}", "Embeddings around 100 map to themselves.", ("VQ-15.1", "VQ-15.3"))
        emb_space = (100 + decimals(12, 8, seed=7) / 128).astype(np.float32)
        yield quantize(of, case(emb_space[:, np.newaxis], emb_space, p, exact=False), (*SPACINGS, "distance"))
        of = Of(
            f"near-tie-{name}",
            "Two embeddings closer to a tie than float32 can tell: either index is right.",
            ("VQ-15.1",),
        )
        x = np.array([[[0.1, 0.2, 0.3]]], np.float32)
        ends = np.array([[0.1, 0.2, 0.3 + 0.7], [0.1, 0.2, 0.3 - 0.7], [3, 3, 3]], np.float32)
        yield quantize(of, case(x, ends, p, exact=False))
    of = Of("very-far-from-the-origin", "Integers around 2^12, one apart: exact.", ("VQ-15.3", "VQ-15.10"))
    emb_space = 4096 + np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 1]])
    yield quantize(of, case(emb_space[:, np.newaxis] + np.array([0, 0, 1]), emb_space))
    for p in (*EXACT_NORMS, 3):
        name = NORMS[p]
        of = Of(f"decimals-8-embeddings-{name}", "Lookups among eight embeddings that round.", ("VQ-15.1", "VQ-15.2"))
        yield quantize(of, case(decimals(3, 2, 4, seed=11), decimals(8, 4, seed=13), p, exact=False), ("emb_spacing",))
    for dtype, large in (("float32", 3e38), ("float64", 1.5e308)):
        of = Of(
            f"overflowing-distances-{dtype}", "Where distances overflow, NaN is not chosen all the same.", ("VQ-15.5",)
        )
        broken = np.array([[np.nan, 0], [large, large]], dtype)
        far = Case(x=np.full((1, 1, 2), -large, dtype), emb_space=broken, weights={})
        yield quantize(of, far, ("distance", *SPACINGS))
