"""NaN and infinities in x and E, and what indices decode to (VQ-13)."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from vq_verify.vectors.asking import decode, gradients, quantize
from vq_verify.vectors.families.arrays import (
    ALL_LOSSES,
    CORNERS,
    DTYPES,
    EXACT_NORMS,
    INF,
    NAN,
    NORMS,
    WIDE_AND_HALF,
    case,
)
from vq_verify.vectors.questions import Of, Question

MIXED: Any = [[[1, 1], [NAN, 0]], [[INF, 2], [3, 1.5]], [[0, -INF], [4, 0]]]
BROKEN: Any = [[NAN, 0], [4, 0], [0, INF], [2.5, 2.5]]


def questions() -> Iterator[Question]:
    """Return the questions of the clause."""
    yield from _vectors()
    yield from _embeddings()
    yield from _decoding()


def _vectors() -> Iterator[Question]:
    sentences = ("VQ-13.1", "VQ-13.2", "VQ-13.3", "VQ-13.4", "VQ-13.9")
    for dtype in WIDE_AND_HALF:
        of = Of(f"vectors-{dtype}", "Vectors that are not finite have NaN distances, index -1 and NaN rows.", sentences)
        yield quantize(of, case(MIXED, CORNERS, dtype=dtype))
    for p in (2, INF):
        of = Of(f"vectors-losses-{NORMS[p]}", "They add to no loss, and the means are over the others.", ("VQ-13.5",))
        yield quantize(of, case(MIXED, CORNERS, p, weights=ALL_LOSSES), ("emb_spacing", "distance"))
    of = Of("all-vectors", "Without a finite vector, the means are 0.", ("VQ-13.6", "VQ-13.2"))
    yield quantize(of, case([[[NAN, 1]], [[0, INF]]], CORNERS, weights=ALL_LOSSES))
    of = Of("splits", "One split of a row may be finite, the other not.", ("VQ-13.3", "VQ-13.9"))
    yield quantize(of, case([[[1, NAN, 4, 4], [2, 2, -INF, 8]]], CORNERS, num_splits=2, weights=ALL_LOSSES))
    for p in EXACT_NORMS:
        of = Of(
            f"gradients-{NORMS[p]}",
            "Gradients to E stay finite, and are those of the finite vectors.",
            ("VQ-13.7", "VQ-13.8", "VQ-7.1"),
        )
        yield gradients(of, case(MIXED, [[0, 1], [5, 9], [-3, 3]], p, weights=ALL_LOSSES))


def _embeddings() -> Iterator[Question]:
    sentences = ("VQ-13.16", "VQ-13.17", "VQ-13.18")
    for dtype in WIDE_AND_HALF:
        of = Of(
            f"embeddings-{dtype}",
            "Embeddings that are not finite are never chosen, and have NaN distances.",
            sentences,
        )
        yield quantize(of, case([[[0, 0], [3, 3]]], BROKEN, dtype=dtype))
    for p in (1, INF):
        of = Of(f"embeddings-losses-{NORMS[p]}", "They add to no loss.", ("VQ-13.22",))
        yield quantize(of, case(MIXED, BROKEN, p, weights=ALL_LOSSES))
    for p in (2, INF):
        of = Of(f"embeddings-gradients-{NORMS[p]}", "They receive no gradient.", ("VQ-13.23",))
        yield gradients(of, case([[[0, 1]], [[7, 3]]], BROKEN, p, weights=ALL_LOSSES))
    of = Of(
        "closest-spacings", "They are nobody's nearest other one; without a finite other one it is 0.", ("VQ-13.24",)
    )
    yield quantize(of, case([[[0, 0]]], [[NAN, 0], [4, 0], [0, INF]], weights={"coulomb_loss": 1.0}))
    for name, broken in (("nan", NAN), ("infinite", INF)):
        of = Of(
            f"no-finite-embedding-{name}", "If no embedding is finite, all indices are -1.", ("VQ-13.25", "VQ-13.6")
        )
        yield quantize(of, case([[[0, 0], [1, 1]]], [[broken, 0], [0, broken]], weights=ALL_LOSSES))
    of = Of("no-finite-embedding-gradients", "Nothing moves then.", ("VQ-13.25", "VQ-13.23"))
    yield gradients(of, case([[[0, 0], [1, 1]]], [[NAN, 0], [0, NAN]], weights=ALL_LOSSES))


def _decoding() -> Iterator[Question]:
    for dtype in DTYPES:
        of = Of(
            f"decode-{dtype}",
            "An index decodes to its row, cast to the dtype of x; -1 to NaN.",
            ("VQ-13.26", "VQ-13.29"),
        )
        rows = case(np.zeros((1, 1, 2)), [[1, 1 + 2**-20], [3, -0.0], [7, 0.5]], dtype=dtype)
        yield decode(of, rows, np.array([[2], [-1], [1], [0]]))
    of = Of("decode-splits-and-axes", "Any axes before that of the splits.", ("VQ-13.26", "VQ-13.29"))
    yield decode(of, case(np.zeros((1, 1, 4)), CORNERS, num_splits=2), np.array([[[3, -1], [0, 1]]]))
