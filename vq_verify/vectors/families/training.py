"""Trainings that replace, start and average (VQ-11, VQ-12, VQ-17, VQ-22 to VQ-26)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from reference.parts.replacement import DeadCodes
from reference.parts.updates import MovingAverage
from vq_verify.vectors.families.arrays import INF, NAN, NORMS, case, column
from vq_verify.vectors.questions import Of, Question
from vq_verify.vectors.trainings import REPLACES, infers, starts, training, trains

LINE = case(column(0), [[0], [10], [20], [30]])  # four embeddings in one dimension
FIRST, SECOND = column(1, 12, 0, 0, 25), column(0, 33, 10)


def questions() -> Iterator[Question]:
    """Return the questions of these clauses."""
    yield from _replacement()
    yield from _initialization()
    yield from _order_of_a_pass()
    yield from _within_a_pass()
    yield from _averages()
    yield from _starts()
    yield from _dead_codes()


def pca_training() -> Question:
    """Return a training in a reduced space: along the first axis the inputs are 2 and 6 from the nearest embedding."""
    fitted: dict[str, Any] = {"dim_reduction": "pca-emb-space", "num_dim_reduction_components": 1}
    reduced = case([[[2, 100]], [[10, 0]]], [[0, 0], [4, 0]], dtype="float64", **fitted)
    of = Of(
        "replacement", "Inputs are distant in the reduced space, and stored in the full one.", ("VQ-8.11", "VQ-8.15")
    )
    return training(of, reduced, 1, [trains(reduced.x), REPLACES])


def _replacement() -> Iterator[Question]:
    for p in (1, INF):
        plane = case([[[0, 0]]], [[0, 0], [8, 0], [0, 8]], p)
        steps = [trains(np.array(x, np.float32)) for x in ([[[3, 4]], [[9, 0]]], [[[0, 1]], [[16, 15]], [[8, 6]]])]
        of = Of(
            f"gathers-{NORMS[p]}",
            "Usage adds up, and the most distant inputs of all passes are kept.",
            ("VQ-11.2", "VQ-11.3"),
        )
        yield training(of, plane, 2, [*steps, REPLACES])
    of = Of(
        "begins-with-nothing", "All state is 0 at first; an inference pass changes nothing.", ("VQ-11.1", "VQ-11.5")
    )
    yield training(of, LINE, 2, [infers(FIRST), trains(SECOND), infers(FIRST)])
    of = Of(
        "ties-of-distance",
        "Of equally distant inputs the earlier is first, and those stored before a batch are.",
        ("VQ-11.4",),
    )
    yield training(of, LINE, 3, [trains(column(11, 2, 9)), trains(column(22, 1, 32)), trains(column(3))])
    of = Of(
        "replaces-the-least-used",
        "The most distant input replaces the least used embedding; ties to the lower index.",
        ("VQ-11.6", "VQ-11.7", "VQ-11.8"),
    )
    yield training(of, LINE, 2, [trains(FIRST), trains(SECOND), REPLACES, trains(FIRST)])
    of = Of("equal-inputs", "An input that equals an earlier slot is skipped, and uses up no embedding.", ("VQ-11.9",))
    yield training(of, LINE, 3, [trains(column(36, 36, 12)), REPLACES])
    of = Of("known-inputs", "An input that is a row of E by now is skipped.", ("VQ-11.9",))
    yield training(of, LINE, 2, [trains(column(12, 15)), starts(column(12, 1, 2, 3)), REPLACES])
    of = Of(
        "nothing-distant",
        "Slots of distance 0 are skipped; replacing twice changes nothing.",
        ("VQ-11.9", "VQ-11.8"),
    )
    yield training(of, LINE, 2, [trains(column(0, 10)), REPLACES, REPLACES])
    of = Of("empty-slots", "Slots that hold nothing are skipped, though no embedding is 0.", ("VQ-11.9",))
    yield training(of, case(column(0), [[5], [15], [25]]), 3, [trains(column(17)), REPLACES])
    of = Of(
        "more-slots-than-inputs", "All embeddings may be replaced, and slots may stay empty.", ("VQ-11.1", "VQ-11.3")
    )
    yield training(of, LINE, 4, [trains(column(12)), REPLACES])
    of = Of("splits", "Each split is an input of its own, row-major.", ("VQ-11.3", "VQ-1.3"))
    wide = case([[[0, 0, 0, 0]]], [[0, 0], [8, 8]], num_splits=2)
    yield training(of, wide, 2, [trains(np.array([[[1, 0, 8, 9]], [[3, 0, 5, 8]]], np.float32)), REPLACES])
    of = Of("usage-beyond-half-types", "Usage is counted beyond what float16 can.", ("VQ-11.2", "VQ-14.5"))
    half = case(column(0), [[1], [5]], dtype="float16")
    yield training(of, half, 1, [trains(np.ones((1, 1025, 1), np.float16))] * 3)
    of = Of("precision-of-e", "Replacing leaves the other embeddings in the precision of E.", ("VQ-11.6", "VQ-14.3"))
    third = case(column(0), np.array([[1 / 3], [0.125]], np.float32), dtype="float16")
    yield training(of, third, 1, [trains(np.array([[[0.375]], [[2.5]], [[0.125]]], np.float16)), REPLACES])
    of = Of("not-finite-inputs", "Vectors that are not finite do not enter the state.", ("VQ-13.14",))
    yield training(of, LINE, 2, [trains(column(NAN, 3, INF)), REPLACES])
    of = Of("masked-inputs", "Masked vectors do not enter the state.", ("VQ-21.14",))
    yield training(of, LINE, 2, [trains(column(3, 300, 12), np.array([True, False, True])), REPLACES])
    of = Of(
        "not-finite-embedding",
        "An embedding that is not finite is never used, and is replaced.",
        ("VQ-13.16", "VQ-11.6"),
    )
    yield training(of, case(column(0), [[0], [NAN], [20]]), 1, [trains(column(3, 20)), REPLACES])
    of = Of("empty-batch", "A pass of an empty batch gathers nothing.", ("VQ-11.2", "VQ-11.3"))
    yield training(of, LINE, 2, [trains(FIRST), trains(FIRST[:0])])


def _initialization() -> Iterator[Question]:
    of = Of("first-vectors", "E becomes the first n vectors of the batch, row-major.", ("VQ-12.1",))
    yield training(of, LINE, 1, [starts(column(5, 4, 3, 2, 1))])
    of = Of("first-vectors-of-splits", "The splits of a row come one after another.", ("VQ-12.1", "VQ-1.3"))
    wide = case([[[0, 0, 0, 0]]], [[0, 0], [8, 8], [9, 9]], num_splits=2)
    yield training(of, wide, 1, [starts(np.arange(8, dtype=np.float32).reshape(1, 2, 4))])
    of = Of("too-few-vectors", "Fewer than n vectors are refused, and E stays.", ("VQ-12.2", "VQ-12.3"))
    yield training(of, LINE, 1, [trains(FIRST), starts(column(1, 2, 3), is_refused=True)])
    of = Of(
        "not-finite-among-the-first",
        "One that is not finite among them is refused, and E stays.",
        ("VQ-12.2", "VQ-12.3", "VQ-13.15"),
    )
    yield training(of, LINE, 1, [starts(column(1, NAN, 3, 4, 5), is_refused=True)])
    of = Of("not-finite-after-the-first", "One after them is not.", ("VQ-12.2",))
    yield training(of, LINE, 1, [starts(column(1, 2, 3, 4, INF))])
    of = Of(
        "start-by-the-first-pass",
        "The first training pass takes E from its batch, no later one does.",
        ("VQ-17.16", "VQ-17.17", "VQ-17.18"),
    )
    blank = replace(LINE, emb_space=np.zeros((4, 1), np.float32), start="batch")
    yield training(of, blank, 1, [infers(FIRST), trains(column(5, 4, 3, 2)), trains(FIRST)])
    of = Of("start-is-zero-before", "E is zero before, and an inference does not start.", ("VQ-12.9", "VQ-17.15"))
    yield training(of, blank, 1, [infers(column(5, 4, 3, 2))])
    of = Of(
        "start-leaves-masked-vectors-out", "The start takes the first n vectors that are not masked.", ("VQ-21.15",)
    )
    yield training(of, blank, 1, [trains(column(9, 5, 4, 3, 2), np.array([False, True, True, True, True]))])
    for dtype in ("float16", "bfloat16"):
        of = Of(f"first-vectors-{dtype}", f"Of {dtype}.", ("VQ-12.1",))
        yield training(of, case(column(0), [[0], [1]], dtype=dtype), 1, [starts(column(0.1, 0.3, dtype=dtype))])


def _order_of_a_pass() -> Iterator[Question]:
    of = Of(
        "lookup-before-update",
        "A pass looks up in the E before its update, and replaces after it.",
        ("VQ-17.13", "VQ-17.14"),
    )
    averaged = replace(LINE, update=MovingAverage(0.5, 0.0), every=1)
    yield training(of, averaged, 1, [trains(column(2, 2, 11, 29))])
    of = Of(
        "inference-changes-nothing",
        "An inference pass leaves out start, statistics, update and replacement.",
        ("VQ-17.15", "VQ-24.7", "VQ-23.5"),
    )
    yield training(of, averaged, 1, [infers(column(2, 2, 11, 39))])
    of = Of(
        "start-lookup-update",
        "The first pass starts, looks up in what it started from, and updates that.",
        ("VQ-17.13",),
    )
    begun = replace(averaged, emb_space=np.zeros((2, 1), np.float32), start="batch", every=None)
    yield training(of, begun, 1, [trains(column(4, 16, 4, 8))])
    for number in (1, 3):
        of = Of(
            f"merged-{number}",
            "Two batches leave what one with both leaves.",
            ("VQ-22.1", "VQ-22.2", "VQ-22.8", "VQ-22.9"),
        )
        yield training(of, LINE, number, [trains(np.concatenate([FIRST, SECOND]))])
        of = Of(f"apart-{number}", "The same vectors in two batches.", ("VQ-22.4", "VQ-22.3", "VQ-22.2"))
        yield training(of, LINE, number, [trains(FIRST), trains(SECOND)])


def _within_a_pass() -> Iterator[Question]:
    for every in (1, 2):
        of = Of(
            f"every-{every}",
            f"Each {every}. pass replaces, with what it gathered itself.",
            ("VQ-23.1", "VQ-23.2", "VQ-23.3", "VQ-23.4"),
        )
        yield training(of, replace(LINE, every=every), 1, [trains(FIRST), trains(SECOND), trains(FIRST)])
    of = Of("nothing-to-write", "A replacement that writes nothing resets all the same.", ("VQ-23.6",))
    yield training(of, replace(LINE, every=1), 1, [trains(column(0, 10, 10))])
    of = Of("inference", "An inference pass neither counts nor replaces.", ("VQ-23.5",))
    yield training(of, replace(LINE, every=2), 1, [trains(FIRST), infers(SECOND), infers(SECOND)])
    of = Of("on-demand-in-between", "A replacement on demand sets the number of passes to 0, too.", ("VQ-23.4",))
    yield training(of, replace(LINE, every=2), 1, [trains(FIRST), REPLACES, trains(SECOND)])
    of = Of("never", "Without `every` no pass replaces.", ("VQ-23.7", "VQ-23.8"))
    yield training(of, LINE, 1, [trains(FIRST), trains(SECOND)])


def _averages() -> Iterator[Question]:
    for decay, epsilon in ((0.5, 0.0), (0.75, 0.25), (0.99, 1e-5), (0.0, 0.0)):
        averaged = replace(LINE, update=MovingAverage(decay, epsilon))
        name = f"decay-{decay}-epsilon-{epsilon}".replace("e-05", "e-5")
        of = Of(
            name,
            "Counts and embeddings move; what nothing chose stays.",
            ("VQ-24.1", "VQ-24.2", "VQ-24.3", "VQ-24.4"),
        )
        yield training(of, averaged, 1, [trains(FIRST), trains(SECOND)])
    halves = replace(LINE, update=MovingAverage(0.5, 0.0))
    for p in (1, INF):
        of = Of(f"mean-under-{NORMS[p]}", "Under any norm it is the mean of the vectors.", ("VQ-24.10",))
        plane = case([[[0, 0]]], [[0, 0], [8, 8]], p, update=MovingAverage(0.5, 0.0))
        yield training(of, plane, 1, [trains(np.array([[[1, 2]], [[3, 0]], [[7, 9]]], np.float32))])
    of = Of("decay-0.5-bfloat16", "Of bfloat16, in the comparison dtype.", ("VQ-24.1", "VQ-24.2"))
    averaged = case(column(0), [[0], [10]], dtype="bfloat16", update=MovingAverage(0.5, 0.0))
    yield training(of, averaged, 1, [trains(column(1, 3, 12, dtype="bfloat16"))])
    of = Of("not-finite-and-masked", "What is not finite or masked adds to no count and no sum.", ("VQ-24.6",))
    yield training(of, halves, 1, [trains(column(1, NAN, 300, 3), np.array([True, True, False, True]))])
    of = Of("inference", "An inference pass changes nothing.", ("VQ-24.7",))
    yield training(of, halves, 1, [infers(FIRST)])
    of = Of(
        "row-that-is-written", "The count of a row that a replacement writes becomes the mean of all.", ("VQ-24.9",)
    )
    yield training(of, halves, 1, [trains(column(2, 2, 20, 42, 38)), REPLACES])
    of = Of("initialized-rows", "So do all of those that a batch initializes.", ("VQ-24.9",))
    yield training(of, halves, 1, [trains(column(2, 2, 20, 40)), starts(column(1, 2, 3, 4))])
    of = Of(
        "far-from-the-origin",
        "An embedding that only vectors equal to it choose does not move at all.",
        ("VQ-24.2",),
    )
    far = case(column(0), [[16777215], [-5]], update=MovingAverage(0.75, 0.25))
    yield training(of, far, 1, [trains(column(16777215, 16777215, 16777215))])


def _starts() -> Iterator[Question]:
    one = replace(case(column(0), [[0]]), start="k-means")
    of = Of("k-means-of-one", "The one centre becomes the mean of the vectors.", ("VQ-25.3", "VQ-25.4"))
    yield training(of, one, 1, [trains(column(1, 3, 8))])
    of = Of("k-means-leaves-out", "Without what is masked or not finite.", ("VQ-25.4", "VQ-21.14"))
    yield training(of, one, 1, [trains(column(1, NAN, 300, 3), np.array([True, True, False, True]))])
    three = replace(case(column(0), [[0], [0], [0]]), start="sample")
    for method in ("sample", "k-means"):
        of = Of(
            f"{method}-of-equal-vectors",
            "Fewer vectors than n: each is taken again and again.",
            ("VQ-25.2" if method == "sample" else "VQ-25.3",),
        )
        yield training(of, replace(three, start=method), 1, [trains(column(7, 7))])
        of = Of(
            f"{method}-of-nothing",
            "A pass without a vector that counts starts nothing; the next does.",
            ("VQ-25.7",),
        )
        steps = [trains(column(NAN, INF)), trains(column(0)[:0]), trains(column(5)), trains(column(6))]
        yield training(of, replace(three, start=method), 1, steps)


def _dead_codes() -> Iterator[Question]:
    def dead(number: int, decay: float = 0.0, every: int | None = 1, fraction: float = 0.5) -> DeadCodes:
        return DeadCodes(fraction, decay, "most-distant", number, every)

    batch = column(0, 0, 0, 0, 0, 0, 1, 101)
    codes = case(batch, [[100], [0], [200]])
    for number in (1, 2, 3):
        of = Of(
            f"number-{number}",
            "The most distant vectors replace the dead, the least share first.",
            ("VQ-26.4", "VQ-26.5", "VQ-26.6", "VQ-26.7"),
        )
        yield training(of, replace(codes, replacement=dead(number)), 1, [trains(batch)])
    of = Of("shares", "Shares move towards the multiples of the even share.", ("VQ-26.1", "VQ-26.2"))
    slow = replace(codes, replacement=dead(1, 0.75, fraction=0.03125))
    yield training(of, slow, 1, [trains(batch), trains(batch[:1]), trains(batch[:0]), trains(batch[6:])])
    of = Of(
        "dies",
        "An embedding that is never chosen dies after so many passes, and is replaced.",
        ("VQ-26.3", "VQ-26.10"),
    )
    two = case(batch, [[0], [900]], replacement=dead(1, 0.5, fraction=0.1875))
    yield training(of, two, 1, [trains(column(0, 1)), trains(column(0, 2)), trains(column(0, 3)), trains(column(0, 3))])
    of = Of("at-the-fraction", "A share at the fraction is not below it.", ("VQ-26.3",))
    at_half = case(batch, [[0], [900]], replacement=dead(1, 0.5, fraction=0.5))
    yield training(of, at_half, 1, [trains(column(0, 1))])
    of = Of("default-number", "At most n / 8, and at least one, where no number is given.", ("VQ-26.5",))
    unnumbered = DeadCodes(0.5, 0.0, "most-distant", None)
    yield training(of, case(batch, [[0], [50], [60]], replacement=unnumbered), 1, [trains(column(5, 9, 0))])
    of = Of("distance-zero", "A vector at distance 0 does not come.", ("VQ-26.7",))
    yield training(of, case(batch, [[3], [50], [60]], replacement=dead(3)), 1, [trains(column(3, 3, 2))])
    of = Of(
        "equal-vectors",
        "A vector that equals one taken before is not taken, and none comes in its place.",
        ("VQ-26.9",),
    )
    yield training(of, case(batch, [[0], [50], [60], [70]], replacement=dead(2)), 1, [trains(column(5, 5, 0, 1))])
    of = Of("not-finite-embedding", "An embedding that is not finite dies, and is replaced.", ("VQ-26.12",))
    yield training(of, case(batch, [[0], [NAN]], replacement=dead(1)), 1, [trains(column(4, 1, 0))])
    of = Of("not-finite-and-masked", "No vector is taken that is not finite or masked.", ("VQ-26.9",))
    masked = trains(column(4, 30, NAN, 0), np.array([True, False, True, True]))
    yield training(of, case(batch, [[0], [100]], replacement=dead(1)), 1, [masked])
    of = Of("on-demand", "Without `every` only `replace_embeds` replaces.", ("VQ-26.11",))
    demanded = case(batch, [[0], [100]], replacement=dead(1, every=None))
    yield training(of, demanded, 1, [trains(column(4, 1, 0)), REPLACES])
    of = Of("every-2", "With `every` = 2 the second pass replaces, by vectors of its own.", ("VQ-26.11", "VQ-26.4"))
    yield training(
        of, case(batch, [[0], [100]], replacement=dead(1, every=2)), 1, [trains(column(4, 0)), trains(column(3, 0))]
    )
    sampled = DeadCodes(0.5, 0.0, "sample", 1)
    of = Of("sample-of-equal-vectors", "All draws give the same: each vector is the same.", ("VQ-26.8",))
    yield training(of, case(batch, [[0], [100]], replacement=sampled), 1, [trains(column(4, 4, 4))])
    of = Of("written-by-a-batch", "Rows that a batch initializes have the share 1 again.", ("VQ-26.10",))
    yield training(of, demanded, 1, [trains(column(4, 1, 0)), starts(column(7, 8))])
