"""What is measured of training: steps within `fit`, what each part adds to a lookup, and first steps."""

from collections.abc import Mapping
from typing import Any

from benchmarks.settings import CACHED, Setting

COULOMB = 1e-6
SIZES = {  # vectors, their size, embeddings
    "64x16": (64, 16, 64),
    "4096x32": (4096, 32, 512),
    "8192x64": (8192, 64, 1024),
    "65536x4": (65_536, 4, 1024),
}
LARGE = "4096x32", "8192x64", "65536x4"
FITTED = "64x16", "8192x64", "65536x4"
COMPILED = {"auto": "auto", "XLA": True}  # as Keras takes it
MOST_OF_LOOKUP = 1.6  # that a training step may take
BY_NUMBER = "steps-"  # what the names of the first steps at several n begin with


def settings() -> list[Setting]:
    """Return those that are timed in turn, in the order of the report."""
    return [
        *(fit(size, compiled) for size in FITTED for compiled in COMPILED),
        *(fit_2018(size) for size in FITTED),
        *(update(size) for size in LARGE),
    ]


def fit(size: str, compiled: str) -> Setting:
    """Return a step of `fit` with the layer's defaults."""
    rivals = {"keras.io": _least(size), "no quantizer": 0}
    return _sized(f"fit-{size}-{compiled}", "fit", size, rivals, jit_compile=COMPILED[compiled])


def fit_2018(size: str) -> Setting:
    """Return a step of `fit` with the losses of 2018."""
    rivals = {"broadcast": _least(size), "no quantizer": 0}
    return _sized(f"fit-2018-{size}", "fit_2018", size, rivals, jit_compile="auto", gamma=COULOMB)


def update(size: str) -> Setting:
    """Return a lookup and what a training step adds to it."""
    parts = "moving averages", "with dead codes", "with a mask, too", "4 lookups", "4 stages", "k-means start"
    at_most = {"moving averages": MOST_OF_LOOKUP}
    return _sized(f"update-{size}", "update", size, dict.fromkeys(parts, 0), base="lookup", at_most=at_most)


def first_steps() -> list[Setting]:
    """Return the training steps of which the first counts."""
    return [
        *(first_step("default_training", size, {"keras.io": 0, CACHED: 0}) for size in SIZES),
        *(first_step("default_training", size, {"keras.io": 0}, jit_compile=True) for size in SIZES),
        *(first_step("training", size, {"broadcast": 0}, compiled) for compiled in (False, True) for size in SIZES),
        *(step_of_number(2**i) for i in range(6, 14)),
    ]


def first_step(task: str, size: str, rivals: Mapping[str, float], jit_compile: bool = False) -> Setting:
    """Return one that is compared with the formula of the same losses, the first of the rivals."""
    name = "-".join(["first", size, next(iter(rivals)), *(["XLA"] if jit_compile else [])])
    return _sized(name, task, size, rivals, jit_compile=jit_compile)


def step_of_number(n: int) -> Setting:
    """Return the step with n embeddings, of a series."""
    return Setting(f"{BY_NUMBER}{n}", "default_training", (4096, 32), n, 32, rivals={"keras.io": 0})


def _least(size: str) -> int:
    """Return how many times as long as ours the step of a rival takes, at the least."""
    return 2 if SIZES[size][-1] >= 512 else 1


def _sized(name: str, task: str, size: str, rivals: Mapping[str, float], **others: Any) -> Setting:
    rows, d, n = SIZES[size]
    return Setting(name, task, (rows, d), n, d, rivals=rivals, **others)
