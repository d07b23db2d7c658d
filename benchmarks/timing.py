"""Times of calls that take turns, so that a change of the machine's speed falls on all alike."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

PAUSE = 0.01  # seconds before a turn, in which the idle threads of the call before stop spinning
TURN = 0.1  # seconds of a turn, in which a quick call is made several times, the first few on cold caches
MOST_IN_TURN = 10
FEWEST_TURNS, MOST_TURNS = 3, 15


@dataclass(frozen=True)
class Times:
    """Seconds that a call takes.

    Attributes
    ----------
    first : float
        The first call, compilation included.
    median, lower, upper : float
        The median and the quartiles of the later ones.
    calls : int
        How many these are.
    """

    first: float
    median: float
    lower: float
    upper: float
    calls: int


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that a call takes, and its result."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def plan(seconds: float, budget: float) -> tuple[int, int]:
    """Return how many turns, and how many calls in each, a call of so many seconds gets.

    Examples
    --------
    >>> plan(0.02, budget=2.0), plan(0.8, budget=2.0), plan(1e-4, budget=0.0)
    ((15, 5), (3, 1), (3, 10))
    """
    in_turn = int(np.clip(round(TURN / seconds), 1, MOST_IN_TURN))
    return int(np.clip(budget / (in_turn * seconds), FEWEST_TURNS, MOST_TURNS)), in_turn


def rounds(turns: Mapping[str, int]) -> Iterator[list[str]]:
    """Return who has a turn in each round: everyone as often as told, evenly spread.

    Examples
    --------
    >>> list(rounds({"a": 4, "b": 2}))
    [['a'], ['a', 'b'], ['a'], ['a', 'b']]
    """
    total = max(turns.values())
    for position in range(total):
        yield [name for name, own in turns.items() if (position + 1) * own // total > position * own // total]


def take_turns(calls: Mapping[str, Callable[[], Any]], budget: float) -> dict[str, list[float]]:
    """Return the seconds of each call, about so many in sum for each name; all must have been called before."""
    plans = {name: plan(timed(call)[0], budget) for name, call in calls.items()}
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for names in rounds({name: turns for name, (turns, _) in plans.items()}):
        for name in names:
            time.sleep(PAUSE)
            seconds[name] += [timed(calls[name])[0] for _ in range(plans[name][1])]
    return seconds


def summary(first: float, seconds: list[float]) -> Times:
    """Return the median and the quartiles."""
    lower, median, upper = np.quantile(seconds, [0.25, 0.5, 0.75]).tolist()
    return Times(first, median, lower, upper, len(seconds))
