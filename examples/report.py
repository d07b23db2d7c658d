"""The table of the demonstration."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.table import Table

from examples.measures import Quantization, access_count, bits_per_pixel, perplexity, psnr, reconstruction
from examples.photograph import PATCH_SIZE

COLUMNS = ("PSNR\ndB", "codes\nused", "perplexity", "bits/pixel\nfixed", "bits/pixel\nentropy", "seconds")
CAPTION = "bits/pixel: fixed log2(codes)/16, entropy log2(perplexity)/16"


def table(patches: NDArray[np.float32], quantizations: Sequence[Quantization]) -> Table:
    """Return the measures of every quantization of the same patches, one row each."""
    rows = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
        caption=CAPTION,
        caption_justify="left",
    )
    rows.add_column("codebook\nlearned by", no_wrap=True)
    for column in COLUMNS:
        rows.add_column(column, justify="right")
    for quantization in quantizations:
        rows.add_row(quantization.name, *figures(patches, quantization))
    return rows


def figures(patches: NDArray[np.float32], quantization: Quantization) -> list[str]:
    """Return the measures of a quantization as `COLUMNS` shows them."""
    n, count = len(quantization.emb_space), access_count(quantization)
    return [
        f"{psnr(patches, reconstruction(quantization)):.2f}",
        f"{np.count_nonzero(count)}/{n}",
        f"{perplexity(count):.1f}",
        f"{bits_per_pixel(n, PATCH_SIZE):.3f}",
        f"{bits_per_pixel(perplexity(count), PATCH_SIZE):.3f}",
        f"{quantization.seconds:.1f}",
    ]
