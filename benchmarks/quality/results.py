"""All that a run finds, and whether it is what was aimed at."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from benchmarks.quality import digits, grid
from benchmarks.quality.patches import Learned
from benchmarks.verdicts import Verdict

OURS, GRADIENT, MOVING_AVERAGE, NONE = "ours", "keras.io", "moving averages", "no quantization"
KMEANS = "k-means"
MOST_RMS = 3.0
MOST_RMS_OF_GRID = 10.0
LEAST_IN_USE = 0.9
KMEANS_TIMES = 2.0

Verdicts = dict[str, Verdict]


class Results(NamedTuple):
    """All that a run finds.

    Attributes
    ----------
    digits : dict of str to list of digits.Outcome
        Of each quantizer an outcome for each seed.
    patches : dict of int to dict of str to list of Learned
        Of each number of codes, by whom they were learned, an outcome for each seed.
    stages : list of float
        The mean square error of 1, 2, ... stages.
    grid : dict of grid.Setting to grid.Outcome
    seconds : float
        What the run took.
    """

    digits: dict[str, list[digits.Outcome]]
    patches: dict[int, dict[str, list[Learned]]]
    stages: list[float]
    grid: dict[grid.Setting, grid.Outcome]
    seconds: float


def seconds_per_epoch(outcomes: list[digits.Outcome]) -> float:
    """Return the median over the epochs of all seeds, the first left out, in which a model is compiled."""
    return float(np.median([seconds for outcome in outcomes for seconds in outcome.seconds[1:]]))


def mean(name: str, outcomes: list[digits.Outcome] | list[Learned]) -> float:
    """Return the mean of a field over the seeds."""
    return float(np.mean([getattr(outcome, name) for outcome in outcomes]))


def standard_error(*learned: list[Learned]) -> float:
    """Return that of the difference of means of the PSNR; 0 of one seed each.

    Examples
    --------
    >>> outcomes = [[Learned(psnr, 64, 1.0) for psnr in own] for own in ([1.0, 3.0], [4.0, 4.0])]
    >>> round(standard_error(*outcomes), 6)
    1.0
    """
    variances = [np.var([it.psnr for it in own]) / max(len(own) - 1, 1) for own in learned]
    return float(np.sqrt(sum(variances)))


def of_digits(found: dict[str, list[digits.Outcome]]) -> Verdicts:
    """Return the verdicts on ours."""
    own, peer, quick = (found[name] for name in (OURS, MOVING_AVERAGE, GRADIENT))
    return {
        "error": Verdict(mean("error", own) / mean("error", peer), most=1, unit=" × that of moving averages"),
        "codes": Verdict(min(outcome.codes or 0 for outcome in own), least=digits.NUM_EMBEDS),
        "RMS": Verdict(max(outcome.rms for outcome in own), most=MOST_RMS),
        "time": Verdict(seconds_per_epoch(own) / seconds_per_epoch(quick), most=1, unit=" × that of keras.io"),
    }


def of_patches(n: int, found: dict[str, list[Learned]]) -> Verdicts:
    """Return the verdicts on ours with n codes."""
    own, peer = found[OURS], found[KMEANS]
    return {
        "PSNR": Verdict(mean("psnr", own), least=mean("psnr", peer) - 2 * standard_error(own, peer)),
        "codes": Verdict(min(outcome.codes for outcome in own), least=n),
        "time": Verdict(mean("seconds", own) / mean("seconds", peer), most=KMEANS_TIMES, unit=" × that of k-means"),
    }


def of_stages(errors: list[float]) -> Verdicts:
    """Return the verdict on each stage after the first: its error over that of one stage less."""
    return {
        f"{number} stages": Verdict(error / before, most=np.nextafter(1, 0))
        for number, (before, error) in enumerate(pairwise(errors), start=2)
    }


def of_grid(outcome: grid.Outcome) -> Verdicts:
    """Return the verdicts on one setting; NaN is within no bounds."""
    return {
        "loss": Verdict(outcome.loss, most=np.finfo(np.float32).max),
        "RMS": Verdict(outcome.rms, most=MOST_RMS_OF_GRID),
        "in use": Verdict(outcome.codes / outcome.fillable, least=LEAST_IN_USE),
    }


def verdicts(results: Results) -> Verdicts:
    """Return all verdicts, by the table and what is judged."""
    tables = {
        "digits": of_digits(results.digits),
        **{f"{n} codes of patches": of_patches(n, found) for n, found in results.patches.items()},
        "residual": of_stages(results.stages),
        **{f"grid {row}": of_grid(outcome) for row, outcome in enumerate(results.grid.values(), start=1)},
    }
    return {f"{table}, {name}": verdict for table, own in tables.items() for name, verdict in own.items()}
