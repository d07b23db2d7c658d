"""Lookups in a space of principal components, of which the spectrum leaves no doubt (VQ-8)."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from vq_verify.cases import CosineCase
from vq_verify.vectors.asking import cosine, gradients, quantize
from vq_verify.vectors.families.arrays import EXACT_NORMS, NAN, NORMS, case
from vq_verify.vectors.families.training import pca_training
from vq_verify.vectors.questions import Of, Question

# The rows spread along the first axis most, along the second less, hardly along the third; so does the batch.
FITTED: Any = [[0, 0, 0.25], [8, 1, 0], [-8, 1, 0], [1, -3, 0.5], [16, 2, 0.25], [3, 5, -0.5]]
BATCH: Any = [[[1, 0.5, 2]], [[-7, -2, 9]], [[15, 4, -8]], [[2, 4, 3]]]
WEIGHTS = {"alpha_loss": 0.5, "beta_loss": 0.25, "coulomb_loss": 0.125}


def questions() -> Iterator[Question]:
    """Return the questions of the clause."""
    for fit, sentence in (("pca-batch", "VQ-8.1"), ("pca-emb-space", "VQ-8.2")):
        reduced = _in_space(fit, 2)
        for components, p in ((1, 2), *((2, p) for p in EXACT_NORMS)):
            of = Of(
                f"{fit}-{components}-of-3-{NORMS[p]}",
                "Distances in the space of the first axes; output, alpha and spacings in the full one.",
                (sentence, "VQ-8.4", "VQ-8.5", "VQ-8.8", "VQ-8.9", "VQ-8.12", "VQ-8.13", "VQ-8.14"),
            )
            yield quantize(of, case(BATCH, FITTED, p, **_in_space(fit, components)), ("emb_spacing",))
        for dtype in ("float64", "float16"):
            of = Of(f"{fit}-{dtype}", f"The same of {dtype} under L2, in two dimensions.", (sentence, "VQ-8.8"))
            yield quantize(of, case(BATCH, FITTED, 2, dtype, **reduced), ("emb_spacing",))
        of = Of(
            f"{fit}-gradients",
            "Mean and axes are constants under differentiation.",
            ("VQ-8.16", "VQ-8.9", "VQ-8.13"),
        )
        yield gradients(of, case(BATCH, FITTED, dtype="float64", **reduced))
        of = Of(
            f"{fit}-not-finite",
            "Rows and vectors that are not finite are left out of the fit.",
            ("VQ-8.3", "VQ-13.13"),
        )
        x, broken = np.array([*BATCH, [[NAN, 900, 0]]]), [*FITTED, [0, 500, NAN]]
        yield quantize(of, case(x, broken, **reduced), ("emb_spacing",))
        of = Of(f"{fit}-masked", "Vectors that are masked are left out of the fit.", ("VQ-21.13", "VQ-8.1"))
        x = np.array([*BATCH, [[0, 900, 0]]])
        mask = np.array([True] * len(BATCH) + [False])
        yield quantize(of, case(x, broken, mask=mask, **reduced), ("emb_spacing",))
        of = Of(f"{fit}-cosine", "Similarities of projections.", ("VQ-8.10", "VQ-8.4"))
        x = np.array(BATCH, np.float64)
        emb_space = np.array(FITTED, np.float64)
        yield cosine(of, CosineCase(x=x, emb_space=emb_space, dim_reduction=fit, num_dim_reduction_components=2))
    of = Of("null-axis", "All rows lie on a line: the second axis is null, and projections on it are 0.", ("VQ-8.6",))
    line = np.array([[0, 0], [1, 1], [4, 4], [9, 9]], np.float32)
    fitted: dict[str, Any] = {"dim_reduction": "pca-emb-space", "num_dim_reduction_components": 2}
    yield quantize(of, case([[[0, 4]], [[8, 7]]], line, dtype="float64", **fitted))
    of = Of("null-axis-within-rounding", "An axis that float32 rounding may have made is null, too.", ("VQ-8.6",))
    almost = [[0, 0], [2.0**20, 0.4375], [2.0**21, 0], [2.0**22, 0.4375]]
    yield quantize(of, case([[[2.0**21, 2.0**18]], [[0, 2.0**18]]], almost, **fitted), ("emb_spacing",))
    of = Of(
        "equal-in-the-full-space",
        "A vector that is an embedding is at distance 0 in the reduced space.",
        ("VQ-2.6", "VQ-8.8"),
    )
    yield quantize(
        of,
        case(np.array(FITTED)[:, np.newaxis], FITTED, **{**fitted, "num_dim_reduction_components": 1}),
        ("emb_spacing",),
    )
    yield pca_training()


def _in_space(fit: str, components: int) -> dict[str, Any]:
    return {"dim_reduction": fit, "num_dim_reduction_components": components, "weights": WEIGHTS}
