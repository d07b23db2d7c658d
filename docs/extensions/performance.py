"""The tables of the page on performance, made from the last run of the benchmarks."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import machine, verdicts

DOCS = Path(__file__).parents[1]
FOLDER = DOCS / "measured"  # of what pages include, by names that Sphinx does not take for pages
RESULTS = DOCS.parent / "benchmarks/results.json"


def fragments() -> Iterator[tuple[Path, str]]:
    """Give the path and the text of each."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    settings = results["settings"]
    yield FOLDER / "machine.txt", "\n".join(f"- {line}" for line in machine.lines(results["machine"])) + "\n"
    for task in ("lookup", "training"):
        yield FOLDER / f"{task}.txt", table({name: it for name, it in settings.items() if f"-{task}" in name})
    yield FOLDER / "calls.txt", table({name: it for name, it in settings.items() if "-call" in name or "-vote" in name})


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


def _row(name: str, it: dict[str, Any], rivals: list[str]) -> list[str]:
    ratios = [f"{verdicts.ratio(it, rival):.2f}" if rival in it["times"] else "" for rival in rivals]
    peaks = {who: f"{used['over_import']:,.0f}" for who, used in it["memory"].items()}
    of_rivals = sorted((peaks[rival] for rival in it["targets"]), key=lambda peak: int(peak.replace(",", "")))
    setting = f"`{name}`<br>{it['vectors']:,} of {it['d']}, n = {it['embeddings']:,}"
    time = verdicts.three_digits(1e3 * it["times"]["ours"]["median"])
    return [setting, time, *ratios, peaks["ours"], "…".join(dict.fromkeys([of_rivals[0], of_rivals[-1]]))]
