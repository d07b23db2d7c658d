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


def main(names: list[str]) -> int:
    """Check the findings on these subjects, on all if none is named; return whether one is no longer true."""
    table = tomllib.loads(FINDINGS.read_text())
    complaints = []
    for key, subject in table["subjects"].items():
        if names and key not in names:
            continue
        if (installed := version(subject["package"])) != subject["version"]:
            print(f"{subject['package']} {installed} is installed; the findings are of {subject['version']}")
        for finding in (it for it in table["findings"] if it["subject"] == key):
            complaints.append(complaint(finding, subject))
            print(f"{complaints[-1] or 'as found':9} {key} {finding['sentence']}: {finding['happens']}")
    return int(any(complaints))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
