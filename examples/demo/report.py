"""The tables of the demonstration."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.table import Table

from examples.demo.autoencoder import GRID, NUM_CODES
from examples.demo.digits import NOISE, Vote, Yardstick, accuracy
from examples.demo.invention import Invention
from examples.demo.measures import Quantization, access_count, bits_per_pixel, psnr, reconstruction
from examples.demo.photograph import PATCH_SIZE
from reference.metrics import perplexity

USAGE = ("PSNR\ndB", "codes\nused", "perplexity")
RATES = ("bits/pixel\nfixed", "bits/pixel\nentropy")
CAPTION = """k-means: SciPy's, from k-means++; seconds: of learning, start included
bits/pixel: fixed log2(codes)/16, entropy log2(perplexity)/16"""
THRESHOLDS = None, 0.5, 0.7, 0.9, 1.0


def codebook_table(patches: NDArray[np.float32], quantizations: Sequence[Quantization]) -> Table:
    """Return the measures of every quantization of the same patches, one row each."""
    table = _empty(["codebook\nlearned by"], [*USAGE, *RATES, "seconds"], CAPTION)
    for quantization in quantizations:
        table.add_row(
            quantization.name, *usage(patches, quantization), *rates(quantization), f"{quantization.seconds:.1f}"
        )
    return table


def replacement_table(patches: NDArray[np.float32], quantizations: Sequence[Quantization]) -> Table:
    """Return what the trainings came to, one row each."""
    table = _empty(["codebook\nlearned"], [*USAGE, "seconds"])
    for quantization in quantizations:
        table.add_row(quantization.name, *usage(patches, quantization), f"{quantization.seconds:.1f}")
    return table


def invention_table(invention: Invention) -> Table:
    """Return how well the codes of a VQ-VAE stand for digits held out, and what they cost."""
    caption = (
        "error: mean squared, pixel values in 0…1; of mean: of the mean digit\n"
        "bits/image: fixed 16 log2(codes), prior its cross-entropy given the label"
    )
    columns = ["error\nof codes", "error\nof mean", *USAGE[1:], "bits/image\nfixed", "bits/image\nprior"]
    table = _empty(["digits\nheld out"], [*columns, "seconds"], caption)
    count = np.bincount(invention.emb_index.ravel(), minlength=NUM_CODES)
    table.add_row(
        "VQ-VAE",
        f"{invention.error:.4f}",
        f"{invention.error_of_mean:.4f}",
        f"{np.count_nonzero(count)}/{NUM_CODES}",
        f"{perplexity(count):.1f}",
        f"{GRID**2 * np.log2(NUM_CODES):.1f}",
        f"{invention.bits:.1f}",
        f"{invention.seconds:.1f}",
    )
    return table


def vote_table(k: int, labels: NDArray[np.int64], votes: Mapping[str, Mapping[float | None, Vote]]) -> Table:
    """Return accuracy and share of identity-mapped inputs under `THRESHOLDS`, two rows for each kind of input.

    Parameters
    ----------
    k : int
    labels : numpy.ndarray, shape [m]
        The right ones.
    votes : mapping
        By kind of input, then by threshold.
    """
    caption = (
        f"accuracy: of the inputs not mapped to themselves, k = {k}; noisy: normal noise\n"
        f"of standard deviation {NOISE:.0f} added to pixel values in 0…16"
    )
    columns = ["no\nthreshold" if t is None else f"threshold\n{t}" for t in THRESHOLDS]
    table = _empty(["digits", ""], columns, caption)
    for name, by_threshold in votes.items():
        shown = [by_threshold[t] for t in THRESHOLDS]
        table.add_row(name, "accuracy", *(f"{accuracy(v.label, labels, v.identity_mapped):.3f}" for v in shown))
        table.add_row("", "identity-mapped", *(f"{v.identity_mapped_share:.1%}" for v in shown))
    return table


def usage(patches: NDArray[np.float32], quantization: Quantization) -> list[str]:
    """Return the measures of a quantization as `USAGE` names them."""
    count = access_count(quantization)
    quality = psnr(patches, reconstruction(quantization))
    return [f"{quality:.2f}", f"{np.count_nonzero(count)}/{len(count)}", f"{perplexity(count):.1f}"]


def rates(quantization: Quantization) -> list[str]:
    """Return the bits per pixel of a quantization as `RATES` names them."""
    count = access_count(quantization)
    return [f"{bits_per_pixel(codes, PATCH_SIZE):.3f}" for codes in (len(count), perplexity(count))]


def agreement(k: int, labels: NDArray[np.int64], voted: NDArray[np.int64], yardstick: Yardstick) -> str:
    """Return in a line how the layer's labels compare with scikit-learn's: all, and those of tied votes.

    Examples
    --------
    >>> yardstick = Yardstick(label=np.array([1, 2, 3, 3]), tied=np.array([True, True, False, False]))
    >>> agreement(5, np.array([1, 2, 3, 4]), np.array([1, 1, 3, 3]), yardstick)
    'k = 5: accuracy 0.500, scikit-learn 0.750; 1 of 4 votes differ, 1 of 2 ties'
    """
    differs = voted != yardstick.label
    layer, other = np.mean(voted == labels), np.mean(yardstick.label == labels)
    ties = f"{np.sum(differs & yardstick.tied)} of {np.sum(yardstick.tied)} ties"
    votes = f"{np.sum(differs)} of {len(labels)} votes differ, {ties}"
    return f"k = {k}: accuracy {layer:.3f}, scikit-learn {other:.3f}; {votes}"


def _empty(names: Sequence[str], columns: Sequence[str], caption: str | None = None) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
        caption=caption,
        caption_justify="left",
    )
    for name in names:
        table.add_column(name, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right")
    return table
