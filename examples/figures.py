"""The picture of the demonstration."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from examples.measures import (
    Quantization,
    access_count,
    bits_per_pixel,
    closest_spacing,
    perplexity,
    psnr,
    reconstruction,
)
from examples.photograph import PATCH_SIZE, to_image

# Of the histograms: the layer's filled, the yardstick's an outline over it.
STYLES = ({"color": "#1b5e8c", "alpha": 0.75, "fill": True}, {"color": "#e07b39", "linewidth": 1.8, "baseline": None})
SIZE = 12.8, 8.8  # inches
DOTS_PER_INCH = 150
GREY = 0.8  # between the tiles, which are pale and dark
TITLE, LABEL, TICK = 14, 12, 11  # points


def draw(image: NDArray[np.float32], patches: NDArray[np.float32], learned: Sequence[Quantization]) -> Figure:
    """Draw the original, and what the first quantization makes of it; its codebook; the use and spacing of all.

    Parameters
    ----------
    image : numpy.ndarray, shape [height, width, 3]
    patches : numpy.ndarray, shape [m, d]
        Those of the image.
    learned : sequence of Quantization
        The layer's, then the yardstick's.
    """
    figure = Figure(figsize=SIZE, dpi=DOTS_PER_INCH, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1)
    photographs, codebook = figure.subfigures(2, height_ratios=[1.12, 1])
    for axes, approximation, title in zip(
        photographs.subplots(1, 2),
        (image, to_image(reconstruction(learned[0]), image.shape)),
        (f"Original: {len(patches):,} patches of {PATCH_SIZE} × {PATCH_SIZE} pixels", _title(patches, learned[0])),
        strict=True,
    ):
        show_image(axes, approximation, title)
    tiles, usage, spacing = codebook.subplots(1, 3)
    show_codebook(tiles, learned[0])
    plot_usage(usage, learned)
    plot_spacing(spacing, learned)
    return figure


def show_image(axes: Axes, image: NDArray[np.float32], title: str) -> None:
    """Show an image with values in 0..1."""
    axes.imshow(np.clip(image, 0, 1))
    axes.set_title(title, fontsize=TITLE)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def show_codebook(axes: Axes, quantization: Quantization) -> None:
    """Show the codes as tiles, the most used first."""
    order = np.argsort(-access_count(quantization), kind="stable")
    show_image(axes, tile(quantization.emb_space[order]), f"Codebook: {len(order)} codes, most used first")
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
    _label(axes, "Usage: how often each code is chosen", "code, ranked by use", "patches (logarithmic)")


def plot_spacing(axes: Axes, learned: Sequence[Quantization]) -> None:
    """Plot how far the codes lie from their nearest other code."""
    spacings = [closest_spacing(quantization.emb_space) for quantization in learned]
    edges = np.linspace(0, np.max(spacings), 25)
    for quantization, spacing, style in zip(learned, spacings, STYLES, strict=True):
        axes.stairs(np.histogram(spacing, edges)[0], edges, label=quantization.name, **style)
    _label(
        axes,
        "Spacing: how far apart the codes lie",
        "L2 distance to the nearest other code\n(pixel values in 0…1)",
        "codes",
    )


def _label(axes: Axes, title: str, x_label: str, y_label: str) -> None:
    axes.set_title(title, fontsize=TITLE)
    axes.set_xlabel(x_label, fontsize=LABEL)
    axes.set_ylabel(y_label, fontsize=LABEL)
    axes.tick_params(labelsize=TICK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.01)
    axes.legend(frameon=False, fontsize=TICK)


def _title(patches: NDArray[np.float32], quantization: Quantization) -> str:
    count = access_count(quantization)
    quality, rate = psnr(patches, reconstruction(quantization)), bits_per_pixel(perplexity(count), PATCH_SIZE)
    return f"From {len(count)} codes: PSNR {quality:.2f} dB at {rate:.2f} bits/pixel"
