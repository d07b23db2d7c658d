"""Measure what the layer learns, beside what its peers learn.

Run by `make quality`, or ``python -m benchmarks.quality``; prints tables, writes quality.md and quality.png.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

from benchmarks import machine
from benchmarks.quality import report, run
from benchmarks.quality.figure import draw
from benchmarks.quality.results import Results
from benchmarks.report import rich_table

FOLDER = Path(__file__).parents[1]
CORES = 2


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    described = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    add = described.add_argument
    add("--quick", action="store_true", help="little of everything, to see that all works; the numbers mean nothing")
    add("--cores", type=int, default=CORES, help="the cores that all may use (%(default)s, which the targets are for)")
    add("--out", type=Path, metavar="FOLDER", help="where to write (benchmarks; out/benchmarks with --quick)")
    return described


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = parser().parse_args(arguments)
    folder = options.out or (Path("out/benchmarks") if options.quick else FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    machine.pin_to_cores(options.cores)
    described = machine.description()
    with Progress(*Progress.get_default_columns()[:-1], TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        found = run.measure(run.QUICK if options.quick else run.FULL, progress)
    (folder / "quality.md").write_text(report.markdown(found, described))
    draw(found).savefig(folder / "quality.png")
    show(found, described)
    return 0


def show(found: Results, described: dict[str, Any]) -> None:
    """Print tables, machine and summary."""
    console = Console()
    for section in report.sections(found):
        console.print(rich_table(section), "")
    for line in machine.lines(described) + report.summary(found):
        console.print(line, highlight=False)


if __name__ == "__main__":
    sys.exit(main())
