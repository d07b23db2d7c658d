"""Run the program of each finding, and compare what it prints: `python -m verdicts.check_findings [SUBJECT ...]`.

A program that ends with an error prints the last line of its traceback. Needs what `requirements.txt` lists.
"""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vq_verify.specification import sentences

FINDINGS = Path(__file__).parent / "findings.toml"


def printed(program: str) -> str:
    """Run a program in the root of the repository; return what it prints, or its error."""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout.strip() if run.returncode == 0 else run.stderr.strip().splitlines()[-1]


def complaint(finding: dict[str, Any], subject: dict[str, Any]) -> str:
    """Return what is no longer true of a finding, or nothing."""
    if finding["sentence"] not in sentences():
        return f"there is no {finding['sentence']}"
    if (found := printed(f"{subject['imports']}\n{finding['program']}")) != finding["prints"]:
        return f"prints {found!r}, not {finding['prints']!r}"
    return ""


def read() -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Return the subjects by their keys, and the findings."""
    table = tomllib.loads(FINDINGS.read_text(encoding="utf-8"))
    return table["subjects"], table["findings"]


def complaints_of(subjects: dict[str, dict[str, Any]], findings: list[dict[str, Any]]) -> list[str]:
    """Run all programs, tell of each, and return what is no longer true."""
    complaints = []
    for subject in subjects.values():
        if (installed := version(subject["package"])) != subject["version"]:
            complaints.append(
                f"{subject['package']} {installed} is installed; the findings are of {subject['version']}"
            )
    for finding in findings:
        what = f"{finding['subject']} {finding['sentence']}: {finding['happens']}"
        if wrong := complaint(finding, subjects[finding["subject"]]):
            complaints.append(f"{what}: {wrong}")
        print(f"{wrong or 'as found':9} {what}", flush=True)
    return complaints


def main(names: list[str]) -> int:
    """Check the findings on these subjects, on all if none is named; return whether one is no longer true."""
    subjects, findings = read()
    chosen = {key: subject for key, subject in subjects.items() if not names or key in names}
    return int(bool(complaints_of(chosen, [it for it in findings if it["subject"] in chosen])))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
