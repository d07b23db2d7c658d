"""Measure speed and memory of the layers and of their rivals.

Run by `make bench`, or ``python -m benchmarks``; prints tables, writes results.json, growth.png and steps.png.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

from benchmarks import growth, machine, processes, report, run, training, verdicts
from benchmarks.implementations import PACKAGES
from benchmarks.processes import BenchmarkError
from benchmarks.settings import Setting, reduced, settings, without

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"
BUDGET = 2.5  # seconds for the repetitions of each implementation at each setting
RUNS = 3  # processes for each of the first steps
CORES = 2


class Selection(NamedTuple):
    """What is measured: settings, series, and training steps of which the first counts."""

    settings: list[Setting]
    series: list[growth.Series]
    first_steps: list[Setting]


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
    chosen = selection(options)
    if options.list:
        print(*(one.name for kind in chosen for one in kind), sep="\n")
        return 0
    try:
        results = json.loads(options.show.read_text()) if options.show else measured(options, chosen, ask)
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    show(results)
    if options.readme:
        report.write_between_marks(README, report.markdown(results))
    return 0


def selection(options: argparse.Namespace) -> Selection:
    """Return what is asked for."""
    prefixes = tuple(options.only or [""])
    chosen = [without(one, options.without) for one in (*settings(), *training.settings())]
    everything = Selection(chosen, growth.all_series(), training.first_steps())
    asked = Selection(*([one for one in kind if one.name.startswith(prefixes)] for kind in everything))
    if not options.quick:
        return asked
    return Selection(
        [reduced(one) for one in asked.settings],
        [growth.reduced_series(one) for one in asked.series],
        [reduced(one) for one in asked.first_steps],
    )


def measured(options: argparse.Namespace, chosen: Selection, ask: run.Ask) -> dict[str, Any]:
    """Check all that can fail, measure, and write what was found."""
    check_installed({rival for setting in chosen.settings for rival in setting.rivals})
    folder = options.out or Path("out/benchmarks" if options.only or options.quick else FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    machine.pin_to_cores(options.cores)
    described = machine.description()
    with Progress(*Progress.get_default_columns()[:-1], TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        budget, runs = (0.0, 1) if options.quick else (options.budget, RUNS)
        found = run.measure(*chosen, budget, runs, ask, progress)
    results = {"machine": described, **found}
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    draw(found, folder)
    return results


def draw(found: dict[str, Any], folder: Path) -> None:
    """Write the pictures of what was measured."""
    from benchmarks import growth_figure, steps_figure  # noqa: PLC0415 - matplotlib, for these alone

    if found["series"]:
        growth_figure.draw(found["series"]).savefig(folder / "growth.png")
    if any(name.startswith(training.BY_NUMBER) for name in found["first_steps"]):
        steps_figure.draw(found["first_steps"]).savefig(folder / "steps.png")


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
