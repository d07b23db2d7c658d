"""The picture of the first training step and of the later ones by the number of embeddings."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.training import BY_NUMBER
from examples.demo.panels import BLUE, ORANGE, blank, label_axes

COLORS = {"ours": BLUE, "keras.io": ORANGE}


def draw(first_steps: Mapping[str, dict[str, Any]]) -> Figure:
    """Draw the series of first steps by the number of embeddings, which is logarithmic, and so are the later steps."""
    results = [result for name, result in first_steps.items() if name.startswith(BY_NUMBER)]
    figure = blank(12.8, 4.6)
    first, later = figure.subplots(1, 2)
    _plot(first, results, "cpu", 1)
    _plot(later, results, "later", 1e3)
    first.set_ylim(bottom=0)
    later.set_yscale("log")
    embeddings = f"embeddings, for {results[0]['vectors']:,} vectors of {results[0]['d']}"
    label_axes(first, "First training step of a process", embeddings, "seconds of the processor")
    label_axes(later, "Each later step", embeddings, "milliseconds")
    return figure


def _plot(axes: Axes, results: Sequence[dict[str, Any]], which: str, scale: float) -> None:
    axes.set_xscale("log", base=2)
    for name, color in COLORS.items():
        seconds = [scale * result["steps"][name][which] for result in results]
        axes.plot([result["embeddings"] for result in results], seconds, "o-", color=color, label=name)
