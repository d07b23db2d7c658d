"""What the pictures of the examples share: an empty figure, rows of digits, and the file."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

BLUE, ORANGE = "#0072B2", "#D55E00"


def plot(x: str, y: str) -> tuple[Figure, Axes]:
    """Return a figure with one plot, whose axes are named."""
    figure = Figure(figsize=(7, 4), dpi=110, layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def rows_of_digits(rows: Mapping[str, NDArray[np.float32]]) -> Figure:
    """Return a figure of rows of digits, each by its name: 64 pixels a digit, in any shape."""
    figure = Figure(figsize=(7, 0.5 * len(rows)), dpi=110, layout="constrained")
    for axes, (name, digits) in zip(figure.subplots(len(rows)), rows.items(), strict=True):
        framed = np.pad(np.reshape(digits, [-1, 8, 8]), [(0, 0), (1, 1), (1, 1)])
        axes.imshow(np.hstack(list(framed)), cmap="gray", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[])
        axes.set_ylabel(name, rotation=0, ha="right", va="center")
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure to a file, in a folder that is made if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
