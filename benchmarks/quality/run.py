"""A run: all measurements, one after the other."""

import time
from dataclasses import dataclass
from functools import partial

import keras
from rich.progress import Progress

from benchmarks.quality import digits, grid, patches
from benchmarks.quality.layers import ours
from benchmarks.quality.peers import ByGradient, ByMovingAverage
from benchmarks.quality.results import GRADIENT, KMEANS, MOVING_AVERAGE, NONE, OURS, Results

QUANTIZERS: digits.Quantizers = {
    OURS: partial(ours, digits.NUM_EMBEDS),
    MOVING_AVERAGE: partial(ByMovingAverage, digits.NUM_EMBEDS),
    GRADIENT: partial(ByGradient, digits.NUM_EMBEDS),
    NONE: keras.layers.Identity,
}


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    Attributes
    ----------
    seeds, epochs : int
        Of the digits; the patches have as many seeds.
    codes : tuple of int
        The sizes of the codebooks of the patches.
    every : int
        Every so many of the patches are taken.
    most_stages, codes_of_stage : int
    settings : tuple of grid.Setting
    steps : int
        Of the training of each setting.
    """

    seeds: int = 5
    epochs: int = 40
    codes: tuple[int, ...] = (64, 256)
    every: int = 1
    most_stages: int = 8
    codes_of_stage: int = 64
    settings: tuple[grid.Setting, ...] = grid.SETTINGS
    steps: int = grid.STEPS

    @property
    def parts(self) -> int:
        """In how many parts the progress is counted."""
        return (
            self.seeds * self.epochs * len(QUANTIZERS)
            + 2 * self.seeds * len(self.codes)
            + self.most_stages
            + len(self.settings)
        )


FULL = Extent()
QUICK = Extent(
    seeds=1, epochs=2, codes=(16,), every=16, most_stages=2, codes_of_stage=8, settings=grid.SETTINGS[:2], steps=2
)


def measure(extent: Extent, progress: Progress) -> Results:
    """Measure everything, and show in `progress` what is done."""
    begun = time.perf_counter()
    task = progress.add_task("", total=extent.parts)

    def advance(description: str) -> None:
        progress.update(task, advance=1, description=description)

    images, vectors = digits.load(), patches.load()[:: extent.every]
    by_seed = [
        digits.compare(QUANTIZERS, images, seed, extent.epochs, partial(advance, f"digits, seed {seed}"))
        for seed in range(extent.seeds)
    ]
    learned: dict[int, dict[str, list[patches.Learned]]] = {n: {OURS: [], KMEANS: []} for n in extent.codes}
    for n, found in learned.items():
        for seed in range(extent.seeds):
            for name, learn in ((OURS, patches.by_layer), (KMEANS, patches.by_kmeans)):
                found[name].append(learn(vectors, n, seed))
                advance(f"patches, {n} codes")
    stages = patches.errors_by_stages(
        vectors, extent.codes_of_stage, extent.most_stages, 0, partial(advance, "residual stages")
    )
    outcomes = {}
    for setting in extent.settings:
        outcomes[setting] = grid.train(setting, images, extent.steps)
        advance("grid of settings")
    return Results(
        digits={name: [outcome[name] for outcome in by_seed] for name in QUANTIZERS},
        patches=learned,
        stages=stages,
        grid=outcomes,
        seconds=time.perf_counter() - begun,
    )
