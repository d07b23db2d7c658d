"""The picture of a run."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.quality import results
from benchmarks.quality.results import KMEANS, OURS, Results
from examples.demo.panels import BLUE, ORANGE, blank, label_axes

SIDE_BY_SIDE = 0.35  # the width of a bar, of which two stand side by side


def draw(found: Results) -> Figure:
    """Draw errors of the digits, signal-to-noise ratios of the patches, stages and grid."""
    figure = blank(12.8, 9.2)
    panels = figure.subplots(2, 2)
    _digits(panels[0, 0], found)
    _patches(panels[0, 1], found)
    _stages(panels[1, 0], found)
    _grid(panels[1, 1], found)
    return figure


def _digits(axes: Axes, found: Results) -> None:
    for name, outcomes in found.digits.items():
        color = BLUE if name == OURS else ORANGE
        axes.plot([1e3 * it.error for it in outcomes], [name] * len(outcomes), "o", color=color, alpha=0.6)
    axes.plot([], [], "o", color=BLUE, label=OURS)
    axes.plot([], [], "o", color=ORANGE, label="peers")
    axes.invert_yaxis()
    label_axes(axes, "VQ-VAE of digits: a dot for each seed", "mean square error on the test set, ×10³", "")
    axes.margins(0.05)


def _patches(axes: Axes, found: Results) -> None:
    positions = np.arange(len(found.patches))
    for shift, name, color in ((-0.5, OURS, BLUE), (0.5, KMEANS, ORANGE)):
        heights = [results.mean("psnr", learned[name]) for learned in found.patches.values()]
        bars = axes.bar(positions + shift * SIDE_BY_SIDE, heights, SIDE_BY_SIDE, color=color, label=name)
        axes.bar_label(bars, fmt="%.2f")
    axes.set_xticks(positions, [f"{n} codes" for n in found.patches])
    axes.set_ylim(bottom=18)
    label_axes(axes, "Patches of a photograph, without an encoder", "", "PSNR, dB")


def _stages(axes: Axes, found: Results) -> None:
    axes.plot(
        np.arange(1, len(found.stages) + 1), [1e3 * error for error in found.stages], "o-", color=BLUE, label=OURS
    )
    axes.set_yscale("log")
    label_axes(axes, "Residual stages on the patches", "stages", "mean square error, ×10³")


def _grid(axes: Axes, found: Results) -> None:
    shares = [100 * outcome.codes / outcome.fillable for outcome in found.grid.values()]
    axes.bar(np.arange(1, len(shares) + 1), shares, color=BLUE, label=OURS)
    axes.axhline(100 * results.LEAST_IN_USE, color=ORANGE, label="target")
    label_axes(axes, "Grid of settings: of the codes that the data can fill", "setting", "in use, %")
