"""Runs the suite on layers of others, and writes docs/verdicts.json and docs/verdicts: `python -m verdicts`.

Every failure must be expected, with a reason that names a finding, and every finding must print what it did when it was
written down. Needs what `requirements.txt` lists.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from verdicts.check_findings import complaints_of, read
from verdicts.pages import pages, sentences_in
from vq_verify.specification import version

ROOT = Path(__file__).parents[1]
EXPECTED, REPORTS = ROOT / "verdicts" / "expected", ROOT / "out" / "verdicts"
PAGES, DATA = ROOT / "docs" / "verdicts", ROOT / "docs" / "verdicts.json"


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
    named = {check: sentences_in(reason) for check, reason in expected.items()}
    return [f"{subject}: {check}" for check, numbers in named.items() if not numbers or numbers - found]


def reasons(adapter: str) -> dict[str, str]:
    """Return why an adapter fails, by check."""
    expected: dict[str, str] = json.loads((EXPECTED / f"{slug_of(adapter)}.json").read_text(encoding="utf-8"))
    return expected


def shortened(adapter: str, report: dict[str, Any]) -> dict[str, Any]:
    """Return a report without the programs that show its failures, which take pages, but with the reasons of these."""
    kept = {name: report[name] for name in ("specification", "profile", "environment", "checks")}
    verdicts = {it["clause"]: it["verdict"] for it in report["rows"]}
    why = reasons(adapter)
    failures = {
        it["check"]: {"error": it["failure"]["error"], "reason": why[it["check"]], "case": case_of(it["failure"])}
        for it in report["failures"]
    }
    return {**kept, "clauses": verdicts, "failures": failures}


def case_of(failure: dict[str, Any]) -> str:
    """Return the shapes and parameters that a check failed on, on one line."""
    return " ".join(next((note for note in failure["notes"] if "Case(" in note), "fixed arguments").split())


def write_pages() -> None:
    """Write the pages of what docs/verdicts.json holds, and remove others."""
    texts = {f"{name}.md": text for name, text in pages(json.loads(DATA.read_text(encoding="utf-8"))).items()}
    PAGES.mkdir(exist_ok=True)
    for path in PAGES.glob("*.md"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (PAGES / name).write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run it; return whether something is not as it was found."""
    parser = argparse.ArgumentParser(prog="python -m verdicts", description=__doc__)
    parser.add_argument("--examples", default="quick", help="how many each check draws, by name: see vq-verify")
    parser.add_argument("--pages", action="store_true", help="run nothing, write the pages of docs/verdicts.json")
    given = parser.parse_args(arguments)
    if given.pages:
        write_pages()
        return 0
    subjects, findings = read()
    complaints = complaints_of(subjects, findings)
    data = {}
    for key, subject in subjects.items():
        own = [it for it in findings if it["subject"] == key]
        reports = {
            adapter: verified(adapter, profile, given.examples) for adapter, profile in subject["adapters"].items()
        }
        complaints += unexplained(key, reports, own)
        short = {slug_of(adapter): shortened(adapter, report) for adapter, report in reports.items()}
        data[key] = {**subject, "findings": own, "reports": short}
    if complaints:
        print("\n".join(["Not as it was found:", *complaints]))
        return 1
    DATA.write_text(
        json.dumps({"specification": version(), "subjects": data}, indent=1, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )
    write_pages()
    return 0


if __name__ == "__main__":
    sys.exit(main())
