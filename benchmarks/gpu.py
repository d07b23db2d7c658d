"""Count what lookups and training steps launch when XLA compiles them for a GPU: ``python -m benchmarks.gpu``.

No GPU is needed. With jax 0.10 and its plugin for CUDA (``pip install 'jax[cuda12]'``) they are compiled for an H100;
without, for this processor, whose compiler fuses less. Nothing runs, so that no time is measured.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any, NamedTuple

import tensorflow as tf
from rich.console import Console
from rich.table import Table

import vq_layer
from benchmarks.programs import Count, count
from benchmarks.settings import ALPHA, BETA, NORMS
from vq_layer.kernels.distances import pairwise_distance
from vq_layer.kernels.lookup import nearest

WAYS = "naive", "plain", "compiled", "fused"

Function = Callable[..., Any]


class Work(NamedTuple):
    """Vectors, ``[m, d]``, that are looked up among n embeddings."""

    name: str
    m: int
    d: int
    n: int


WORKS = Work("W1", 65_536, 4, 1024), Work("W3", 8192, 64, 1024), Work("W5", 16_384, 256, 8192)


def lookup(way: str, lookup_ord: float) -> Function:
    """Return the lookup, ``[1, m, d], [n, d] -> [1, m]``, as "naive" the formula that holds all pairs at once."""

    def find(x: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
        if way == "naive":
            return nearest(pairwise_distance(x, emb_space, lookup_ord))
        return vq_layer.Norm(lookup_ord).search(x, emb_space).emb_index

    return find


def training(way: str, lookup_ord: float) -> Function:
    """Return the lookup with the gradient of alpha- and beta-loss to the embeddings."""

    def step(x: tf.Tensor, emb_space: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(emb_space)
            search = vq_layer.Norm(lookup_ord).search(x, emb_space)
            if way == "naive":
                distance = pairwise_distance(x, emb_space, lookup_ord)
                index, total = nearest(distance), tf.reduce_sum(distance)
            else:
                index, total = search.emb_index, search.total
            loss = ALPHA * tf.reduce_sum(search.distance_to(index)) + BETA * total
        return index, tape.gradient(loss, emb_space)

    return step


TASKS = {"lookup": lookup, "training": training}


def program(task: str, way: str, work: Work, lookup_ord: float) -> Callable[..., Any]:
    """Return what gives the program of XLA at a stage, as the layers are compiled as a whole on a GPU."""
    before = vq_layer.get_compilation()
    vq_layer.set_compilation("plain" if way == "naive" else way)
    try:
        function = tf.function(TASKS[task](way, lookup_ord), jit_compile=True, autograph=False)
        shapes = tf.TensorSpec([1, work.m, work.d]), tf.TensorSpec([work.n, work.d])
        return function.experimental_get_compiler_ir(*shapes)  # type: ignore[no-any-return]
    finally:
        vq_layer.set_compilation(before)


def for_this_processor(stages: Callable[..., Any]) -> str:
    """Return the program as TensorFlow compiles it here."""
    return stages(stage="optimized_hlo")  # type: ignore[no-any-return]


def counts(compiler: Callable[..., str], norms: list[str], works: list[str]) -> Iterator[tuple[str, list[Count]]]:
    """Give the name of each task, and what each way to compute it launches."""
    for work in (one for one in WORKS if one.name in works):
        for norm in norms:
            for task in TASKS:
                programs = (program(task, way, work, NORMS[norm]) for way in WAYS)
                yield f"{work.name} {norm} {task}", [count(compiler(stages)) for stages in programs]


def cells(one: Count) -> str:
    """Return what a cell of the table says."""
    return f"{one.kernels:,} / {one.steps:,} / {one.largest / 2**20:,.0f}"


def main() -> int:
    """Print the table; return the exit code."""
    command_line = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    command_line.add_argument("--norm", choices=NORMS, action="append", help="only this; may be given again")
    command_line.add_argument("--work", choices=[work.name for work in WORKS], action="append", help="likewise")
    options = command_line.parse_args()
    compiler, target = for_this_processor, "this processor"
    if find_spec("jax_plugins") and find_spec("jax_plugins.xla_cuda12"):
        from benchmarks.h100 import compiled_for_it as compiler  # noqa: PLC0415 - what not all have

        target = "an H100"
    table = Table(*("kernels / steps of loops / largest array, MiB", *WAYS), title=f"compiled for {target}")
    for name, of_ways in counts(compiler, options.norm or list(NORMS), options.work or [work.name for work in WORKS]):
        table.add_row(name, *map(cells, of_ways))
        print("|", " | ".join([name, *map(cells, of_ways)]), "|", file=sys.stderr, flush=True)
    Console(width=160).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
