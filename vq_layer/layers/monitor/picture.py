"""The picture of codebooks and data on the first two principal components of the data."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from vq_layer.layers.monitor.look import Array, Codebook, Look, in_even_shares

DATA, USED, NEVER = "#8aa3b8", "#1b5e8c", "#d1495b"
SIDE, DOTS_PER_INCH = 5, 120  # inches of a panel
COLUMNS = 4


def check_installed() -> None:
    """Require Matplotlib, which the package can do without otherwise.

    Raises
    ------
    ImportError
        If it is missing.
    """
    try:
        import matplotlib.figure  # noqa: F401, PLC0415
    except ImportError as error:
        raise ImportError("`png` needs Matplotlib, which is missing: `pip install matplotlib`.") from error


def save(path: Path, title: str, looks: dict[str, Look]) -> None:
    """Draw what is seen of the codebooks of layers, by name, a panel each; nothing where there is none."""
    panels = list(_panels(looks))
    if panels:
        path.parent.mkdir(parents=True, exist_ok=True)
        draw(title, panels).savefig(path)


def _panels(looks: dict[str, Look]) -> Iterable[tuple[str, Codebook]]:
    for name, look in looks.items():
        for place, codebook in enumerate(look.codebooks):
            if len(codebook.emb_space) and len(codebook.sample.vectors):
                yield (name if len(look.codebooks) == 1 else f"{name}, split {place}"), codebook


def draw(title: str, panels: list[tuple[str, Codebook]]) -> Any:
    """Return a figure of Matplotlib with a panel for each codebook, by name."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    columns = min(len(panels), COLUMNS)
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(SIDE * columns, SIDE * rows + 0.9), dpi=DOTS_PER_INCH, layout="constrained")
    figure.suptitle(title, fontsize=14)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (name, codebook) in zip(grid, panels, strict=False):
        _draw_panel(axes, name, codebook)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure


def _draw_panel(axes: Any, name: str, it: Codebook) -> None:
    """Draw the vectors, and over them the embeddings: an area by use, those that were never chosen as crosses."""
    project, explained = projection(it.sample.vectors)
    vectors, rows = project(it.sample.vectors), project(it.emb_space)
    used = it.access_count > 0
    area = 14 + 26 * np.minimum(in_even_shares(it.access_count), 8)  # points²; more than 8 even shares look alike
    axes.scatter(*vectors.T, s=5, color=DATA, alpha=0.5, linewidths=0, label="inputs")
    drawn = {"color": USED, "alpha": 0.85, "edgecolors": "white", "linewidths": 0.7}
    axes.scatter(*rows[used].T, s=area[used], label="embeddings, area by use", **drawn)
    axes.scatter(*rows[~used].T, s=34, color=NEVER, marker="x", linewidths=1.4, label="never chosen")
    axes.set_title(f"{name}: {np.count_nonzero(used)} of {len(used)} in use", fontsize=11)
    for set_label, share, order in zip((axes.set_xlabel, axes.set_ylabel), explained, ("1st", "2nd"), strict=True):
        set_label(f"{order} principal component, {share:.0%}", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_aspect("equal", adjustable="datalim")


def projection(vectors: Array) -> tuple[Any, Array]:
    """Return the projection on the first two principal components of vectors, and the shares of variance of these.

    The largest entry of a component is positive, so that pictures of successive epochs are alike.

    Parameters
    ----------
    vectors : numpy.ndarray, shape [k, d]

    Returns
    -------
    function
        ``[..., d] -> [..., 2]``; the second coordinate is 0 where d or k is 1.
    numpy.ndarray, shape [2]
    """
    wide = vectors.astype(np.float64)
    mean = wide.mean(axis=0)
    _, scales, axes = np.linalg.svd(wide - mean, full_matrices=False)
    d = np.shape(wide)[1]
    components, variances = np.zeros([2, d]), np.zeros(2)
    number = min(2, len(axes))
    largest = np.abs(axes[:number]).argmax(axis=1)
    components[:number] = axes[:number] * np.sign(axes[np.arange(number), largest])[:, None]
    variances[:number] = np.square(scales[:number])
    total = np.square(scales).sum()
    return lambda rows: (rows - mean) @ components.T, variances / total if total else variances
