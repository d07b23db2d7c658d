"""From what checks came to, to a row for each clause and implementation, and from these to text."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from vq_verify.specification import clause_of

# What failures make of a clause, from the worst on.
VERDICTS = {"failed": "FAIL", "expected": "fails as expected", "should": "short of a should"}

COLUMNS = ("clause", "title", "implementation", "checks", "examples", "worst error / bound", "verdict")


class Outcome(NamedTuple):
    """What one check of one implementation came to.

    Attributes
    ----------
    check : str
        Its name, as `vq_verify.judging.name_of` gives it.
    sentences : sequence of str
        The numbers that it cites.
    implementation : str
    outcome : {"passed", "failed", "skipped", "expected", "should"}
        The last two failed: as was expected, or in what only should be so.
    examples : int
        How many were checked.
    missing : mapping of str to int
        What was not offered, and in how many further examples.
    worst : mapping of str to float
        The largest error of each kind, as a fraction of its bound.
    failure : mapping or None
        Its "error" in a line, and the "notes" that explain it.
    """

    check: str
    sentences: Sequence[str]
    implementation: str
    outcome: str
    examples: int
    missing: Mapping[str, int]
    worst: Mapping[str, float]
    failure: Mapping[str, Any] | None = None


class Row(NamedTuple):
    """What all checks of the sentences of one clause came to, for one implementation.

    Attributes
    ----------
    worst : float or None
        The largest error, as a fraction of its bound; None where nothing is compared with a bound.
    worst_of : str or None
        Which error that is.
    verdict : str
        One of `VERDICTS`.
    missing : mapping of str to int
        What was not offered, and in how many examples.
    failed : sequence of str
        The checks that failed.
    """

    clause: str
    title: str
    implementation: str
    checks: int
    examples: int
    worst: float | None
    worst_of: str | None
    verdict: str
    missing: Mapping[str, int]
    failed: Sequence[str]


class Report(NamedTuple):
    """What a verification came to.

    Attributes
    ----------
    specification : str
        The version of the specification.
    profile : str
    environment : mapping of str to str
        The versions of what ran, by name.
    rows : sequence of Row
    outcomes : sequence of Outcome
    """

    specification: str
    profile: str
    environment: Mapping[str, str]
    rows: Sequence[Row]
    outcomes: Sequence[Outcome]


def rows(titles: Mapping[str, str], outcomes: Iterable[Outcome]) -> list[Row]:
    """Return a row for each implementation, in the order of their names, and each clause."""
    outcomes = list(outcomes)
    return [
        _row(clause, title, name, [it for it in outcomes if it.implementation == name and _is_of(it, clause)])
        for name in sorted({it.implementation for it in outcomes})
        for clause, title in titles.items()
    ]


def _is_of(outcome: Outcome, clause: str) -> bool:
    return clause in map(clause_of, outcome.sentences)


def _row(clause: str, title: str, implementation: str, outcomes: Sequence[Outcome]) -> Row:
    errors = [(fraction, what) for it in outcomes for what, fraction in it.worst.items()]
    worst, worst_of = max(errors, default=(None, None))
    missing: Counter[str] = Counter()
    for it in outcomes:
        missing.update(it.missing)
    return Row(
        clause,
        title,
        implementation,
        checks=len(outcomes),
        examples=sum(it.examples for it in outcomes),
        worst=worst,
        worst_of=worst_of,
        verdict=_verdict(outcomes),
        missing=dict(missing),
        failed=[it.check for it in outcomes if it.outcome == "failed"],
    )


def _verdict(outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return "no check"
    came_to = {it.outcome for it in outcomes}
    for outcome in ("failed", "expected", "should"):
        if outcome in came_to:
            return VERDICTS[outcome]
    if came_to == {"skipped"}:
        return "not offered"
    if any(it.outcome == "skipped" or it.missing for it in outcomes):
        return "partly offered"
    return "pass"


def as_text(table: Sequence[Row]) -> str:
    """Return an aligned table, and below it what failed and what was not offered."""
    texts = [COLUMNS, *map(cells, table)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in texts]
    return "\n".join([*lines, *_remarks(table, "{}")])


def as_markdown(report: Report) -> str:
    """Return the same in Markdown."""
    table = report.rows
    lines = [f"| {' | '.join(row)} |" for row in (COLUMNS, ["---"] * len(COLUMNS), *map(cells, table))]
    of = f"Specification {report.specification}, profile `{report.profile}`."
    return "\n".join(["# Verification", "", of, "", *lines, *_remarks(table, "- {}")]) + "\n"


def as_json(report: Report) -> str:
    """Return all that a report holds, and of the outcomes those that failed; an error beyond a bound of 0 is null.

    JSON has no infinity.
    """
    finite = (row._replace(worst=None) if row.worst == float("inf") else row for row in report.rows)
    failures = [
        {name: getattr(it, name) for name in ("check", "sentences", "implementation", "outcome", "failure")}
        for it in report.outcomes
        if it.outcome in VERDICTS
    ]
    checks = Counter(it.outcome for it in report.outcomes)
    told = {**report._asdict(), "checks": checks, "rows": [row._asdict() for row in finite], "failures": failures}
    del told["outcomes"]
    return json.dumps(told, indent=1) + "\n"


def cells(row: Row) -> list[str]:
    """Return the texts of the columns."""
    worst = "" if row.worst is None else f"{row.worst:.2g} ({row.worst_of})"
    return [row.clause, row.title, row.implementation, str(row.checks), str(row.examples), worst, row.verdict]


def _remarks(table: Sequence[Row], form: str) -> list[str]:
    failed = dict.fromkeys(f"FAILED {check}" for row in table for check in row.failed)
    missing = [
        f"{row.clause} {row.implementation}, not offered, in so many examples: "
        + ", ".join(f"{what} ({count})" for what, count in sorted(row.missing.items()))
        for row in table
        if row.missing
    ]
    return ["", *map(form.format, [*failed, *missing])] if failed or missing else []
