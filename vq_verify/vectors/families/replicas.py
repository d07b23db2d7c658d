"""Passes of training that replicas make together (VQ-30)."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from reference.parts.replacement import DeadCodes
from reference.parts.updates import MovingAverage
from vq_verify.vectors.families.arrays import NAN, case, column
from vq_verify.vectors.questions import Of, Question
from vq_verify.vectors.trainings import REPLACES, Step, training, trains

LINE = replace(case(column(0), [[0], [10], [20], [30]]), replicas=True)
PARTS = (column(1, 12, 0), column(33), column(0, 25))
LOSSES = {"alpha_loss": 0.5, "coulomb_loss": 0.25, "codebook_loss": 1.0, "commitment_loss": 0.25}


def together(*parts: np.ndarray, masks: tuple[np.ndarray | None, ...] = ()) -> Step:
    """Return a pass of replicas."""
    return Step("replicas_pass", parts=parts, masks=masks or (None,) * len(parts))


def questions() -> Iterator[Question]:
    """Return the questions of the clause."""
    for number in (2, 3):
        of = Of(
            f"{number}-replicas",
            "They leave what one leaves that has the whole batch.",
            ("VQ-30.1", "VQ-30.2", "VQ-30.7"),
        )
        yield training(of, LINE, 2, [together(*PARTS[:number]), REPLACES])
    of = Of("one-replica", "The whole batch, by one.", ("VQ-30.1",))
    yield training(of, LINE, 2, [trains(np.concatenate(PARTS)), REPLACES])
    of = Of("empty-part", "A part may be empty.", ("VQ-30.1", "VQ-30.7"))
    yield training(of, LINE, 2, [together(PARTS[0], PARTS[0][:0], PARTS[1])])
    of = Of("losses", "The mean of a loss over the replicas is that of the whole batch.", ("VQ-30.5", "VQ-30.6"))
    yield training(of, replace(LINE, weights=LOSSES), 1, [together(*PARTS)])
    of = Of("losses-of-nothing", "Where no vector of any replica counts.", ("VQ-30.5", "VQ-30.6"))
    yield training(of, replace(LINE, weights=LOSSES), 1, [together(column(NAN), column(0)[:0])])
    of = Of("within-a-pass", "What replaces within a pass replaces once, by the inputs of all.", ("VQ-30.1", "VQ-30.2"))
    yield training(of, replace(LINE, every=1), 1, [together(*PARTS), together(*PARTS[1:])])
    of = Of("average", "Embeddings move to the mean of the vectors of all.", ("VQ-30.1",))
    averaged = replace(case(column(0), [[0], [16]]), replicas=True, update=MovingAverage(0.0, 0.0))
    yield training(of, averaged, 1, [together(column(1, 2), column(3, 18, 14), column(2))])
    of = Of("dead-codes", "Dead embeddings become the most distant vectors of all.", ("VQ-30.1",))
    dead = replace(case(column(0), [[0], [99]]), replicas=True, replacement=DeadCodes(0.5, 0.0, "most-distant", 1))
    yield training(of, dead, 1, [together(column(1, 2), column(5, 3))])
    of = Of("start", "A start is made of the whole batch.", ("VQ-30.3",))
    blank = replace(LINE, emb_space=np.zeros((4, 1), np.float32), start="batch")
    yield training(of, blank, 1, [together(column(5, 4), column(3), column(2, 1))])
    of = Of(
        "start-k-means", "One centre is the mean of the vectors of all, without those that are masked.", ("VQ-30.3",)
    )
    one = replace(case(column(0), [[0]]), replicas=True, start="k-means")
    yield training(
        of, one, 1, [together(column(1, 90), column(3, 8), masks=(np.array([True, False]), np.array([True, True])))]
    )
    of = Of("start-one-mask", "A mask may be that of one replica.", ("VQ-30.3", "VQ-21.15"))
    yield training(of, one, 1, [together(column(90, 1), column(8, 3), masks=(np.array([False, True]), None))])
    of = Of("ties", "Of equally distant candidates those of the earlier replica are first.", ("VQ-30.1",))
    yield training(of, LINE, 2, [together(column(11), column(9, 21), column(19))])
    of = Of("masked", "What a mask leaves out of one part is left out of all.", ("VQ-30.1", "VQ-21.14"))
    masks = (np.array([True, False, True]), np.array([True]))
    yield training(of, LINE, 2, [together(PARTS[0], PARTS[1], masks=masks)])
