"""Losses, subgradients, and the square losses (VQ-5, VQ-7, VQ-18)."""

from collections.abc import Iterator

import numpy as np

from vq_verify.vectors.asking import gradients, quantize
from vq_verify.vectors.families.arrays import (
    ALL_LOSSES,
    CORNERS,
    EXACT_NORMS,
    INF,
    NAN,
    NORMS,
    POINTS,
    WIDE_AND_HALF,
    case,
    decimals,
)
from vq_verify.vectors.questions import Of, Question

SENTENCES = {"alpha_loss": "VQ-5.3", "beta_loss": "VQ-5.4", "coulomb_loss": "VQ-5.5"}
SQUARES = {"codebook_loss": ("VQ-18.1", "VQ-18.2"), "commitment_loss": ("VQ-18.3", "VQ-18.4")}
RULES = {1: "VQ-7.2", 2: "VQ-7.3", INF: "VQ-7.4", 1.5: "VQ-7.5", 3: "VQ-7.5"}

# No coordinate of a difference ties with another in magnitude, nor is one 0.
APART = ([[[1, 3]], [[-2, 0.5]], [[6, 7]]], [[0, 1], [5, 9], [-3, 3]])


def questions() -> Iterator[Question]:
    """Return the questions of these clauses."""
    yield from _losses()
    yield from _subgradients()
    yield from _square_losses()


def _losses() -> Iterator[Question]:
    for name, sentence in SENTENCES.items():
        word = name.removesuffix("_loss")
        for p in (*EXACT_NORMS, 3):
            of = Of(f"{word}-{NORMS[p]}", f"The {word}-loss of weight 1/2 alone under {NORMS[p]}.", (sentence,))
            yield quantize(of, case(POINTS, CORNERS, p, weights={name: 0.5}))
        of = Of(f"{word}-gradient", f"The gradient of the {word}-loss under L2 goes to E alone.", (sentence, "VQ-5.10"))
        yield gradients(of, case(*APART, weights={name: 0.5}))
        of = Of(f"{word}-negative", "A negative weight reverses the gradient.", ("VQ-5.9",))
        yield gradients(of, case(*APART, 1, weights={name: -2.0}))
    three = {"alpha_loss": 0.1, "beta_loss": 0.01, "coulomb_loss": 0.001}
    for dtype in ("float64", *WIDE_AND_HALF):
        of = Of(f"three-losses-{dtype}", "All three losses, of decimals.", ("VQ-5.1", "VQ-5.3", "VQ-5.4", "VQ-5.5"))
        few = case(decimals(2, 2, 3, dtype=dtype), decimals(3, 3, seed=1), dtype=dtype, exact=False, weights=three)
        yield quantize(of, few, ("emb_spacing",))
        of = Of(f"gradients-of-three-losses-{dtype}", "Their gradients.", ("VQ-5.3", "VQ-5.4", "VQ-5.5"))
        yield gradients(of, few)
    of = Of("weight-of-zero", "A loss of the weight 0 is absent.", ("VQ-5.2",))
    yield quantize(of, case(POINTS, CORNERS, weights={"alpha_loss": 0, "beta_loss": 0.5, "coulomb_loss": 0}))
    of = Of("no-losses", "Without weights there is no loss.", ("VQ-5.2",))
    yield quantize(of, case(POINTS, CORNERS))
    of = Of("empty-batch", "Of an empty batch alpha- and beta-loss are 0, the Coulomb-loss is not.", ("VQ-5.11",))
    yield quantize(of, case(np.zeros((0, 1, 2)), CORNERS, weights=three))
    of = Of("empty-batch-gradients", "It moves the embeddings by the Coulomb-loss alone.", ("VQ-5.11",))
    yield gradients(of, case(np.zeros((0, 1, 2)), APART[1], weights=three))
    of = Of("one-embedding", "With n = 1 the Coulomb-loss is 0, and so is its gradient.", ("VQ-5.5", "VQ-6.3"))
    yield gradients(of, case([[[1, 2]]], [[0, 4]], weights={"coulomb_loss": 1.0}))


def _subgradients() -> Iterator[Question]:
    weights = {"alpha_loss": 1.0, "beta_loss": 1.0, "coulomb_loss": 1.0}
    for p, norm in NORMS.items():
        of = Of(f"{norm}-apart", f"Where nothing ties, under {norm}.", (RULES[p],))
        yield gradients(of, case(*APART, p, weights=weights))
        of = Of(
            f"{norm}-zero",
            "Where vectors are embeddings and embeddings are equal, all gradients are 0.",
            ("VQ-7.6", "VQ-7.1"),
        )
        yield gradients(of, case([[[1, 2]], [[1, 2]]], [[1, 2], [1, 2]], p, weights=weights))
    of = Of("l2-float64", "In float64, decimals, under l2.", ("VQ-7.3",))
    x = decimals(2, 1, 3, seed=4, dtype="float64")
    yield gradients(of, case(x, decimals(3, 3, seed=6, dtype="float64"), 2, "float64", exact=False, weights=weights))
    of = Of("l1-zero-coordinate", "sign(0) = 0: a coordinate of no difference has no gradient.", ("VQ-7.2",))
    yield gradients(of, case([[[1, 5]], [[0, 2]]], [[1, 2], [9, 9]], 1, weights=weights))
    of = Of("linf-tied-coordinates", "Two coordinates tie for the largest magnitude, and share.", ("VQ-7.4",))
    yield gradients(of, case([[[3, -3, 1]]], [[0, 0, 0], [9, 9, 9]], INF, weights={"alpha_loss": 1.0}))
    of = Of("linf-four-tied-coordinates", "Four share, with the signs of their differences.", ("VQ-7.4",))
    yield gradients(of, case([[[2, -2, 2, -2]]], [[0, 0, 0, 0]], INF, weights={"alpha_loss": 1.0}))
    for p in EXACT_NORMS:
        of = Of(
            f"{NORMS[p]}-tied-minimum",
            "Two embeddings tie for the nearest other one of the first, and share.",
            ("VQ-7.7",),
        )
        emb_space = [[0, 0], [2, 1], [-2, -1], [40, 50]]
        yield gradients(of, case([[[0, 0]]], emb_space, p, weights={"coulomb_loss": 1.0}))


def _square_losses() -> Iterator[Question]:
    for name, sentences in SQUARES.items():
        word = name.removesuffix("_loss")
        of = Of(word, f"The {word}-loss of weight 1/2.", sentences[:1])
        yield quantize(of, case(POINTS, CORNERS, weights={name: 0.5}), ("emb_spacing",))
        for dtype in WIDE_AND_HALF:
            one = case(POINTS, CORNERS, dtype=dtype, weights={name: 0.5})
            yield gradients(Of(f"{word}-gradient-{dtype}", f"The gradient of the {word}-loss.", sentences), one)
        of = Of(f"{word}-linf", "It is of no norm but the square, whatever looks up.", sentences)
        yield gradients(of, case(*APART, INF, weights={name: 1.0}))
        of = Of(f"{word}-splits", "It is the mean over the coordinates of all splits.", ("VQ-18.5", *sentences))
        yield gradients(of, case([[[1, 3, 4, 4], [6, 7, 0, 0]]], APART[1], weights={name: 1.0}, num_splits=2))
        of = Of(
            f"{word}-not-finite",
            "A vector that found no embedding is not in the mean, and gets nothing.",
            ("VQ-18.5", "VQ-18.11"),
        )
        yield gradients(of, case([[[1, 3], [NAN, 1]], [[6, 7], [INF, 0]]], APART[1], weights={name: 1.0}))
        of = Of(f"{word}-empty", "It is 0 of an empty batch.", ("VQ-18.6",))
        yield quantize(of, case(np.zeros((0, 1, 2)), CORNERS, weights={name: 1.0}), ("emb_spacing",))
    of = Of("equal-weights", "With equal weights the two have equal values.", ("VQ-18.12",))
    yield quantize(of, case(*APART, weights={"codebook_loss": 0.75, "commitment_loss": 0.75}))
    of = Of("all-five", "All five losses, in their order.", ("VQ-5.1", "VQ-18.1", "VQ-18.3"))
    yield quantize(of, case(*APART, weights=ALL_LOSSES))
    of = Of("weight-of-zero", "A loss of the weight 0 is absent.", ("VQ-18.8",))
    yield quantize(of, case(*APART, weights={"codebook_loss": 0.0, "commitment_loss": 0.5}))
