"""The memory of this process, from Linux' ``/proc``, in MB.

Not `resource.getrusage`, whose peak counts what the process was before it became this program.
"""

import re
from pathlib import Path

PROCESS = Path("/proc/self")


def resident() -> float:
    """Return what is resident now."""
    return _status("VmRSS")


def peak() -> float:
    """Return the most that was resident since the start or since `forget_peak`."""
    return _status("VmHWM")


def forget_peak() -> None:
    """Let the peak be what is resident now."""
    (PROCESS / "clear_refs").write_text("5")


def megabytes(status: str, name: str) -> float:
    r"""Return a field of ``/proc/self/status``.

    Examples
    --------
    >>> megabytes("VmHWM:\t    2000 kB", "VmHWM")
    2.048
    """
    (kibibytes,) = re.findall(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kibibytes) * 1024 / 1e6


def _status(name: str) -> float:
    return megabytes((PROCESS / "status").read_text(), name)
