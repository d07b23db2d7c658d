"""The tables of a run, for the terminal and as Markdown."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.quality import digits, results
from benchmarks.quality.patches import Learned
from benchmarks.quality.results import OURS, Results, Verdicts, mean
from benchmarks.report import Section, markdown_section
from benchmarks.verdicts import lines, three_digits

ABOUT = """# What the layer learns

`make quality` measures this anew; [README.md](README.md#quality) tells how.

![The error of a VQ-VAE of digits, the codebook of a photograph, residual stages, and a grid of settings](quality.png)
"""
DIGITS_COLUMNS = ("", "test error ×10³", "codes in use", "perplexity", "encoder's RMS", "ms an epoch", "targets")
PATCHES_COLUMNS = ("", "PSNR, dB", "codes in use", "s", "targets")
STAGES_COLUMNS = ("stages", "error ×10³", "of one stage less", "targets")
GRID_COLUMNS = ("", "n", "d", "splits", "batch", "rate", "policy", "by", "loss", "RMS", "in use", "targets")


def sections(found: Results) -> Iterator[Section]:
    """Return the tables."""
    seeds, epochs = len(found.digits[OURS]), len(found.digits[OURS][0].seconds)
    title = f"VQ-VAE of digits, {digits.NUM_EMBEDS} codes: {epochs} epochs, {seeds} seeds"
    judged = {OURS: results.of_digits(found.digits)}
    yield Section(
        title, DIGITS_COLUMNS, [_digits_row(name, own, judged.get(name, {})) for name, own in found.digits.items()]
    )
    for n, learned in found.patches.items():
        judged = {OURS: results.of_patches(n, learned)}
        rows = [_patches_row(name, own, judged.get(name, {})) for name, own in learned.items()]
        yield Section(f"Patches of a photograph, {n} codes", PATCHES_COLUMNS, rows)
    yield Section("Residual stages on the patches", STAGES_COLUMNS, list(_stages_rows(found.stages)))
    yield Section("Grid of settings", GRID_COLUMNS, list(_grid_rows(found)))


def summary(found: Results) -> list[str]:
    """Return in lines how long the run took, and which targets are met."""
    return [f"{found.seconds / 60:.1f} minutes in all", *lines(results.verdicts(found))]


def markdown(found: Results, described: dict[str, Any]) -> str:
    """Return the page."""
    about = "\n".join(f"- {line}" for line in machine.lines(described) + summary(found))
    return "\n\n".join([ABOUT + "\n" + about, *map(markdown_section, sections(found))]) + "\n"


def judgement(verdicts: Verdicts) -> str:
    """Return in words whether all are met.

    Examples
    --------
    >>> from benchmarks.verdicts import Verdict
    >>> judgement({"error": Verdict(2.0, most=3), "time": Verdict(2.0, most=3)})
    'met'
    >>> judgement({"error": Verdict(4.0, most=3), "time": Verdict(2.0, most=3)})
    'missed: error'
    >>> judgement({})
    ''
    """
    missed = [name for name, verdict in verdicts.items() if not verdict.met]
    return f"missed: {', '.join(missed)}" if missed else "met" if verdicts else ""


def spread(values: list[float], digits_shown: int) -> str:
    """Return the mean over the seeds and, of several, the standard deviation.

    Examples
    --------
    >>> spread([1.0, 2.0, 3.0], 2), spread([1.0], 2)
    ('2.00 ±1.00', '1.00')
    """
    deviation = f" ±{np.std(values, ddof=1):.{digits_shown}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits_shown}f}{deviation}"


def _range(values: list[int]) -> str:
    return f"{min(values)}…{max(values)}" if min(values) < max(values) else str(values[0])


def _digits_row(name: str, outcomes: list[digits.Outcome], judged: Verdicts) -> list[str]:
    codes = [outcome.codes for outcome in outcomes if outcome.codes is not None]
    perplexities = [outcome.perplexity for outcome in outcomes if outcome.perplexity is not None]
    return [
        name,
        spread([1e3 * outcome.error for outcome in outcomes], 2),
        _range(codes) if codes else "",
        spread(perplexities, 1) if perplexities else "",
        f"{mean('rms', outcomes):.2f}",
        f"{1e3 * results.seconds_per_epoch(outcomes):.0f}",
        judgement(judged),
    ]


def _patches_row(name: str, learned: list[Learned], judged: Verdicts) -> list[str]:
    return [
        name,
        spread([outcome.psnr for outcome in learned], 2),
        _range([outcome.codes for outcome in learned]),
        f"{mean('seconds', learned):.2f}",
        judgement(judged),
    ]


def _stages_rows(errors: list[float]) -> Iterator[list[str]]:
    judged = results.of_stages(errors)
    for number, error in enumerate(errors, start=1):
        verdict = judged.get(f"{number} stages")
        yield [
            str(number),
            three_digits(1e3 * error),
            f"{verdict.value:.2f}" if verdict else "",
            judgement({"error": verdict} if verdict else {}),
        ]


def _grid_rows(found: Results) -> Iterator[list[str]]:
    for row, (setting, outcome) in enumerate(found.grid.items(), start=1):
        yield [
            str(row),
            f"{setting.n:,}",
            *map(str, (setting.d, setting.num_splits, setting.batch_size)),
            f"{setting.learning_rate:g}",
            setting.policy.removeprefix("mixed_"),
            setting.comparison,
            f"{outcome.loss:.3f}",
            f"{outcome.rms:.2f}",
            f"{outcome.codes:,} of {outcome.fillable:,}",
            judgement(results.of_grid(outcome)),
        ]
