"""Estimators, codebooks per split, masks, rotations (VQ-3, VQ-19, VQ-20, VQ-21, VQ-27)."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from vq_verify.vectors.asking import gradients, quantize
from vq_verify.vectors.families.arrays import (
    ALL_LOSSES,
    CORNERS,
    DTYPES,
    EXACT_NORMS,
    INF,
    NAN,
    NORMS,
    POINTS,
    case,
    column,
    decimals,
)
from vq_verify.vectors.questions import Of, Question
from vq_verify.vectors.trainings import REPLACES, starts, training, trains

ESTIMATORS = {"straight-through": "VQ-19.2", "none": "VQ-19.3", "rotation": "VQ-27.1", "diveq": "VQ-27.12"}


def questions() -> Iterator[Question]:
    """Return the questions of these clauses."""
    yield from _straight_through()
    yield from _estimators()
    yield from _per_split()
    yield from _masks()
    yield from _rotations()


def _straight_through() -> Iterator[Question]:
    for dtype in DTYPES:
        of = Of(
            f"identity-{dtype}",
            "The gradient of the output by x is the identity; none reaches E.",
            ("VQ-3.1", "VQ-3.2"),
        )
        yield gradients(of, case(POINTS, CORNERS, dtype=dtype))
    of = Of("splits", "The same with splits.", ("VQ-3.1", "VQ-3.2"))
    yield gradients(of, case([[[0, 1, 4, 4], [2, 2, 9, 8]]], CORNERS, num_splits=2))
    of = Of("not-finite", "The gradient of a vector that is not finite is as for any vector.", ("VQ-3.1", "VQ-13.7"))
    yield gradients(of, case([[[1, NAN], [INF, 0]], [[2, 1], [0, 0]]], CORNERS))
    of = Of("empty", "Of an empty batch.", ("VQ-3.1",))
    yield gradients(of, case(np.zeros((0, 2, 2)), CORNERS))


def _estimators() -> Iterator[Question]:
    x, emb_space = decimals(2, 2, 3, seed=41), decimals(4, 3, seed=42)
    for estimator, sentence in ESTIMATORS.items():
        mixed = case(x, emb_space, exact=False, estimator=estimator, weights=ALL_LOSSES)
        of = Of(f"value-{estimator}", "No estimator changes a value.", ("VQ-19.1",))
        yield quantize(of, mixed, ("emb_spacing", "distance"))
        of = Of(f"gradient-{estimator}", "What it passes on, and that it changes no gradient of a loss.", (sentence,))
        yield gradients(of, mixed)
        of = Of(f"masked-{estimator}", "A masked vector passes its gradient on as it is.", ("VQ-19.4", "VQ-21.4"))
        masked = case(POINTS, CORNERS, estimator=estimator, mask=np.array([[True, False], [False, True]]))
        yield gradients(of, masked)
        of = Of(
            f"not-finite-{estimator}",
            "A vector that is not finite passes on what any does; under rotations all of it.",
            ("VQ-19.5",),
        )
        yield gradients(of, case([[[1, NAN], [INF, 0]], [[2, 1], [3, 4]]], CORNERS, estimator=estimator))


def _per_split() -> Iterator[Question]:
    x = [[[1, 2, 8, 8], [0, 0, 5, 5]], [[9, 9, 0, 1], [4, 4, 4, 5]]]
    codebooks = [[[0, 0], [4, 5], [9, 8]], [[8, 9], [0, 0], [5, 5]]]
    apart: dict[str, Any] = {"num_splits": 2, "codebooks": "per-split"}
    for p in EXACT_NORMS:
        of = Of(
            f"quantize-{NORMS[p]}",
            "Each split is looked up in its own codebook.",
            ("VQ-20.1", "VQ-20.2", "VQ-20.3", "VQ-20.4", "VQ-20.5"),
        )
        yield quantize(of, case(x, codebooks, p, weights=ALL_LOSSES, **apart))
    of = Of("gradients", "Gradients to E have a first axis of the splits.", ("VQ-20.4", "VQ-20.5"))
    yield gradients(of, case(x, codebooks, weights=ALL_LOSSES, **apart))
    of = Of("quantize-bfloat16", "Of bfloat16.", ("VQ-20.2",))
    yield quantize(of, case(x, codebooks, dtype="bfloat16", **apart))
    of = Of("one-split", "With one split the values are those of the shared codebook.", ("VQ-20.7",))
    yield quantize(of, case(POINTS, [CORNERS], codebooks="per-split", weights=ALL_LOSSES))
    of = Of("three-splits", "Three splits, of one coordinate each.", ("VQ-20.3",))
    yield quantize(
        of, case([[[1, 2, 3]], [[9, 8, 7]]], [[[0], [9]], [[9], [0]], [[3], [8]]], num_splits=3, codebooks="per-split")
    )
    of = Of("not-finite", "What is not finite in one split is no matter for the others.", ("VQ-20.2", "VQ-13.9"))
    broken = np.array(codebooks, np.float32)
    broken[1, 0] = NAN
    yield quantize(of, case([[[1, NAN, 8, 8], [0, 0, 5, 5]]], broken, weights={"alpha_loss": 1.0}, **apart))
    of = Of("training", "Each split gathers and replaces by itself.", ("VQ-20.6",))
    yield training(of, case(x, codebooks, **apart), 1, [trains(np.array(x, np.float32)), REPLACES])
    batch = np.array([*x, [[7, 6, 5, 4], [3, 2, 1, 0]]], np.float32)
    of = Of("first-vectors", "Each split is initialized from its own first vectors.", ("VQ-20.6", "VQ-12.1"))
    yield training(of, case(x, codebooks, **apart), 1, [starts(batch)])
    of = Of("start", "Each split begins with its own first vectors.", ("VQ-20.6", "VQ-12.1"))
    blank = case(x, np.zeros((2, 3, 2)), start="batch", **apart)
    yield training(of, blank, 1, [trains(batch)])


def _masks() -> Iterator[Question]:
    rows = np.array([[True, False], [True, True]])
    for dtype in ("float32", "bfloat16"):
        of = Of(
            f"masked-row-{dtype}",
            "A masked vector comes out as it is, and is otherwise as if it were not there.",
            ("VQ-21.3", "VQ-21.5", "VQ-21.6", "VQ-21.7", "VQ-21.10", "VQ-21.11"),
        )
        yield quantize(of, case(POINTS, CORNERS, dtype=dtype, mask=rows, weights=ALL_LOSSES))
    of = Of("masked-element", "A mask of the batch masks all vectors of an element.", ("VQ-21.1",))
    yield quantize(of, case(POINTS, CORNERS, mask=np.array([False, True]), weights=ALL_LOSSES))
    of = Of("masked-splits", "A masked row is masked in all splits.", ("VQ-21.1", "VQ-21.6"))
    yield quantize(of, case([[[0, 1, 4, 4], [2, 2, 9, 8]]], CORNERS, mask=np.array([[True, False]]), num_splits=2))
    of = Of("masked-not-finite", "A masked vector comes out as it is, even if it is not finite.", ("VQ-21.3",))
    x = [[[1, 1], [NAN, 0]], [[INF, 4], [3, 1.5]]]
    yield quantize(of, case(x, CORNERS, mask=np.array([[True, False], [False, True]]), weights=ALL_LOSSES))
    of = Of("masked-zero-sign", "Bit for bit, with the sign of a zero.", ("VQ-21.3",))
    yield quantize(of, case([[[-0.0, 0.0], [1, 1]]], CORNERS, mask=np.array([[False, True]])))
    of = Of("all-true", "A mask that is True everywhere changes nothing.", ("VQ-21.16",))
    yield quantize(of, case(POINTS, CORNERS, mask=np.ones((2, 2), np.bool_), weights=ALL_LOSSES))
    of = Of("all-masked", "Where all is masked, the losses are those of an empty batch.", ("VQ-21.17",))
    yield quantize(of, case(POINTS, CORNERS, mask=np.zeros((2, 2), np.bool_), weights=ALL_LOSSES))
    of = Of("gradients", "It gets no gradient from a loss, and passes that of the output on.", ("VQ-21.4", "VQ-21.12"))
    yield gradients(of, case(POINTS, [[0, 1], [5, 9], [-3, 3]], mask=rows, weights=ALL_LOSSES))
    of = Of("all-masked-gradients", "Where all is masked, only the Coulomb-loss moves E.", ("VQ-21.12", "VQ-21.17"))
    yield gradients(of, case(POINTS, CORNERS[:3], mask=np.zeros((2, 2), np.bool_), weights=ALL_LOSSES))


def _rotations() -> Iterator[Question]:
    for estimator, sentences in (("rotation", ("VQ-27.1", "VQ-27.2", "VQ-27.11")), ("diveq", ("VQ-27.12", "VQ-27.16"))):
        for dtype in ("float32", "bfloat16"):
            of = Of(f"{estimator}-{dtype}", f"What {estimator} passes on, of decimals.", sentences)
            x = decimals(3, 1, 4, seed=51, dtype=dtype)
            yield gradients(of, case(x, decimals(5, 4, seed=52), dtype=dtype, exact=False, estimator=estimator))
        of = Of(f"{estimator}-splits", "Each split by itself.", sentences[:1])
        yield gradients(of, case([[[0, 1, 4, 4], [2, 1, 9, 8]]], CORNERS, num_splits=2, estimator=estimator))
        of = Of(f"{estimator}-per-split", "With a codebook for each.", (*sentences[:1], "VQ-20.2"))
        apart: dict[str, Any] = {"num_splits": 2, "codebooks": "per-split", "estimator": estimator}
        yield gradients(of, case([[[3, 1, 4, 5]]], [[[2, 2], [9, 9]], [[1, 1], [6, 2]]], **apart))
    turned: dict[str, Any] = {"estimator": "rotation"}
    of = Of("rotation-quarter-turn", "A turn by a right angle, and half the length.", ("VQ-27.1",))
    yield gradients(of, case([[[2, 0]]], [[0, 1]], **turned), np.array([[[3, 5]]], np.float32))
    of = Of(
        "rotation-opposite", "Where e is opposite to x, the reflection that turns one onto the other.", ("VQ-27.3",)
    )
    yield gradients(of, case([[[3, 4]]], [[-3, -4]], **turned), np.array([[[1, 2]]], np.float32))
    of = Of("rotation-one-dimension", "In one dimension it is the sign of x · e, and the scale.", ("VQ-27.4",))
    yield gradients(of, case(column(2, -4, 1), [[-1], [8]], **turned), column(1, 1, 1))
    of = Of("rotation-same-direction", "Where both point the same way, only the scale is left.", ("VQ-27.1",))
    yield gradients(of, case([[[3, 4]]], [[6, 8]], **turned), np.array([[[1, -2]]], np.float32))
    of = Of("rotation-zero-vector", "Where x is 0, the gradient passes on as it is.", ("VQ-27.5",))
    yield gradients(of, case([[[0, 0]]], [[1, 2]], **turned))
    of = Of("rotation-zero-embedding", "Where e is 0, too.", ("VQ-27.5",))
    yield gradients(of, case([[[1, 2]]], [[0, 0]], **turned))
    of = Of("rotation-no-embedding", "Where x found no embedding, too.", ("VQ-27.6",))
    yield gradients(of, case([[[1, 2]]], [[NAN, 0]], **turned))
    for name, factor in (("tiny", 2.0**-80), ("large", 2.0**60)):
        of = Of(f"rotation-{name}", "No square underflows or overflows.", ("VQ-27.8",))
        yield gradients(
            of, case(np.multiply([[[2.0, 1.0]]], factor), np.multiply([[1.0, 2.0]], factor), exact=False, **turned)
        )
    of = Of("rotation-tiny-float64", "No square underflows in float64.", ("VQ-27.8",))
    tiny = np.multiply([[[2.0, 1.0]]], 2.0**-600)
    yield gradients(of, case(tiny, tiny[0, :, ::-1], dtype="float64", exact=False, **turned))
    for dtype in ("float64", "float32"):
        of = Of(
            f"rotation-nearly-opposite-{dtype}",
            "What is nearly opposite is turned all the same.",
            ("VQ-27.10", "VQ-27.9"),
        )
        opposite = case([[[3, 4]]], [[-3, -4.0625]], dtype=dtype, **turned)
        yield gradients(of, opposite, np.array([[[1, 2]]], dtype))
    moved: dict[str, Any] = {"estimator": "diveq"}
    of = Of("diveq-at-the-embedding", "Where x equals e, the gradient passes on as it is.", ("VQ-27.13",))
    yield gradients(of, case([[[4, 0]], [[0, 1]]], CORNERS, **moved))
    of = Of("diveq-one-dimension", "In one dimension nothing is left.", ("VQ-27.12",))
    yield gradients(of, case(column(2, -4, 8), [[-1], [8]], **moved), column(3, -2, 5))
    of = Of(
        "diveq-along-an-axis", "The share along e − x is taken away; none of it reaches E.", ("VQ-27.12", "VQ-27.15")
    )
    yield gradients(of, case([[[1, 2, 3]]], [[5, 2, 3]], **moved), np.array([[[7, 8, 9]]], np.float32))
    of = Of("diveq-no-embedding", "Where x is not finite or found no embedding, it passes on as it is.", ("VQ-27.14",))
    yield gradients(of, case([[[NAN, 2]], [[1, 2]]], [[NAN, 0]], **moved))
