"""The picture of the photograph and its codebook."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from examples.demo.measures import Quantization, access_count, bits_per_pixel, closest_spacing, psnr, reconstruction
from examples.demo.panels import STYLES, blank, label_axes, plot_usage, show_codebook, show_image
from examples.demo.photograph import PATCH_SIZE, to_image
from reference.metrics import perplexity


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
    figure = blank(12.8, 8.8)
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


def plot_spacing(axes: Axes, learned: Sequence[Quantization]) -> None:
    """Plot how far the codes lie from their nearest other code."""
    spacings = [closest_spacing(quantization.emb_space) for quantization in learned]
    edges = np.linspace(0, np.max(spacings), 25)
    for quantization, spacing, style in zip(learned, spacings, STYLES, strict=True):
        axes.stairs(np.histogram(spacing, edges)[0], edges, label=quantization.name, **style)
    label_axes(
        axes,
        "Spacing: how far apart the codes lie",
        "L2 distance to the nearest other code\n(pixel values in 0…1)",
        "codes",
    )


def _title(patches: NDArray[np.float32], quantization: Quantization) -> str:
    count = access_count(quantization)
    quality, rate = psnr(patches, reconstruction(quantization)), bits_per_pixel(perplexity(count), PATCH_SIZE)
    return f"From {len(count)} codes: PSNR {quality:.2f} dB at {rate:.2f} bits/pixel"
