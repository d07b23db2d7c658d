"""Whether what was measured is what was aimed at."""

import math
from typing import Any, NamedTuple

from benchmarks.growth import TOLERANCE, exponent

LEAST_AGREEMENT = 0.99
MOST_FOR_FIRST_STEP = 1.5  # seconds of the processor more than the formula takes
LEAST_MEMORY = 1.0  # MB, below which a difference is no growth


class Verdict(NamedTuple):
    """A value and the bounds that it should lie within.

    Examples
    --------
    >>> verdict = Verdict(26.0, least=25)
    >>> verdict.met, verdict.bounds
    (True, '≥ 25')
    >>> str(Verdict(151.0, most=150, unit=" MB"))
    '≤ 150 MB missed'
    >>> str(Verdict(1.05, least=0.9, most=1.1))
    '0.9…1.1 met'
    """

    value: float
    least: float = -math.inf
    most: float = math.inf
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether it does."""
        return self.least <= self.value <= self.most

    @property
    def bounds(self) -> str:
        """The bounds in words."""
        if math.isinf(self.most):
            return f"≥ {self.least:.3g}"
        if math.isinf(self.least):
            return f"≤ {self.most:.3g}{self.unit}"
        return f"{self.least:.3g}…{self.most:.3g}"

    def __str__(self) -> str:
        return f"{self.bounds} {'met' if self.met else 'missed'}"


def base(result: dict[str, Any]) -> str:
    """Return what the rivals are compared with: ours, or a lookup of ours."""
    return next(iter(result["times"]))


def ratio(result: dict[str, Any], rival: str) -> float:
    """Return how many times as long as the base the rival takes."""
    return result["times"][rival]["median"] / result["times"][base(result)]["median"]


def share_of_ceiling(result: dict[str, Any], name: str) -> float:
    """Return the rate of operations over what the machine reaches at best on such operations."""
    needed, reached = (result["operations"][key] for key in ("ours", "ceiling"))
    return needed / result["times"][name]["median"] / (reached / result["times"]["ceiling"]["median"])


def of_setting(result: dict[str, Any]) -> dict[str, Verdict]:
    """Return the verdict on the ratio to each rival with a target and, as ours, on the peak of memory."""
    found = {name: Verdict(ratio(result, name), least=least) for name, least in result["targets"].items() if least}
    found |= {name: Verdict(ratio(result, name), most=most) for name, most in result.get("at_most", {}).items()}
    if result["memory_limit"]:
        found["ours"] = Verdict(result["memory"]["ours"]["over_import"], most=result["memory_limit"], unit=" MB")
    return found


def of_series(result: dict[str, Any]) -> dict[str, Verdict]:
    """Return the verdicts on the exponents of time, about 1, and of the memory over the data, about 0 or less."""
    found = {}
    if "times" in result:
        medians = [times["median"] for times in result["times"]]
        found["time"] = Verdict(exponent(result["sizes"], medians), 1 - TOLERANCE, 1 + TOLERANCE)
    over_data = [max(peak["over_data"], LEAST_MEMORY) for peak in result["memory"]]
    found["memory"] = Verdict(exponent(result["memory_sizes"], over_data), most=TOLERANCE)
    return found


def of_first_step(result: dict[str, Any]) -> dict[str, Verdict]:
    """Return the verdict on the seconds of the processor that our first step takes more than the rival's."""
    ours, rival, *_ = (steps["cpu"] for steps in result["steps"].values())
    return {"ours": Verdict(ours - rival, most=MOST_FOR_FIRST_STEP, unit=" s")}


def disagreements(result: dict[str, Any]) -> list[str]:
    """Return the rivals that find something else on more vectors than rounding explains."""
    return [name for name, share in result["agreement"].items() if share < LEAST_AGREEMENT]


def three_digits(number: float) -> str:
    """Return a number to three digits, or all before the point.

    Examples
    --------
    >>> three_digits(0.012345), three_digits(99.96), three_digits(2562.4)
    ('0.0123', '100', '2,562')
    """
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def summary(results: dict[str, Any]) -> list[str]:
    """Return in lines how many targets are met, and which are not."""
    named = {
        f"{name}, {subject}": verdict
        for kind, judge in (("settings", of_setting), ("series", of_series), ("first_steps", of_first_step))
        for name, result in results.get(kind, {}).items()
        for subject, verdict in judge(result).items()
    }
    differ = [
        f"{rival} finds something else: {name}"
        for name, result in results["settings"].items()
        for rival in disagreements(result)
    ]
    return [*lines(named), *differ]


def lines(named: dict[str, Verdict]) -> list[str]:
    """Return in lines how many of the verdicts are met, and which are not.

    Examples
    --------
    >>> lines({"small, ours": Verdict(2.0, most=3), "large, ours": Verdict(4.0, most=3, unit=" MB")})
    ['1 of 2 targets met', 'missed: large, ours: 4, not ≤ 3 MB']
    """
    missed = [
        f"missed: {name}: {three_digits(verdict.value)}, not {verdict.bounds}"
        for name, verdict in named.items()
        if not verdict.met
    ]
    return [f"{len(named) - len(missed)} of {len(named)} targets met", *missed]
