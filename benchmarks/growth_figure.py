"""The picture of how time and memory grow."""

from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks import verdicts
from examples.demo.panels import BLUE, ORANGE, blank, label_axes

Points = Callable[[dict[str, Any]], tuple[list[float], list[float]]]


def draw(series: Mapping[str, dict[str, Any]]) -> Figure:
    """Draw time and memory over the data against the number of vectors and of embeddings, all logarithmic."""
    sizes = list(dict.fromkeys(result["size"] for result in series.values()))
    figure = blank(12.8, 4.6 * len(sizes))
    for row, size in zip(figure.subplots(len(sizes), 2, squeeze=False), sizes, strict=True):
        grown = {name: result for name, result in series.items() if result["size"] == size}
        timed = {name: result for name, result in grown.items() if "times" in result}
        _plot(row[0], timed, "time", _times)
        _plot(row[1], grown, "memory", _memory)
        label_axes(row[0], f"Time of a lookup by {size}", size, "milliseconds")
        label_axes(row[1], f"Memory over the data by {size}", size, "MB")
        row[1].set_ylim(verdicts.LEAST_MEMORY, 10_000)
    return figure


def _plot(axes: Axes, series: Mapping[str, dict[str, Any]], kind: str, points: Points) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    for (name, result), color in zip(series.items(), (BLUE, ORANGE, "0.4"), strict=False):
        fitted = verdicts.of_series(result)[kind].value
        axes.plot(*points(result), "o-", color=color, label=f"{name.removeprefix('growth-')}, exponent {fitted:.2f}")


def _times(result: dict[str, Any]) -> tuple[list[float], list[float]]:
    return result["sizes"], [1e3 * times["median"] for times in result["times"]]


def _memory(result: dict[str, Any]) -> tuple[list[float], list[float]]:
    return result["memory_sizes"], [max(peak["over_data"], verdicts.LEAST_MEMORY) for peak in result["memory"]]
