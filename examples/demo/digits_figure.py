"""The picture of the vote on digits."""

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from examples.demo.digits import LARGEST, Digits, Vote, accuracy
from examples.demo.panels import BLUE, LABEL, ORANGE, STYLES, TITLE, blank, label_axes
from reference.voting import votes_needed

Votes = Mapping[str, Mapping[float | None, Vote]]  # by kind of input, then by threshold
COLORS = BLUE, ORANGE
WRONG, UNSURE = "#c0392b", "0.55"
SHOWN = 14  # scans
SHOWN_THRESHOLD = 0.7


def draw(k: int, digits: Digits, inputs: Mapping[str, NDArray[np.float32]], votes: Votes) -> Figure:
    """Draw noisy digits and what the layer puts out for them; accuracy and coverage by threshold; the similarities.

    Parameters
    ----------
    k : int
    digits : Digits
    inputs : mapping
        The clean scans and the noisy ones, ``[m, 64]`` each.
    votes : mapping
        Theirs, under no threshold and under ``1 / k, 2 / k, …, 1``.
    """
    figure = blank(12.8, 8.4)
    scans, plots = figure.subfigures(2, height_ratios=[1, 1.45])
    unsure = f"fewer than {votes_needed(k, SHOWN_THRESHOLD)} of {k} votes agree"
    scans.suptitle(
        f"For a noisy scan the layer puts out a labelled one, or the input itself if {unsure}", fontsize=TITLE
    )
    show_scans(scans.subplots(3, SHOWN), inputs, votes["noisy"][SHOWN_THRESHOLD], digits.labels)
    right, sure, similarity = plots.subplots(1, 3)
    plot_rates(right, votes, lambda vote: accuracy(vote.label, digits.labels, vote.identity_mapped))
    label_axes(right, "Accuracy: sure votes that are right", "threshold: share of the votes needed", "")
    plot_rates(sure, votes, lambda vote: 1 - vote.identity_mapped_share)
    label_axes(sure, "Coverage: votes that are sure", "threshold: share of the votes needed", "")
    plot_similarity(similarity, votes)
    return figure


def show_scans(
    axes: NDArray[np.object_], inputs: Mapping[str, NDArray[np.float32]], vote: Vote, labels: NDArray[np.int64]
) -> None:
    """Show the first inputs, clean and noisy, and below each what the layer puts out for the noisy one.

    Parameters
    ----------
    axes : numpy.ndarray, shape [3, shown], of matplotlib.axes.Axes
    inputs : mapping
        As `draw` takes them.
    vote : Vote
        On the noisy ones.
    labels : numpy.ndarray, shape [m]
        The right ones.
    """
    rows = {**inputs, "output": vote.layer_out}
    for in_row, (name, scans) in zip(axes, rows.items(), strict=True):
        in_row[0].set_ylabel(name, fontsize=LABEL, rotation="horizontal", ha="right", va="center")
        for ax, scan in zip(in_row, scans, strict=False):
            show_scan(ax, scan)
    for ax, *of_vote in zip(axes[-1], vote.label, labels, vote.identity_mapped, strict=False):
        text, color = verdict(*of_vote)
        ax.set_xlabel(text, fontsize=LABEL, color=color)
        ax.spines[:].set(color=color, linewidth=2.5)


def show_scan(axes: Axes, scan: NDArray[np.float32]) -> None:
    """Show a scan, ``[64]``, as ink on paper."""
    axes.imshow(scan.reshape(8, 8), cmap="gray_r", vmin=0, vmax=LARGEST)
    axes.set(xticks=[], yticks=[])


def verdict(label: int, right: int, identity_mapped: bool) -> tuple[str, str]:
    """Return what stands below an output, and its colour.

    Examples
    --------
    >>> verdict(3, 3, False), verdict(3, 8, False), verdict(3, 3, True)
    (('3', '#1b5e8c'), ('3, not 8', '#c0392b'), ('unsure', '0.55'))
    """
    if identity_mapped:
        return "unsure", UNSURE
    return (f"{label}", BLUE) if label == right else (f"{label}, not {right}", WRONG)


def plot_rates(axes: Axes, votes: Votes, rate: Callable[[Vote], float]) -> None:
    """Plot a rate of every kind of input against the threshold: it changes where one more vote is needed."""
    for (name, by_threshold), color in zip(votes.items(), COLORS, strict=True):
        thresholds = [threshold for threshold in by_threshold if threshold is not None]
        rates = [rate(by_threshold[threshold]) for threshold in thresholds]
        axes.plot(thresholds, rates, "o", drawstyle="steps-pre", color=color, linestyle="-", linewidth=2.2, label=name)
    axes.set_xlim(0.05, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def plot_similarity(axes: Axes, votes: Votes) -> None:
    """Plot how similar the inputs are to their most similar scan."""
    similarities = {name: by_threshold[None].similarity for name, by_threshold in votes.items()}
    edges = np.linspace(min(map(np.min, similarities.values())), 1, 31)
    for (name, similarity), style in zip(similarities.items(), STYLES, strict=True):
        axes.stairs(np.histogram(similarity, edges)[0], edges, label=name, **style)
    label_axes(axes, "Similarity to the most similar scan", "cosine similarity", "scans")
