"""Which checks an implementation is expected to fail, and why: a JSON object from the name of a check to a reason."""

import json
from collections.abc import Mapping
from pathlib import Path


def read(path: Path) -> dict[str, str]:
    """Return the expectations of a file.

    Raises
    ------
    ValueError
        If it holds anything but an object of strings.
    """
    expected = json.loads(path.read_text(encoding="utf-8"))
    if not (isinstance(expected, dict) and all(isinstance(reason, str) for reason in expected.values())):
        raise ValueError(f"{path} must hold an object from names of checks to reasons, all strings.")
    return expected


def write(path: Path, expected: Mapping[str, str]) -> None:
    """Write expectations, in the order of their names."""
    path.write_text(json.dumps(dict(sorted(expected.items())), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
