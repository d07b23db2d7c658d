"""A verification as `make verify` runs it, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def verification(folder: Path, path: str, *arguments: str) -> tuple[dict[str, dict[str, Any]], str]:
    """Run tests of an implementation on few examples; return the rows of the report by clause, and the output."""
    options = ["--hypothesis-profile=few", "-p", "no:cacheprovider", "-q"]
    command = [sys.executable, "-m", "pytest", *options, "--implementation", path, "--report", folder, *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    table = json.loads((folder / "report.json").read_text())
    return {row["clause"]: row for row in table["rows"]}, result.stdout
