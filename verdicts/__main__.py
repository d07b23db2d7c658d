"""Runs the suite on layers of others, and writes docs/verdicts.md and docs/verdicts.json: `python -m verdicts`.

Every failure must be expected, with a reason that names a finding, and every finding must print what it did when it was
written down. Needs what `requirements.txt` lists.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from verdicts.check_findings import complaints_of, read
from vq_verify.specification import version

ROOT = Path(__file__).parents[1]
EXPECTED, REPORTS = ROOT / "verdicts" / "expected", ROOT / "out" / "verdicts"
PAGE, DATA = ROOT / "docs" / "verdicts.md", ROOT / "docs" / "verdicts.json"

_HEAD = """\
# Verdicts

What the suite says of vector quantizers that people use, by version {version} of the
[specification](../reference/SPEC.md). `make verdicts` runs it, and writes this page and
[`verdicts.json`](verdicts.json).

How to read it: a *profile* is what a kind of implementation answers for, and nothing else is asked. Each of these
layers was written for its own purpose, years before there was a specification, and works for the people who use it;
what it never promised is no fault. So every finding says which it is: a **failure** is against what the documentation
of the layer says, or what any use of it needs (another embedding than the nearest, an output that is none, a gradient
that is off, a state that is lost); a **choice** is a case of which it promises nothing, and which the specification
decides in another way. Each was found by the suite or by hand, and each has a program of a few lines that shows it by
the layer's own public interface. All of these programs are run whenever this page is written. In the table, a check
that fails is against the sentences that its reason names, each of which has such a program below.

| implementation | version | profile | checks passed | failed | not offered | against |
|---|---|---|---|---|---|---|
"""


def slug_of(adapter: str) -> str:
    """Return the name of an adapter's files: its module and its class."""
    return adapter.removeprefix("verdicts.").replace(":", ".")


def verified(adapter: str, profile: str, examples: str) -> dict[str, Any]:
    """Run the suite on an adapter, and return its report; what fails must be expected."""
    slug = slug_of(adapter)
    options = ["--profile", profile, "--examples", examples, "--report", str(REPORTS / slug)]
    expected = ["--expect", str(EXPECTED / f"{slug}.json")]
    command = [sys.executable, "-m", "vq_verify", adapter, *options, *expected]
    # Calls are small: threads of PyTorch would wait for each other.
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, cwd=ROOT, env=alone, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(f"{adapter} does not fail as expected:\n{run.stdout[-4000:]}{run.stderr[-2000:]}")
    print(f"{adapter}, {profile}: {run.stdout.strip().splitlines()[-1]}", flush=True)
    return json.loads((REPORTS / slug / "report.json").read_text(encoding="utf-8"))


def unexplained(subject: str, reports: dict[str, Any], findings: list[dict[str, Any]]) -> list[str]:
    """Return the failures whose reasons name no sentence, or one without a finding of the subject."""
    found = {it["sentence"] for it in findings}
    expected: dict[str, str] = {}
    for adapter in reports:
        expected |= reasons(adapter)
    named = {check: set(re.findall(r"VQ-\d+\.\d+", reason)) for check, reason in expected.items()}
    return [f"{subject}: {check}" for check, numbers in named.items() if not numbers or numbers - found]


def reasons(adapter: str) -> dict[str, str]:
    """Return why an adapter fails, by check."""
    expected: dict[str, str] = json.loads((EXPECTED / f"{slug_of(adapter)}.json").read_text(encoding="utf-8"))
    return expected


def broken(adapter: str) -> list[str]:
    """Return the sentences that an adapter's failures are against, by their reasons, in order."""
    found = {number for reason in reasons(adapter).values() for number in re.findall(r"VQ-\d+\.\d+", reason)}
    return sorted(found, key=lambda number: [int(part) for part in number[3:].split(".")])


def row(subject: dict[str, Any], adapter: str, report: dict[str, Any]) -> str:
    """Return the row of an adapter in the table."""
    checks = Counter(report["checks"])
    numbers = checks["passed"], checks["expected"] + checks["should"], checks["skipped"]
    name = f"[{subject['name']}](#{anchor(subject['name'])}), `{adapter.partition(':')[2]}`"
    cells = [name, subject["version"], f"`{report['profile']}`", *map(str, numbers), ", ".join(broken(adapter))]
    return f"| {' | '.join(cells)} |"


def shortened(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report without the programs that show its failures, which take pages."""
    kept = {name: report[name] for name in ("specification", "profile", "environment", "checks")}
    verdicts = {it["clause"]: it["verdict"] for it in report["rows"]}
    failures = {it["check"]: it["failure"]["error"] for it in report["failures"]}
    return {**kept, "clauses": verdicts, "failures": failures}


def anchor(title: str) -> str:
    """Return what a heading is linked to by."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def section(subject: dict[str, Any], reports: dict[str, Any], findings: list[dict[str, Any]]) -> str:
    """Return what there is to say of a subject: its findings, and the smallest cases that failed."""
    lines = [f"## {subject['name']}", "", f"{subject['package']} {subject['version']}."]
    for it in findings:
        lines += ["", f"**{it['sentence']}, {it['kind']}.** {it['happens']}", "", "```python"]
        lines += [*subject["imports"].splitlines(), "", *it["program"].strip().splitlines(), "```", ""]
        lines += [f"It prints `{it['prints']}`; right is {it['should']}."]
    lines += ["", *_smallest(reports)]
    return "\n".join(lines).rstrip() + "\n"


def _smallest(reports: dict[str, Any]) -> list[str]:
    failures = [(adapter, it) for adapter, report in reports.items() for it in report["failures"]]
    if not failures:
        return []
    lines = ["<details><summary>The checks that fail, each with the case that it fails on</summary>", ""]
    for adapter, it in failures:
        case = next((note for note in it["failure"]["notes"] if "Case(" in note), "fixed arguments")
        why = reasons(adapter)[it["check"]]
        lines.append(f"- `{adapter.partition(':')[2]}` {it['check']}: {why}. On {_plain(case)}")
    return [*lines, "", "</details>"]


def _plain(note: str) -> str:
    return f"`{' '.join(note.split())}`"


def main(arguments: list[str] | None = None) -> int:
    """Run it; return whether something is not as it was found."""
    parser = argparse.ArgumentParser(prog="python -m verdicts", description=__doc__)
    parser.add_argument("--examples", default="quick", help="how many each check draws, by name: see vq-verify")
    given = parser.parse_args(arguments)
    subjects, findings = read()
    complaints = complaints_of(subjects, findings)
    rows, sections, data = [], [], {}
    for key, subject in subjects.items():
        own = [it for it in findings if it["subject"] == key]
        reports = {
            adapter: verified(adapter, profile, given.examples) for adapter, profile in subject["adapters"].items()
        }
        complaints += unexplained(key, reports, own)
        rows += [row(subject, adapter, report) for adapter, report in reports.items()]
        sections.append(section(subject, reports, own))
        data[key] = {**subject, "findings": own, "reports": {slug_of(it): shortened(reports[it]) for it in reports}}
    if complaints:
        print("\n".join(["Not as it was found:", *complaints]))
        return 1
    PAGE.write_text(_HEAD.format(version=version()) + "\n".join(rows) + "\n\n" + "\n".join(sections), encoding="utf-8")
    DATA.write_text(
        json.dumps({"specification": version(), "subjects": data}, indent=1, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
