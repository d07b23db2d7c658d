"""The tables of a run, for the terminal and as Markdown."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rich import box
from rich.table import Table

from benchmarks import machine, verdicts

COLUMNS = ("", "ms", "× {}", "target", "peak MB", "first s", "agrees", "ceiling")
FIRST_STEP_COLUMNS = ("", "by", "CPU s", "target", "first s", "second ms", "later ms")
SERIES_COLUMNS = ("", "sizes", "time", "target", "memory", "target", "MB over the data")
WRAPPED = (SERIES_COLUMNS[-1], "targets")  # columns of the terminal's tables that may take several lines
BEGIN, END = "<!-- results of a run, written by --readme -->", "<!-- end of results -->"


class Section(NamedTuple):
    """A table: its title, its columns, its rows."""

    title: str
    columns: tuple[str, ...]
    rows: list[list[str]]


def sections(results: dict[str, Any]) -> Iterator[Section]:
    """Return a table for each setting, one for all first steps and one for all series."""
    for name, result in results["settings"].items():
        size = f"{result['vectors']:,} vectors of {result['d']}, {result['embeddings']:,} embeddings"
        columns = tuple(column.format(verdicts.base(result)) for column in COLUMNS)
        yield Section(f"{name}: {size}{ceiling(result)}", columns, setting_rows(result))
    if results.get("first_steps"):
        rows = [row for name, result in results["first_steps"].items() for row in first_step_rows(name, result)]
        yield Section("first training step of a process", FIRST_STEP_COLUMNS, rows)
    if results["series"]:
        rows = [series_row(name, result) for name, result in results["series"].items()]
        yield Section("exponents of growth", SERIES_COLUMNS, rows)


def setting_rows(result: dict[str, Any]) -> list[list[str]]:
    """Return a row for the base, then one for each rival, as `COLUMNS` names their cells."""
    judged = {name: str(verdict) for name, verdict in verdicts.of_setting(result).items()}
    return [
        [
            name,
            milliseconds(result["times"][name]),
            f"{verdicts.ratio(result, name):.2f}",
            judged.get(name, ""),
            f"{result['memory'][name]['over_import']:,.0f}",
            f"{result['times'][name]['first']:.2f}",
            f"{100 * result['agreement'][name]:.5g}%" if name in result["agreement"] else "",
            f"{verdicts.share_of_ceiling(result, name):.0%}" if result["ceiling"] else "",
        ]
        for name in (verdicts.base(result), *result["targets"])
    ]


def first_step_rows(name: str, result: dict[str, Any]) -> list[list[str]]:
    """Return a row for each implementation, as `FIRST_STEP_COLUMNS` names their cells."""
    judged = verdicts.of_first_step(result)
    rows = [
        [
            who,
            f"{steps['cpu']:.2f}",
            str(judged.get(who, "")),
            f"{steps['first']:.2f}",
            *(verdicts.three_digits(1e3 * steps[which]) for which in ("second", "later")),
        ]
        for who, steps in result["steps"].items()
    ]
    names = [name.removeprefix("first-"), *[""] * (len(rows) - 1)]
    return [[shown, *row] for shown, row in zip(names, rows, strict=True)]


def series_row(name: str, result: dict[str, Any]) -> list[str]:
    """Return the cells that `SERIES_COLUMNS` names."""
    judged = verdicts.of_series(result)
    cells = [cell for kind in ("time", "memory") for cell in _exponent(judged.get(kind))]
    sizes = result["sizes"]
    over_data = [peak["over_data"] for peak in result["memory"]]
    return [
        name.removeprefix("growth-"),
        f"{sizes[0]:,}…{sizes[-1]:,}",
        *cells,
        ", ".join(f"{megabytes:.0f}" for megabytes in over_data),
    ]


def ceiling(result: dict[str, Any]) -> str:
    """Return the rate that the ceiling reaches, where there is one."""
    if not result["ceiling"]:
        return ""
    rate = result["operations"]["ceiling"] / result["times"]["ceiling"]["median"]
    return f"; {result['ceiling']} {rate / 1e9:.0f} Gop/s"


def milliseconds(times: dict[str, float]) -> str:
    """Return the median to three digits, and half the distance of the quartiles in percent of it.

    Examples
    --------
    >>> milliseconds({"median": 0.0123456, "lower": 0.012, "upper": 0.013})
    '12.3 ±4%'
    >>> milliseconds({"median": 1.5, "lower": 1.5, "upper": 1.5})
    '1,500 ±0%'
    """
    median, spread = 1e3 * times["median"], (times["upper"] - times["lower"]) / 2 / times["median"]
    return f"{verdicts.three_digits(median)} ±{spread:.0%}"


def rich_table(section: Section) -> Table:
    """Return the table for a terminal."""
    table = Table(
        title=section.title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    for position, column in enumerate(section.columns):
        header = column.replace(" ", "\n")
        table.add_column(header, justify="left" if position == 0 else "right", no_wrap=column not in WRAPPED)
    for row in section.rows:
        table.add_row(*row)
    return table


def markdown(results: dict[str, Any]) -> str:
    """Return the machine, the summary and all tables."""
    about = "\n".join(f"- {line}" for line in machine.lines(results["machine"]) + verdicts.summary(results))
    tables = [markdown_section(section) for section in sections(results)]
    return "\n\n".join([about, *tables]) + "\n"


def write_between_marks(path: Path, text: str) -> None:
    """Put the text in the place of what stands between `BEGIN` and `END`."""
    before, _, rest = path.read_text().partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{path} must contain the marks {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


def markdown_section(section: Section) -> str:
    """Return the title and the table as Markdown."""
    rule = [":--", *["--:"] * (len(section.columns) - 1)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in (section.columns, rule, *section.rows))
    return f"### {section.title}\n\n{table}"


def _exponent(verdict: verdicts.Verdict | None) -> tuple[str, str]:
    return (f"{verdict.value:.2f}", str(verdict)) if verdict else ("", "")
