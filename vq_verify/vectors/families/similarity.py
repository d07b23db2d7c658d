"""Cosine similarity and the vote of the most similar (VQ-9, VQ-10)."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from vq_verify.cases import CosineCase, Vote
from vq_verify.comparison import comparison_dtype
from vq_verify.vectors.asking import cosine, cosine_gradients
from vq_verify.vectors.encoding import dtype_of
from vq_verify.vectors.families.arrays import DTYPES, INF, NAN, WIDE_AND_HALF, decimals
from vq_verify.vectors.questions import Of, Question

# Of one coordinate, or of four of one magnitude: their unit vectors, and so all similarities, are exact.
SIGNS: Any = [[1, 1, 1, 1], [1, 1, -1, 1], [2, 2, -2, -2], [-3, -3, -3, -3], [0, 5, 0, 0], [1, -1, 1, -1]]
LOOKED_UP: Any = [[[4, 4, 4, 4], [0.5, 0.5, 0.5, -0.5]], [[-1, -1, 1, 1], [0, 0, -2, 0]]]


def cosine_case(x: Any, emb_space: Any, dtype: str = "float32", **more: Any) -> CosineCase:
    """Return a case of these numbers."""
    of_x = np.array(x, dtype_of(dtype))
    return CosineCase(x=of_x, emb_space=np.array(emb_space, comparison_dtype(of_x.dtype)), **more)


def vote(labels: list[int], k: int, threshold: float = -1, representative: str = "first", dtype: str = "int32") -> Vote:
    """Return a vote among labels of four classes."""
    return Vote(np.array(labels, dtype), 4, k, threshold, representative)


def questions() -> Iterator[Question]:
    """Return the questions of these clauses."""
    yield from _similarities()
    yield from _votes()
    yield from _mapped()
    yield from _not_finite()


def _similarities() -> Iterator[Question]:
    for dtype in DTYPES:
        of = Of(f"exact-{dtype}", "Unit vectors that nothing rounds.", ("VQ-9.1", "VQ-9.4", "VQ-9.6"))
        yield cosine(of, cosine_case(LOOKED_UP, SIGNS, dtype), exact=True)
    for dtype in WIDE_AND_HALF:
        of = Of(f"decimals-{dtype}", "Similarities that round.", ("VQ-9.1", "VQ-9.4", "VQ-9.6"))
        x = decimals(2, 2, 5, seed=21, dtype=dtype)
        yield cosine(of, cosine_case(x, decimals(4, 5, seed=22), dtype))
    of = Of("splits", "The splits are compared one by one; the values are batch-major.", ("VQ-9.6", "VQ-9.1"))
    x = np.reshape(LOOKED_UP, (1, 2, 8))
    yield cosine(of, cosine_case(x, SIGNS, num_splits=2), exact=True)
    of = Of(
        "zero-vector",
        "The similarity of a zero vector is 0 to everything: the first is chosen.",
        ("VQ-9.3", "VQ-9.5"),
    )
    yield cosine(of, cosine_case([[[0, 0, 0, 0], [1, 1, 1, 1]]], SIGNS), exact=True)
    of = Of(
        "zero-embedding", "The similarity to a zero embedding is 0, more than a negative one.", ("VQ-9.3", "VQ-9.4")
    )
    yield cosine(of, cosine_case([[[1, 0]], [[-1, 0]]], [[-1, 0], [0, 0], [-2, 0]]), exact=True)
    of = Of("ties", "The second and the third are equally similar, being multiples of each other.", ("VQ-9.5",))
    yield cosine(of, cosine_case([[[3, 0]]], [[0, 1], [2, 0], [7, 0], [-1, 0]]), exact=True)
    of = Of("opposite", "The most similar may be opposite.", ("VQ-9.4",))
    yield cosine(of, cosine_case([[[1, 0, 0, 0]]], [[-4, 0, 0, 0]]), exact=True)
    for dtype, exponent in (("float32", 100), ("float64", 700)):
        of = Of(f"tiny-and-large-{dtype}", "Lengths do not matter, though squares overflow and underflow.", ("VQ-9.2",))
        x, emb_space = np.multiply(LOOKED_UP, 2.0**-exponent), np.multiply(SIGNS, 2.0**exponent)
        yield cosine(of, cosine_case(x, emb_space, dtype), exact=True)
    of = Of("signs-of-zeros", "A zero comes out with the sign that it has in the embedding.", ("VQ-9.4", "VQ-2.5"))
    yield cosine(of, cosine_case([[[0.0, 1]], [[4, -0.0]]], [[-0.0, 1], [4, -0.0]]), exact=True)
    of = Of("empty-batch", "No vector.", ("VQ-9.6",))
    yield cosine(of, cosine_case(np.zeros((0, 1, 4)), SIGNS), exact=True)
    of = Of("no-gradient", "No gradient reaches x or E.", ("VQ-9.10",))
    yield cosine_gradients(of, cosine_case(LOOKED_UP, SIGNS))
    of = Of("no-vote", "Without a vote the share of vectors that are mapped to themselves is 0.", ("VQ-9.7",))
    yield cosine(of, cosine_case([[[1, 0]]], [[0, 1], [1, 1]]))


# Of the three votes on each vector of LOOKED_UP, the winner has 3, 2 or 1.
LABELS = [0, 0, 0, 1, 0, 2]


def _votes() -> Iterator[Question]:
    ones = [[[1, 1, 1, 1]]]
    for k in (1, 3, 6):
        for representative, sentence in (("first", "VQ-10.6"), ("nearest", "VQ-10.7")):
            of = Of(f"k-{k}-{representative}", f"The {k} most similar of six vote.", ("VQ-10.1", "VQ-10.3", sentence))
            yield cosine(
                of, cosine_case(LOOKED_UP, SIGNS, vote=vote([3, 1, 1, 2, 1, 3], k, representative=representative)), True
            )
    of = Of("k-th-place-tie", "The second and the fifth tie for the second place: the lower index votes.", ("VQ-10.2",))
    yield cosine(of, cosine_case(ones, SIGNS, vote=vote([1, 2, 3, 3, 0, 0], 2, representative="nearest")), True)
    of = Of("tied-votes", "One vote each: the lowest label wins.", ("VQ-10.4",))
    yield cosine(of, cosine_case(ones, SIGNS, vote=vote([3, 2, 1, 0, 1, 0], 2)), True)
    for dtype in ("int32", "int64"):
        of = Of(f"labels-{dtype}", "The label that wins is of the dtype of the labels.", ("VQ-10.5",))
        yield cosine(of, cosine_case(ones, SIGNS, vote=vote(LABELS, 3, dtype=dtype)), True)
    of = Of("first-was-no-voter", "The first bearer of the label represents it, though it had no vote.", ("VQ-10.6",))
    emb_space = [[-1, 0], [1, 0], [1, 0], [0, 1]]
    yield cosine(of, cosine_case([[[1, 0]]], emb_space, vote=vote([1, 1, 1, 0], 2)), True)
    of = Of("nearest-of-the-voters", "The most similar bearer among the k represents it.", ("VQ-10.7",))
    yield cosine(of, cosine_case([[[1, 0]]], emb_space, vote=vote([1, 0, 1, 1], 3, representative="nearest")), True)
    for dtype in WIDE_AND_HALF:
        of = Of(f"vote-of-decimals-{dtype}", "A vote by similarities that round.", ("VQ-10.1", "VQ-10.3"))
        x, others = decimals(3, 2, 5, seed=31, dtype=dtype), decimals(7, 5, seed=32)
        yield cosine(of, cosine_case(x, others, dtype, vote=vote([0, 1, 2, 3, 0, 1, 2], 3, 0.5)))


def _mapped() -> Iterator[Question]:
    for threshold in (0.0, 1 / 3, float(np.nextafter(1 / 3, 1)), 1.0, INF):
        of = Of(
            f"threshold-{threshold:.17g}",
            "A vector is mapped to itself iff fewer votes than the least that reach it.",
            ("VQ-10.8", "VQ-10.9", "VQ-10.10", "VQ-10.11"),
        )
        yield cosine(of, cosine_case(LOOKED_UP, SIGNS, vote=vote(LABELS, 3, threshold)), True)
    of = Of("negative-threshold", "Without a threshold nothing is mapped, and there is no mask.", ("VQ-10.13",))
    yield cosine(of, cosine_case(LOOKED_UP, SIGNS, vote=vote(LABELS, 3)), True)
    for dtype in ("float32", "bfloat16"):
        of = Of(
            f"mapped-gradient-{dtype}",
            "The gradient is the identity for what is mapped to itself, and 0 for all else.",
            ("VQ-10.12",),
        )
        yield cosine_gradients(of, cosine_case(LOOKED_UP, SIGNS, dtype, vote=vote(LABELS, 3, 0.5)))
    of = Of("mapped-splits", "Each split is mapped to itself or not.", ("VQ-10.9", "VQ-10.12"))
    x = np.reshape(LOOKED_UP, (2, 1, 8))
    yield cosine(of, cosine_case(x, SIGNS, num_splits=2, vote=vote(LABELS, 3, 0.5)), True)
    of = Of(
        "mapped-splits-gradient", "Its gradient passes, that of the other split of its row does not.", ("VQ-10.12",)
    )
    yield cosine_gradients(of, cosine_case(x, SIGNS, num_splits=2, vote=vote(LABELS, 3, 0.5)))
    of = Of("mapped-empty", "Of no vectors the share is 0.", ("VQ-10.11",))
    yield cosine(of, cosine_case(np.zeros((0, 1, 4)), SIGNS, vote=vote(LABELS, 3, 0.5)), True)


def _not_finite() -> Iterator[Question]:
    x = [[[1, 1, 1, 1], [NAN, 0, 0, 0]], [[0, INF, 1, 0], [0, 0, -2, 0]]]
    broken = np.array(SIGNS, np.float32)
    broken[[0, 2], [1, 3]] = NAN, INF
    of = Of(
        "cosine-not-finite-vectors",
        "Vectors that are not finite have NaN similarities, index -1 and NaN rows.",
        ("VQ-13.10", "VQ-13.2", "VQ-13.3"),
    )
    yield cosine(of, cosine_case(x, SIGNS), exact=True)
    of = Of(
        "cosine-not-finite-embeddings", "Embeddings that are not finite are never chosen.", ("VQ-13.16", "VQ-13.19")
    )
    yield cosine(of, cosine_case(LOOKED_UP, broken), exact=True)
    of = Of(
        "vote-not-finite-vectors",
        "The label of a vector that is not finite is -1, and it is not mapped to itself.",
        ("VQ-13.11", "VQ-13.12"),
    )
    yield cosine(of, cosine_case(x, SIGNS, vote=vote(LABELS, 3, 1.0)), True)
    of = Of(
        "vote-not-finite-embeddings",
        "Embeddings that are not finite have no vote and represent no label.",
        ("VQ-13.20", "VQ-13.21"),
    )
    yield cosine(of, cosine_case(LOOKED_UP, broken, vote=vote(LABELS, 4, 0.5)), True)
    of = Of("vote-fewer-finite-than-k", "Only four of k = 6 vote; no other fills up the places.", ("VQ-13.20",))
    yield cosine(of, cosine_case(LOOKED_UP, broken, vote=vote([1, 0, 1, 2, 3, 1], 6, 0.5)), True)
    of = Of("vote-first-not-finite", "The first bearer that is finite represents the label.", ("VQ-13.21",))
    yield cosine(of, cosine_case(LOOKED_UP, broken, vote=vote([0, 1, 2, 1, 0, 0], 4)), True)
    of = Of(
        "vote-no-finite-embedding",
        "Without a finite embedding all indices and labels are -1.",
        ("VQ-13.25", "VQ-13.11"),
    )
    yield cosine(of, cosine_case(LOOKED_UP, np.full((6, 4), NAN), vote=vote(LABELS, 2, 0.5)), True)
