"""The report as one page of HTML that loads nothing else."""

from collections.abc import Iterable
from html import escape

from vq_verify.report.badge import badge
from vq_verify.report.table import COLUMNS, VERDICTS, Outcome, Report, Row, cells

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Verification of {names}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #222; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top; }}
td.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
.pass {{ color: #2c8a3d; }} .fail {{ color: #b3372f; font-weight: 600; }} .none {{ color: #777; }}
td details {{ color: #555; font-weight: 400; }}
.part {{ color: #4f7f2c; }}
pre {{ background: #f6f6f4; padding: .8rem; overflow-x: auto; font-size: 13px; }}
summary {{ cursor: pointer; }} .wide {{ overflow-x: auto; }}
</style>
</head>
<body>
<h1>Verification of {names}</h1>
<p>{badge}</p>
<p>Specification {specification}, profile <code>{profile}</code>. {environment}.</p>
<div class="wide"><table>
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table></div>
{failures}
</body>
</html>
"""
_CLASSES = {"pass": "pass", "partly offered": "part", "not offered": "none", "no check": "none"}
_NUMBERS = ("checks", "examples")


def page(report: Report) -> str:
    """Return the page: the table by clause, what was not offered in each, and every failure with what shows it."""
    return _PAGE.format(
        names=escape(", ".join(dict.fromkeys(row.implementation for row in report.rows)) or "nothing"),
        badge=badge(report),
        specification=report.specification,
        profile=report.profile,
        environment=escape(", ".join(f"{name} {version}" for name, version in report.environment.items())),
        head="".join(f"<th>{escape(column)}</th>" for column in COLUMNS),
        rows="\n".join(map(_row, report.rows)),
        failures="\n".join(_failures(it for it in report.outcomes if it.outcome in VERDICTS)),
    )


def _row(row: Row) -> str:
    *values, verdict = cells(row)
    plain = (
        f'<td class="number">{value}</td>' if column in _NUMBERS else f"<td>{escape(value)}</td>"
        for column, value in zip(COLUMNS, values, strict=False)
    )
    kind = _CLASSES.get(verdict, "fail")
    return f'<tr>{"".join(plain)}<td class="{kind}">{escape(verdict)}{_missing(row)}</td></tr>'


def _missing(row: Row) -> str:
    if not row.missing:
        return ""
    items = "".join(f"<li>{escape(what)} ({count})</li>" for what, count in sorted(row.missing.items()))
    return f"<details><summary>not offered, in so many examples</summary><ul>{items}</ul></details>"


def _failures(outcomes: Iterable[Outcome]) -> list[str]:
    parts = []
    for it in outcomes:
        failure = it.failure or {"error": "no error is known", "notes": []}
        notes = "".join(f"<pre>{escape(note)}</pre>" for note in failure["notes"])
        cited = escape(", ".join(it.sentences))
        parts.append(
            f"<details><summary><b>{VERDICTS[it.outcome]}</b> {escape(it.check)} ({escape(it.implementation)}; {cited})"
            f"</summary><pre>{escape(failure['error'])}</pre>{notes}</details>"
        )
    return ["<h2>What failed</h2>", *parts] if parts else []
