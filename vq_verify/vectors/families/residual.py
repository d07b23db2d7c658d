"""Quantization in stages (VQ-28)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from vq_verify.cases import ResidualCase
from vq_verify.comparison import comparison_dtype
from vq_verify.vectors.asking import decode_residual, encode_residual, residual, residual_gradients
from vq_verify.vectors.encoding import dtype_of
from vq_verify.vectors.families.arrays import ALL_LOSSES, INF, NAN, NORMS, case
from vq_verify.vectors.questions import Of, Question
from vq_verify.vectors.trainings import residual_training, trains

X: Any = [[[9, 1], [4, -3]], [[-7, 6], [0.5, 0]]]
COARSE = [[8, 0], [0, 8], [-8, 8], [4, -4]]
FINE = [[1, 1], [-1, 0], [0, 2], [0, -2]]
FINEST = [[0.25, 0], [0, 0.5], [-0.5, 0], [0, 0]]


def staged(
    order: tuple[int, ...] = (0, 1, 2), dtype: str = "float32", p: float = 2, x: Any = X, **more: Any
) -> ResidualCase:
    """Return a case of these stages."""
    spaces = np.array([COARSE, FINE, FINEST][: max(order) + 1], comparison_dtype(dtype_of(dtype)))
    return ResidualCase(case=case(x, spaces[0], p, dtype, **more), emb_spaces=spaces, order=order)


def questions() -> Iterator[Question]:
    """Return the questions of the clause."""
    yield from _quantizations()
    yield from _what_is_missing()
    yield from _codes()
    yield from _trainings()


def _quantizations() -> Iterator[Question]:
    sentences = ("VQ-28.1", "VQ-28.2", "VQ-28.3")
    for dtype in ("float32", "float16", "bfloat16"):
        of = Of(
            f"three-stages-{dtype}", "Each stage quantizes what the ones before it left; the rows add up.", sentences
        )
        yield residual(of, staged(dtype=dtype))
    for p in (2, INF):
        of = Of(
            f"losses-{NORMS[p]}",
            "Losses and counts of a stage are those of what it quantizes.",
            ("VQ-28.5", "VQ-28.1"),
        )
        yield residual(of, staged(p=p, weights=ALL_LOSSES))
    of = Of("one-stage", "One stage alone is its quantizer.", ("VQ-28.4",))
    yield residual(of, staged((0,), weights=ALL_LOSSES))
    of = Of("shared-codebook", "Stages may share a codebook.", ("VQ-28.11", "VQ-28.1"))
    yield residual(of, staged((0, 0), weights=ALL_LOSSES))
    of = Of("splits", "Each split by itself.", ("VQ-28.3", "VQ-28.1"))
    yield residual(of, staged(x=np.reshape(X, (2, 1, 4)), num_splits=2))
    of = Of(
        "inference-without-dropout", "An inference pass uses all stages, with quantizer dropout, too.", ("VQ-28.22",)
    )
    yield residual(of, replace(staged(), quantizer_dropout=True))
    of = Of("rounded-once", "The sum is rounded to the dtype of x once, not at each stage.", ("VQ-28.2",))
    halves = staged((0, 1), "bfloat16", x=[[[1 + 2**-7, 0]]])
    halves.emb_spaces[:, 0] = [1 + 2**-8, 0], [2**-8, 0]
    yield residual(of, halves)
    of = Of("empty-batch", "Of no vectors.", ("VQ-28.3",))
    yield residual(of, staged(x=np.zeros((0, 1, 2)), weights=ALL_LOSSES))
    for dtype in ("float64", "float32"):
        of = Of(
            f"gradients-{dtype}",
            "Those of one estimator, and of the losses of each stage by itself.",
            ("VQ-28.6", "VQ-28.7", "VQ-28.8"),
        )
        yield residual_gradients(of, staged(dtype=dtype, weights=ALL_LOSSES))
    of = Of("gradients-none", "The estimator that passes nothing.", ("VQ-28.6",))
    yield residual_gradients(of, staged(estimator="none", weights={"commitment_loss": 1.0}))


def _what_is_missing() -> Iterator[Question]:
    x = np.array([[[9, 1], [NAN, 0]], [[-7, INF], [0.5, 0]]])
    of = Of("not-finite", "A vector that is not finite comes out as NaN, with index -1 in all stages.", ("VQ-28.13",))
    yield residual(of, staged(x=x, weights=ALL_LOSSES))
    of = Of("masked", "A masked vector comes out as it is, with index -1 in all stages.", ("VQ-28.15",))
    yield residual(of, staged(x=x, mask=np.array([[True, False], [False, True]]), weights=ALL_LOSSES))
    broken = staged()
    broken.emb_spaces[1] = NAN
    of = Of(
        "stage-without-embedding", "A later stage that finds none adds nothing, and the next goes on.", ("VQ-28.14",)
    )
    yield residual(of, broken)
    of = Of("first-stage-without-embedding", "Without an embedding of the first stage, a row of NaN.", ("VQ-28.18",))
    yield decode_residual(of, staged(), np.array([[[-1, 0, 1]], [[1, -1, 2]], [[2, 2, -1]]]))


def _codes() -> Iterator[Question]:
    for number in (1, 3):
        of = Of(f"encode-{number}", f"The indices of the first {number} stages.", ("VQ-28.16",))
        yield encode_residual(of, staged(), number)
        of = Of(f"decode-{number}", "What they stand for: the sum of their rows.", ("VQ-28.17",))
        yield decode_residual(of, staged(), np.array([[[0, 2, 1]], [[3, 1, 0]]])[..., :number])
    of = Of("decode-float16", "The sum is cast to the dtype of x once.", ("VQ-28.17", "VQ-28.2"))
    yield decode_residual(of, staged(dtype="float16"), np.array([[[0, 2, 1]], [[3, 1, 0]]]))


def _trainings() -> Iterator[Question]:
    batches = [np.array(x, np.float32) for x in (X, [[[30, 1], [4, -3]]])]
    of = Of("training", "Each codebook gathers and replaces by what its stage quantizes.", ("VQ-28.5", "VQ-28.9"))
    yield residual_training(of, staged(every=1), 1, [trains(x) for x in batches])
    of = Of(
        "training-shared",
        "The statistics of stages that share a codebook merge, and it is updated once.",
        ("VQ-28.12",),
    )
    yield residual_training(of, staged((0, 0), every=1), 1, [trains(x) for x in batches])
    blank = replace(staged((0, 1)), emb_spaces=np.zeros((2, 4, 2), np.float32))
    blank = replace(blank, case=replace(blank.case, start="batch"))
    of = Of("training-start", "A stage starts from what the ones before it left.", ("VQ-28.10", "VQ-28.9"))
    yield residual_training(of, blank, 1, [trains(x) for x in batches])
    of = Of("training-masked", "Masked vectors enter no statistic.", ("VQ-28.15",))
    yield residual_training(of, staged(), 2, [trains(batches[0], np.array([[True, False], [True, True]]))])
