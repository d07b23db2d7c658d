"""On what machine, and with what versions, a run measures."""

import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

DISTRIBUTIONS = "vq-layer", "tensorflow", "keras", "numpy", "scipy", "scikit-learn", "faiss-cpu"


def pin_to_cores(count: int) -> None:
    """Let this process, and those that it starts, run on the first so many cores that it may run on."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def description() -> dict[str, Any]:
    """Describe the machine as it is now."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": cpu_model(Path("/proc/cpuinfo").read_text()),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9,
        "load_at_start": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in DISTRIBUTIONS},
    }


def cpu_model(cpuinfo: str) -> str:
    r"""Return the name of the processor.

    Examples
    --------
    >>> cpu_model("processor : 0\nmodel name : A 9000\nmodel : 3\n")
    'A 9000'
    """
    found = re.search(r"^model name\s*: (.*)$", cpuinfo, re.MULTILINE)
    return found[1] if found else platform.machine()


def lines(machine: dict[str, Any]) -> list[str]:
    """Return the description in words."""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return [
        f"{machine['date']}, {machine['cpu']}, {machine['cores']} cores used, {machine['memory_gb']:.0f} GB",
        f"load average {machine['load_at_start']:.2f} at the start; Python {machine['python']}, {versions}",
    ]


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "absent"
