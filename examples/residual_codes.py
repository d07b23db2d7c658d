"""Residual codes of a signal
==========================

After this example you can train a codec of eight rates at once, and say what each rate costs and buys.

Each stage codes what the stages before it left: windows of mixtures of sines go through 8 stages of 64 embeddings each.
The first k stages alone are a code of 6 k bits, so one training gives all rates. The table and the picture show, for
windows that were held out, what each rate costs and the signal-to-noise ratio that it buys,
``10 log10(power of the signal / power of the error)`` in dB::

    python -m examples.residual_codes

Juang, Gray, "Multiple Stage Vector Quantization for Speech Coding", 1982; as a layer of an audio codec: Zeghidour et
al., "SoundStream", 2021, section III.C. Its quantizer dropout is left out here: it teaches an encoder to make do with
fewer stages, and here is no encoder.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from examples.pictures import BLUE, plot, save
from vq_layer import ResidualVectorQuantization

NUM_STAGES, NUM_CODES = 8, 64
WINDOW, NUM_SINES = 16, 3  # samples of a window; sines of a mixture
BATCH = 1024


class Rate(NamedTuple):
    """What the first so many stages do to windows that were held out.

    Attributes
    ----------
    stages : int
    bits : float
        For each sample of the signal.
    error : float
        The mean squared error.
    decibels : float
        The signal-to-noise ratio.
    """

    stages: int
    bits: float
    error: float
    decibels: float


def sines(number: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw windows of mixtures of sines, ``[number, WINDOW]``.

    Amplitudes are from 0.2 to 1, frequencies from 0.01 to 0.25 cycles a sample, phases anywhere.
    """
    amplitude = rng.uniform(0.2, 1, [number, NUM_SINES, 1])
    frequency = rng.uniform(0.01, 0.25, [number, NUM_SINES, 1])
    phase = rng.uniform(0, 2 * np.pi, [number, NUM_SINES, 1])
    return np.sum(amplitude * np.sin(2 * np.pi * frequency * np.arange(WINDOW) + phase), axis=1).astype(np.float32)


def learn(windows: NDArray[np.float32], epochs: int) -> ResidualVectorQuantization:
    """Let the stages learn from windows, ``[m, WINDOW]``: each from what those before it left.

    They start from k-means of the first batch and follow the windows by moving averages, which takes no optimizer.
    """
    codes = ResidualVectorQuantization(NUM_CODES, NUM_STAGES)
    for _ in range(epochs):
        for start in range(0, len(windows), BATCH):
            codes(windows[start : start + BATCH], training=True)
    return codes


def rates(codes: ResidualVectorQuantization, windows: NDArray[np.float32]) -> list[Rate]:
    """Return what the first 1, 2, ... stages make of windows, ``[m, WINDOW]``."""
    indices = codes.encode(windows)  # [m, 1, NUM_STAGES]
    power, bits = np.mean(np.square(windows)), codes.bits_per_vector / (NUM_STAGES * WINDOW)
    errors = [
        float(np.mean(np.square(codes.decode(indices[..., :k]) - windows))) for k in range(1, codes.num_stages + 1)
    ]
    return [Rate(k, k * bits, error, float(10 * np.log10(power / error))) for k, error in enumerate(errors, start=1)]


def drawn(table: list[Rate]) -> Figure:
    """Draw what each rate buys."""
    figure, axes = plot("bits a sample", "signal-to-noise ratio in dB")
    bits, decibels = [row.bits for row in table], [row.decibels for row in table]
    axes.plot(bits, decibels, "o-", color=BLUE)
    for row in table:
        axes.annotate(str(row.stages), (row.bits, row.decibels), (-4, 8), textcoords="offset points", ha="right")
    axes.set_title(f"What 1 to {NUM_STAGES} stages of {NUM_CODES} embeddings buy")
    return figure


def main(arguments: Sequence[str] | None = None) -> list[Rate]:
    """Learn the codes, print and draw the table, and return its rows."""
    parser = argparse.ArgumentParser(description="Residual codes of mixtures of sines.")
    parser.add_argument("--small", action="store_true", help="fewer windows and epochs, for a try")
    parser.add_argument("--picture", type=Path, default=Path("out/residual_codes.png"), help="where it is written")
    options = parser.parse_args(arguments)
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    codes = learn(sines(2048 if options.small else 16384, rng), epochs=3 if options.small else 8)
    table = rates(codes, sines(4096, rng))
    print("stages  bits a sample  mean squared error  SNR in dB")
    for row in table:
        print(f"{row.stages:6}  {row.bits:13.3f}  {row.error:18.5f}  {row.decibels:9.2f}")
    save(drawn(table), options.picture)
    return table


if __name__ == "__main__":
    main()
