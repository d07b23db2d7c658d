"""The picture of real digits, their reconstructions, and new ones."""

import numpy as np
from matplotlib.figure import Figure

from examples.demo.autoencoder import GRID, NUM_CODES
from examples.demo.digits import LARGEST, NUM_CLASSES, Split
from examples.demo.digits_figure import show_scan
from examples.demo.invention import Invention
from examples.demo.panels import LABEL, TITLE, blank

SHOWN = 5  # new digits of each class


def draw(digits: Split, invention: Invention) -> Figure:
    """Draw the first digit of each class that was held out, what its codes give back, and new digits of that class."""
    figure = blank(9.6, 6.2)
    figure.suptitle(f"A VQ-VAE of digits: each is {GRID} × {GRID} codes, of {NUM_CODES} in all", fontsize=TITLE)
    axes = figure.subplots(2 + SHOWN, NUM_CLASSES)
    for name, row in (("held out", 0), ("from its codes", 1), ("invented", 2 + SHOWN // 2)):
        axes[row, 0].set_ylabel(name, fontsize=LABEL, rotation="horizontal", ha="right", va="center")
    for label, column in enumerate(axes.T):
        first = np.flatnonzero(digits.labels_test == label)[0]
        shown = invention.invented[label::NUM_CLASSES][:SHOWN]
        scans = [digits.x_test[first], *(LARGEST * it for it in (invention.reconstructions[first], *shown))]
        for ax, scan in zip(column, scans, strict=True):
            show_scan(ax, scan)
    return figure
