"""The picture of the training with replacement and without."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from examples.demo.measures import Training, access_count, psnr, reconstruction
from examples.demo.panels import BLUE, LABEL, ORANGE, TITLE, blank, label_axes, plot_usage, show_codebook


def draw(patches: NDArray[np.float32], trainings: Sequence[Training]) -> Figure:
    """Draw the codebooks, how many codes were in use during the training, and how much each is in the end.

    Parameters
    ----------
    patches : numpy.ndarray, shape [m, d]
    trainings : sequence of Training
        The one with replacement, then the one without.
    """
    figure = blank(12.8, 9.2)
    learned = [training.quantization for training in trainings]
    codebooks, plots = figure.subfigures(2, height_ratios=[1.15, 1])
    for axes, quantization in zip(codebooks.subplots(1, 2), learned, strict=True):
        show_codebook(axes, quantization)
        count = access_count(quantization)
        used, n, quality = np.count_nonzero(count), len(count), psnr(patches, reconstruction(quantization))
        name = quantization.name.capitalize()
        axes.set_title(f"{name}: {used} of {n} codes in use, PSNR {quality:.2f} dB", fontsize=TITLE)
        axes.set_xlabel(
            f"most used first; the {n - used} pale ones are never chosen" if used < n else "most used first",
            fontsize=LABEL,
        )
    during, ranked = plots.subplots(1, 2)
    plot_codes_used(during, trainings)
    plot_usage(ranked, learned)
    return figure


def plot_codes_used(axes: Axes, trainings: Sequence[Training]) -> None:
    """Plot how many codes the batches of each epoch chose."""
    n = len(trainings[0].quantization.emb_space)
    for training, color in zip(trainings, (BLUE, ORANGE), strict=True):
        used = n * np.asarray(training.history["codebook_usage"])
        epochs = np.arange(1, len(used) + 1)
        axes.plot(epochs, used, "o-", color=color, linewidth=2.2, label=training.quantization.name)
    axes.axhline(n, color="0.5", linestyle=":", label=f"all {n}")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    label_axes(axes, "Codes in use during the training", "epoch", "codes chosen in the epoch")
