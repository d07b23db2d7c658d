"""Arguments that must be refused, by name (VQ-16, and what VQ-8, VQ-18, VQ-21 and VQ-29 refuse)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from vq_verify.cases import LOSSES, Case, CosineCase, ResidualCase, ScalarCase, Vote
from vq_verify.vectors import arguments
from vq_verify.vectors.encoding import Json, array_as_json
from vq_verify.vectors.families.arrays import INF, NAN
from vq_verify.vectors.questions import Of, Question

X, EMB_SPACE = np.ones((2, 3, 4), np.float32), np.eye(3, 2, dtype=np.float32)
CASE = Case(x=X, emb_space=EMB_SPACE, num_splits=2, weights={})
VOTE = Vote(np.array([0, 1, 1], np.int32), num_classes=2, k=2, majority_threshold=0.5)


def questions() -> Iterator[Question]:
    """Return the questions of the clause."""
    for name, sentence, argument, changes in _wrong():
        yield _refused(name, sentence, argument, "quantize", arguments.of_case(replace(CASE, **changes)))
    for loss, argument in LOSSES.items():
        wrong = arguments.of_case(CASE.weighted(**{loss: NAN}))
        sentence = "VQ-18.7" if loss in ("codebook_loss", "commitment_loss") else "VQ-16.14"
        yield _refused(f"{loss.replace('_', '-')}-nan", sentence, argument, "quantize", wrong)
    for fit in ("pca-batch", "pca-emb-space"):
        for components in (0, 3):
            reduced = replace(CASE, dim_reduction=fit, num_dim_reduction_components=components)
            sentence = "VQ-8.17" if components > 0 else "VQ-16.18"
            name = f"{fit}-{components}-components"
            yield _refused(name, sentence, "num_dim_reduction_components", "quantize", arguments.of_case(reduced))
    for name, sentence, argument, change in _wrong_votes():
        case = CosineCase(x=X, emb_space=EMB_SPACE, num_splits=2, vote=replace(VOTE, **change))
        yield _refused(name, sentence, argument, "quantize_cosine", arguments.of_cosine_case(case))
    for number in (-1, 4):
        wrong = {**arguments.of_training(CASE, number), "steps": [{"do": "training_pass", "x": array_as_json(X)}]}
        yield _refused(f"num-embeds-replaced-{number}", "VQ-16.19", "num_embeds_replaced", "training", wrong)
    staged = ResidualCase(case=CASE, emb_spaces=np.stack([EMB_SPACE, EMB_SPACE]), order=(0, 1))
    for number in (0, 3):
        wrong = {**arguments.of_residual_case(staged), "num_stages": number}
        yield _refused(f"num-stages-{number}", "VQ-28.25", "num_stages", "encode_residual", wrong)
    for name, sentence, levels in _wrong_levels():
        grid = arguments.of_scalar_case(ScalarCase(x=X, levels=levels, num_splits=2))
        yield _refused(name, sentence, "levels", "quantize_scalar", grid)


def _refused(name: str, sentence: str, argument: str, kind: str, given: Json) -> Question:
    of = Of(name, f"Is refused by an error that names {argument}.", (sentence, "VQ-16.2", "VQ-16.3"))
    return Question(*of, "invalid", {"kind": kind, **given}, {"refused": argument})


def _wrong() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    yield "integer-x", "VQ-16.6", "x", {"x": X.astype(np.int32)}
    for number in (0, 3):
        yield f"num-splits-{number}", "VQ-16.12", "num_splits", {"num_splits": number}
    for p in (0.5, -INF, NAN):
        yield f"lookup-ord-{p}", "VQ-16.13", "lookup_ord", {"lookup_ord": p}
    yield "unknown-dim-reduction", "VQ-16.17", "dim_reduction", {"dim_reduction": "pca"}
    yield "integer-mask", "VQ-21.2", "mask", {"mask": np.ones((2, 3), np.int32)}
    yield "mask-of-another-shape", "VQ-21.2", "mask", {"mask": np.ones((3, 2), np.bool_)}


def _wrong_votes() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for k in (0, 4):
        yield f"k-{k}", "VQ-16.21", "k", {"k": k}
    yield "num-classes-0", "VQ-16.22", "num_classes", {"num_classes": 0}
    yield "majority-threshold-nan", "VQ-16.23", "majority_threshold", {"majority_threshold": NAN}
    yield "unknown-representative", "VQ-16.24", "representative", {"representative": "last"}
    yield "floating-labels", "VQ-16.25", "emb_labels", {"emb_labels": VOTE.emb_labels.astype(np.float32)}


def _wrong_levels() -> Iterator[tuple[str, str, tuple[int, ...]]]:
    yield "no-levels", "VQ-29.21", ()
    yield "one-level", "VQ-29.22", (3, 1)
    yield "too-many-levels", "VQ-29.22", (3, 2**16 + 1)
    yield "levels-of-another-number", "VQ-29.24", (3, 3, 3)
