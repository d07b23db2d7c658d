"""A badge for a README: an SVG that says by which version and profile a layer was verified, and what it came to."""

from html import escape

from vq_verify.report.table import Report

_COLOURS = {"passes": "#2c8a3d", "passes what it offers": "#4f7f2c", "fails": "#b3372f"}
_WIDTH = 6.6  # of a letter, in pixels, at this size

_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="20" role="img" aria-label="{label}: {text}">
<title>{label}: {text}</title>
<rect width="{left:.0f}" height="20" fill="#444"/>
<rect x="{left:.0f}" width="{right:.0f}" height="20" fill="{colour}"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
<text x="{left_middle:.0f}" y="14">{label}</text>
<text x="{right_middle:.0f}" y="14">{text}</text>
</g>
</svg>
"""


def summary(report: Report) -> str:
    """Say in a word what all checks came to."""
    outcomes = {it.outcome for it in report.outcomes}
    if outcomes & {"failed", "expected"} or not outcomes - {"skipped"}:
        return "fails"
    return "passes" if all(row.verdict in ("pass", "no check") for row in report.rows) else "passes what it offers"


def badge(report: Report) -> str:
    """Return the badge."""
    label, text = escape(f"VQ spec {report.specification}, {report.profile}"), summary(report)
    left, right = (len(it) * _WIDTH + 12 for it in (label, text))
    return _SVG.format(
        label=label,
        text=text,
        colour=_COLOURS[text],
        width=left + right,
        left=left,
        right=right,
        left_middle=left / 2,
        right_middle=left + right / 2,
    )
