"""Measurements in processes of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SECONDS = 600  # that a process may take


class BenchmarkError(Exception):
    """A condition outside the program that the user can mend."""


def ask(question: str, **arguments: Any) -> dict[str, Any]:
    """Let a process of its own answer; see `benchmarks.worker`.

    Raises
    ------
    BenchmarkError
        If it fails, is killed or takes too long.
    """
    command = [sys.executable, "-m", "benchmarks.worker", json.dumps({"question": question, **arguments})]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(f"{_subject(question, arguments)}: not done in {SECONDS} s") from error
    if done.returncode != 0:
        reason = "killed, for want of memory?" if done.returncode < 0 else done.stderr.strip()
        raise BenchmarkError(f"{_subject(question, arguments)}: {reason}")
    return json.loads(done.stdout.splitlines()[-1])


def _subject(question: str, arguments: dict[str, Any]) -> str:
    setting = arguments["setting"] if "setting" in arguments else arguments["points"][0]
    return " ".join([question, setting["name"], *filter(None, [arguments.get("implementation")])])
