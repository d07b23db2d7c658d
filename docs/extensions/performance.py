"""The tables of the page on performance, made from the last run of the benchmarks."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import machine, verdicts

DOCS = Path(__file__).parents[1]
FOLDER = DOCS / "measured"  # of what pages include, by names that Sphinx does not take for pages
PAGES = {  # names of pages, and what is in the names of settings on them
    "lookup": ["-lookup"],
    "training": ["-training"],
    "fit": ["fit-"],
    "update": ["update-"],
    "calls": ["-call", "-vote"],
}
RESULTS = DOCS.parent / "benchmarks/results.json"


def fragments() -> Iterator[tuple[Path, str]]:
    """Give the path and the text of each."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    settings = results["settings"]
    yield FOLDER / "machine.txt", "\n".join(f"- {line}" for line in machine.lines(results["machine"])) + "\n"
    for page, marks in PAGES.items():
        of_page = {name: it for name, it in settings.items() if any(mark in name for mark in marks)}
        yield FOLDER / f"{page}.txt", table(of_page)
    yield FOLDER / "first_steps.txt", first_steps(results["first_steps"])


def table(settings: dict[str, Any]) -> str:
    """Return a row for each setting: its size, our time, how many times as long each rival takes, and the memory.

    Examples
    --------
    >>> times = {"ours": {"median": 0.5}, "plain": {"median": 0.75}}
    >>> memory = {"ours": {"over_import": 10}, "plain": {"over_import": 20}}
    >>> it = {"vectors": 2048, "d": 4, "embeddings": 8, "targets": {"plain": 1}, "times": times, "memory": memory}
    >>> print(table({"lookup": it}), end="")
    | setting | ms | plain | MB | rivals' MB |
    |:--|--:|--:|--:|--:|
    | `lookup`<br>2,048 of 4, n = 8 | 500 | 1.50 | 10 | 20 |
    """
    rivals = list(dict.fromkeys(rival for it in settings.values() for rival in it["targets"]))
    columns = ["setting", "ms", *rivals, "MB", "rivals' MB"]
    rule = [":--", *["--:"] * (len(columns) - 1)]
    rows = [_row(name, it, rivals) for name, it in settings.items()]
    head, under, *body = (f"|{'|'.join(f' {cell} ' for cell in cells)}|" for cells in (columns, rule, *rows))
    return "\n".join([head, under.replace(" ", ""), *body]) + "\n"


def first_steps(steps: dict[str, Any]) -> str:
    """Return a row for the first step of each size and losses: seconds of the processor, those of a formula behind.

    Examples
    --------
    >>> seconds = {"ours": {"cpu": 2.5}, "keras.io": {"cpu": 0.5}}
    >>> it = {"vectors": 2048, "d": 4, "embeddings": 8, "steps": seconds}
    >>> print(first_steps({"first-8x2-keras.io": it, "first-8x2-keras.io-XLA": it}), end="")
    | vectors | beside | plain | compiled by XLA |
    |:--|:--|--:|--:|
    | 2,048 of 4, n = 8 | keras.io | 2.5 (0.5) | 2.5 (0.5) |
    """
    rows: dict[str, list[str]] = {}
    for name, it in steps.items():
        if not name.startswith("first-"):
            continue
        ours, rival = list(it["steps"])[:2]
        cells = rows.setdefault(name.removesuffix("-XLA"), [_size(it), rival])
        cells.append(f"{it['steps'][ours]['cpu']:.1f} ({it['steps'][rival]['cpu']:.1f})")
    head = ["| vectors | beside | plain | compiled by XLA |", "|:--|:--|--:|--:|"]
    return "\n".join([*head, *(f"| {' | '.join(cells)} |" for cells in rows.values())]) + "\n"


def _size(it: dict[str, Any]) -> str:
    return f"{it['vectors']:,} of {it['d']}, n = {it['embeddings']:,}"


def _row(name: str, it: dict[str, Any], rivals: list[str]) -> list[str]:
    ratios = [f"{verdicts.ratio(it, rival):.2f}" if rival in it["times"] else "" for rival in rivals]
    peaks = {who: f"{used['over_import']:,.0f}" for who, used in it["memory"].items()}
    of_rivals = sorted((peaks[rival] for rival in it["targets"]), key=lambda peak: int(peak.replace(",", "")))
    setting, base = f"`{name}`<br>{_size(it)}", verdicts.base(it)
    time = verdicts.three_digits(1e3 * it["times"][base]["median"])
    return [setting, time, *ratios, peaks[base], "…".join(dict.fromkeys([of_rivals[0], of_rivals[-1]]))]
