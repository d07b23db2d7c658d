"""What the pictures share: sizes, colours and panels."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from examples.demo.measures import Quantization, access_count
from examples.demo.photograph import PATCH_SIZE, to_image

BLUE, ORANGE = "#1b5e8c", "#e07b39"
# Of two histograms: the first filled, the second an outline over it.
STYLES = ({"color": BLUE, "alpha": 0.75, "fill": True}, {"color": ORANGE, "linewidth": 1.8, "baseline": None})
DOTS_PER_INCH = 150
GREY = 0.8  # between the tiles, which are pale and dark
TITLE, LABEL, TICK = 14, 12, 11  # points


def blank(width: float, height: float) -> Figure:
    """Return an empty figure, its sides in inches, that finds room for all that is put on it."""
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1)
    return figure


def show_image(axes: Axes, image: NDArray[np.float32], title: str) -> None:
    """Show an image with values in 0..1."""
    axes.imshow(np.clip(image, 0, 1))
    axes.set_title(title, fontsize=TITLE)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def show_codebook(axes: Axes, quantization: Quantization) -> None:
    """Show the codes as tiles, the most used first; those that are never chosen are pale."""
    count = access_count(quantization)
    order = np.argsort(-count, kind="stable")
    codes = np.clip(quantization.emb_space, 0, 1)
    codes[count == 0] = 0.3 * codes[count == 0] + 0.7  # towards white
    show_image(axes, tile(codes[order]), f"Codebook: {len(order)} codes, most used first")
    axes.set_xlabel(f"each tile a code:\n{PATCH_SIZE} × {PATCH_SIZE} pixels × 3 colours", fontsize=LABEL)


def tile(emb_space: NDArray[np.float32], size: int = PATCH_SIZE) -> NDArray[np.float32]:
    """Lay out the codes as patches in reading order, in a square or nearly so, with grey lines around.

    ``[n, size² · 3] -> [rows · (size + 1) + 1, columns · (size + 1) + 1, 3]``, ``columns = ceil(sqrt(n))``.

    Examples
    --------
    >>> tile(np.zeros([4, 12]), size=2).shape
    (7, 7, 3)
    """
    n = len(emb_space)
    columns = int(np.ceil(np.sqrt(n)))
    rows = -(-n // columns)
    tiles = np.full([rows * columns, size + 1, size + 1, 3], GREY, emb_space.dtype)
    tiles[:n, 1:, 1:] = emb_space.reshape(n, size, size, 3)
    cells = tiles.reshape(len(tiles), -1)
    image = to_image(cells, (rows * (size + 1), columns * (size + 1), 3), size + 1)
    return np.pad(image, [(0, 1), (0, 1), (0, 0)], constant_values=GREY)


def plot_usage(axes: Axes, learned: Sequence[Quantization]) -> None:
    """Plot how many patches each code stands for, ranked."""
    for quantization, style in zip(learned, STYLES, strict=True):
        count = np.sort(access_count(quantization))[::-1]
        axes.stairs(count, np.arange(len(count) + 1) + 0.5, label=quantization.name, **style)
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.8)  # so that a code of a single patch shows
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    label_axes(axes, "Usage: how often each code is chosen", "code, ranked by use", "patches (logarithmic)")


def label_axes(axes: Axes, title: str, x_label: str, y_label: str) -> None:
    """Name a panel, its axes and what is drawn on it."""
    axes.set_title(title, fontsize=TITLE)
    axes.set_xlabel(x_label, fontsize=LABEL)
    axes.set_ylabel(y_label, fontsize=LABEL)
    axes.tick_params(labelsize=TICK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.01)
    axes.legend(frameon=False, fontsize=TICK)
