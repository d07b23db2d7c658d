"""What a running check measures: examples, what was not offered, and errors as fractions of their bounds."""

from collections import Counter
from contextvars import ContextVar
from typing import Any


class Measurements:
    """The measurements of one check.

    Attributes
    ----------
    examples : int
        How many examples ran to their end, right or wrong.
    missing : Counter of str
        What was not offered, and in how many examples.
    worst : dict of str to float
        The largest fraction of its bound that each error came to, in all examples.
    margins : dict of str to float
        The same in the running example.
    """

    def __init__(self) -> None:
        self.examples = 0
        self.missing: Counter[str] = Counter()
        self.worst: dict[str, float] = {}
        self.margins: dict[str, float] = {}

    def begin_example(self) -> None:
        """Forget the margins of the example before."""
        self.margins = {}

    def note(self, what: str, fraction: float) -> None:
        """Note what fraction of its bound an error is."""
        for fractions in (self.worst, self.margins):
            fractions[what] = max(fraction, fractions.get(what, 0.0))

    def as_dict(self) -> dict[str, Any]:
        """Return what the report needs, in types that a process can send to another."""
        return {"examples": self.examples, "missing": dict(self.missing), "worst": dict(self.worst)}


_RUNNING: ContextVar[Measurements] = ContextVar("running")


def begin() -> Measurements:
    """Measure anew."""
    _RUNNING.set(Measurements())
    return running()


def running() -> Measurements:
    """Return the measurements of the running check."""
    return _RUNNING.get(None) or begin()
