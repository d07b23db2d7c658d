"""Measure speed and memory of the layers and of their rivals.

Run by `make bench`, or ``python -m benchmarks``; prints tables, writes results.json and growth.png.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

from benchmarks import growth, machine, processes, report, run, verdicts
from benchmarks.implementations import PACKAGES
from benchmarks.processes import BenchmarkError
from benchmarks.settings import Setting, reduced, settings, without

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"
BUDGET = 2.5  # seconds for the repetitions of each implementation at each setting
CORES = 2


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    described = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = described.add_argument
    add("--list", action="store_true", help="name the settings and series, and measure nothing")
    add("--only", metavar="PREFIX", action="append", help="what begins so; may be given again")
    add("--without", metavar="RIVAL", action="append", default=[], help="leave a rival out; may be given again")
    add("--quick", action="store_true", help="sizes that take no time, to see that all works; the numbers mean nothing")
    add("--budget", type=float, default=BUDGET, help="seconds for each implementation at each setting (%(default)s)")
    add("--cores", type=int, default=CORES, help="the cores that all may use (%(default)s, which the targets are for)")
    add("--out", type=Path, metavar="FOLDER", help="where to write (benchmarks; out/benchmarks with --only or --quick)")
    add("--readme", action="store_true", help=f"write the tables into {README.parent.name}/{README.name}, too")
    add("--show", type=Path, metavar="RESULTS", help="measure nothing, print the tables of an earlier results.json")
    return described


def main(arguments: Sequence[str] | None = None, ask: run.Ask = processes.ask) -> int:
    """Run the command line; return the exit code."""
    command_line = parser()
    options = command_line.parse_args(arguments)
    if options.readme and (options.quick or options.only or options.without):
        command_line.error("--readme takes the results of a full run")
    chosen, series = selection(options)
    if options.list:
        print(*(one.name for one in (*chosen, *series)), sep="\n")
        return 0
    try:
        results = json.loads(options.show.read_text()) if options.show else measured(options, chosen, series, ask)
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    show(results)
    if options.readme:
        report.write_between_marks(README, report.markdown(results))
    return 0


def selection(options: argparse.Namespace) -> tuple[list[Setting], list[growth.Series]]:
    """Return the settings and series that are asked for."""
    prefixes = tuple(options.only or [""])
    chosen = [without(one, options.without) for one in settings() if one.name.startswith(prefixes)]
    series = [one for one in growth.all_series() if one.name.startswith(prefixes)]
    if not options.quick:
        return chosen, series
    return [reduced(one) for one in chosen], [growth.reduced_series(one) for one in series]


def measured(
    options: argparse.Namespace, chosen: list[Setting], series: list[growth.Series], ask: run.Ask
) -> dict[str, Any]:
    """Check all that can fail, measure, and write what was found."""
    check_installed({rival for setting in chosen for rival in setting.rivals})
    folder = options.out or Path("out/benchmarks" if options.only or options.quick else FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    machine.pin_to_cores(options.cores)
    described = machine.description()
    with Progress(*Progress.get_default_columns()[:-1], TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        found = run.measure(chosen, series, 0.0 if options.quick else options.budget, ask, progress)
    results = {"machine": described, **found}
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    if series:
        from benchmarks.growth_figure import draw  # noqa: PLC0415 - matplotlib, for this alone

        draw(results["series"]).savefig(folder / "growth.png")
    return results


def check_installed(rivals: set[str]) -> None:
    """Raise an error that names the rivals that are not installed: better now than after minutes."""
    absent = sorted(rival for rival in rivals if rival in PACKAGES and find_spec(PACKAGES[rival]) is None)
    if absent:
        left_out = " ".join(f"--without {rival}" for rival in absent)
        raise BenchmarkError(f"{', '.join(absent)}: not installed; pip install '.[bench]', or give {left_out}")


def show(results: dict[str, Any]) -> None:
    """Print machine, tables and summary."""
    console = Console()
    for section in report.sections(results):
        console.print(report.rich_table(section), "")
    for line in machine.lines(results["machine"]) + verdicts.summary(results):
        console.print(line, highlight=False)


if __name__ == "__main__":
    sys.exit(main())
