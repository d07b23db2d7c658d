"""The first training step of a process, and those after it."""

import os
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from benchmarks.data import make
from benchmarks.implementations import prepared
from benchmarks.settings import CACHED, OURS, Setting
from benchmarks.timing import timed

LATER = 1.0, 7  # seconds and number of the steps after the second, at most; one at least


class Steps(NamedTuple):
    """Seconds of the steps of a process.

    Attributes
    ----------
    cpu : float
        Of the processor, all threads together, in the first step: trace, compilation and run.
    first, second : float
    later : float
        The median of those after the second.
    """

    cpu: float
    first: float
    second: float
    later: float


def measured(setting: Setting, runs: int) -> dict[str, dict[str, float]]:
    """Return the medians over so many processes by implementation.

    The implementations take turns. Each process is forked from this one, which has imported them and run nothing. Those
    of `CACHED` find what XLA compiled in one before.
    """
    names = [OURS, *setting.rivals]
    for name in names:
        prepared(name, setting)
    with TemporaryDirectory() as cache:
        if CACHED in names:
            in_fork(of_process, setting, CACHED, cache)
        by_run = [[in_fork(of_process, setting, name, cache) for name in names] for _ in range(runs)]
    medians = np.median(by_run, axis=0).tolist()
    return {name: Steps(*steps)._asdict() for name, steps in zip(names, medians, strict=True)}


def in_fork(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function gives in a process of its own, which is what this one is now."""
    with ProcessPoolExecutor(1, get_context("fork")) as pool:
        return pool.submit(function, *arguments).result()


def of_process(setting: Setting, implementation: str, cache: str | Path) -> Steps:
    """Make the steps; those of `CACHED` with a folder for what XLA compiles."""
    if implementation == CACHED:
        os.environ["TF_XLA_FLAGS"] = f"--tf_xla_persistent_cache_directory={cache}"
    step = prepared(implementation, setting)(make(setting))
    tf.matmul(*tf.zeros([2, 8, 8])).numpy()  # else TensorFlow sets itself up within the first step
    before = cpu_seconds()
    first = timed(step)[0]
    cpu = cpu_seconds() - before
    second = timed(step)[0]
    seconds, most = LATER
    later = [timed(step)[0] for _ in range(int(np.clip(seconds / second, 1, most)))]
    return Steps(cpu, first, second, float(np.median(later)))


def cpu_seconds() -> float:
    """Return what this process has had of the processor, all threads together."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
