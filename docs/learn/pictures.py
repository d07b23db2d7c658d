"""What the pictures of these pages share: planes with vectors, embeddings, cells and arrows."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from reference.distances import pairwise_distance
from reference.lookup import nearest

VECTORS, EMBEDDINGS = "#0072B2", "#D55E00"
Array = NDArray[Any]


def plane(axes: Axes, limit: float = 3, title: str = "") -> None:
    """Make the axes a square plane around 0 without ticks."""
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xticks=[], yticks=[], title=title)


def points(axes: Axes, vectors: Array, emb_space: Array, size: float = 9) -> None:
    """Draw vectors as dots and embeddings as diamonds: ``[m, 2]`` and ``[n, 2]``."""
    axes.plot(*vectors.T, ".", color=VECTORS, alpha=0.6, label="vectors")
    axes.plot(*emb_space.T, "D", color=EMBEDDINGS, markeredgecolor="white", markersize=size, label="embeddings")


def cells(axes: Axes, emb_space: Array, lookup_ord: float = 2, limit: float = 3) -> None:
    """Color the plane by the nearest embedding, and draw the borders between the cells."""
    shades(axes, lambda grid: nearest(pairwise_distance(grid, emb_space, lookup_ord)), limit)


def shades(axes: Axes, code: Callable[[Array], Array], limit: float = 3) -> None:
    """Color the plane by the code of each point, ``[m, 2] -> [m]``, and draw the borders between the cells."""
    side = np.linspace(-limit, limit, 300)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    index = code(grid).reshape(len(side), len(side))
    extent = (-limit, limit, -limit, limit)
    axes.imshow(index, extent=extent, origin="lower", cmap="tab20", alpha=0.25, vmin=0, vmax=19)
    for j in np.unique(index):
        axes.contour(side, side, index == j, levels=[0.5], colors="0.5", linewidths=0.7)


def arrows(axes: Axes, start: Array, step: Array, color: str = "0.2") -> None:
    """Draw steps from where they start, at their true length: both ``[m, 2]``."""
    axes.quiver(*start.T, *step.T, angles="xy", scale_units="xy", scale=1, color=color, width=0.006)
