"""What a running check measures: examples, what was not offered, and errors as fractions of their bounds."""

from collections import Counter
from contextvars import ContextVar
from typing import Any

from vq_verify.offers import NotAsked, NotOffered


class Measurements:
    """The measurements of one check.

    Attributes
    ----------
    examples : int
        How many examples ran to their end, right or wrong.
    missing : Counter of str
        What was not offered, and in how many examples.
    not_asked : int
        In how many examples something was left out that no profile of the implementation asks for.
    worst : dict of str to float
        The largest fraction of its bound that each error came to, in all examples.
    margins : dict of str to float
        The same in the running example.
    """

    def __init__(self) -> None:
        self.examples = 0
        self.missing: Counter[str] = Counter()
        self.not_asked = 0
        self.worst: dict[str, float] = {}
        self.margins: dict[str, float] = {}

    def begin_example(self) -> None:
        """Forget the margins of the example before."""
        self.margins = {}

    def refuse(self, refusal: NotOffered) -> None:
        """Count an example that is not offered, or not asked for."""
        if isinstance(refusal, NotAsked):
            self.not_asked += 1
        else:
            self.missing[refusal.what] += 1

    def refusal(self) -> NotOffered:
        """Return what stands for all refusals."""
        return NotOffered(", ".join(self.missing)) if self.missing else NotAsked("all of it")

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
