"""The four parts of the demonstration."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.console import Console

from examples.demo import digits_figure, invention_figure, photograph_figure, replacement_figure
from examples.demo.digits import Digits, Split, vote_of_scikit_learn, with_noise
from examples.demo.invention import NEIGHBOURS, invent
from examples.demo.learning import learn_with_kmeans, learn_with_layer
from examples.demo.output import save
from examples.demo.replacement import EPOCHS, learn_with_and_without
from examples.demo.report import agreement, codebook_table, invention_table, replacement_table, vote_table
from examples.demo.voting import vote

K = 10  # of the table; a share of ten votes tells the thresholds apart
COMPARED = 5, 10  # of the comparison with scikit-learn


def quantize_photograph(
    image: NDArray[np.float32], patches: NDArray[np.float32], n: int, seed: int, picture: Path
) -> None:
    """Learn a codebook of n codes with the layer and one with k-means."""
    learned = [learn_with_layer(patches, n, seed), learn_with_kmeans(patches, n, seed)]
    Console().print(codebook_table(patches, learned))
    _write(photograph_figure.draw(image, patches, learned), picture)


def replace_unused(patches: NDArray[np.float32], n: int, seed: int, picture: Path) -> None:
    """Learn a codebook from n codes that are all nearly white, with replacement and without."""
    print(
        f"\nfrom {n} codes that are all nearly white, {EPOCHS} epochs of moving averages;\n"
        "replacement: of codes that are hardly ever chosen, by patches",
        flush=True,
    )
    trainings = learn_with_and_without(patches, n, seed)
    Console().print(replacement_table(patches, [training.quantization for training in trainings]))
    _write(replacement_figure.draw(patches, trainings), picture)


def invent_digits(digits: Split, seed: int, picture: Path) -> None:
    """Learn a VQ-VAE of digits, and a prior of its codes from which new digits are drawn."""
    print(
        f"\ndigits: a VQ-VAE of {len(digits.x):,}, {len(digits.x_test)} others held out;\n"
        "new ones: from a prior of its codes, given the label",
        flush=True,
    )
    invention = invent(digits, seed)
    Console().print(invention_table(invention))
    print(
        f"{len(invention.invented)} invented: {invention.read_as_meant:.1%} read as what was asked for, by the "
        f"{NEIGHBOURS} most similar real ones"
    )
    _write(invention_figure.draw(digits, invention), picture)


def vote_on_digits(digits: Digits, seed: int, picture: Path) -> None:
    """Let half of the digits vote on the other half, clean and with noise, under every threshold."""
    print(
        f"\ndigits: {len(digits.emb_space)} labelled scans vote on {len(digits.x)} others; without threshold:",
        flush=True,
    )
    for k in COMPARED:
        print(agreement(k, digits.labels, vote(digits, digits.x, k).label, vote_of_scikit_learn(digits, digits.x, k)))
    inputs = {"clean": digits.x, "noisy": with_noise(digits.x, seed)}
    thresholds = [None, *(votes / K for votes in range(1, K + 1))]
    votes = {name: {t: vote(digits, x, K, t) for t in thresholds} for name, x in inputs.items()}
    Console().print(vote_table(K, digits.labels, votes))
    _write(digits_figure.draw(K, digits, inputs, votes), picture)


def _write(figure: Figure, picture: Path) -> None:
    save(figure, picture)
    print(f"wrote {picture}")
