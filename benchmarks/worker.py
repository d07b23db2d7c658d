"""What one process measures: ``python -m benchmarks.worker REQUEST`` prints the answer, both of them JSON."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from benchmarks import memory
from benchmarks.agreement import share
from benchmarks.data import make
from benchmarks.implementations import prepared
from benchmarks.settings import OURS, Setting
from benchmarks.timing import summary, take_turns, timed

CALLS = 2  # of which the peak of memory is measured
CEILING = "ceiling"


def times(setting: Setting, budget: float) -> dict[str, Any]:
    """Return the times of the base, of all rivals and of the ceiling, and which share of the results is the base's."""
    data = make(setting)
    calls = {name: prepared(name, setting)(data) for name in (setting.base, *setting.rivals)}
    first = {name: timed(call) for name, call in calls.items()}
    results = {name: result for name, (_, result) in first.items()}
    operations = {}
    if setting.ceiling:
        from benchmarks.ceiling import CEILINGS  # noqa: PLC0415 - imports TensorFlow, which other requests do without

        ceiling = CEILINGS[setting.ceiling](setting.lookup_ord)
        calls[CEILING], first[CEILING] = ceiling.call, timed(ceiling.call)
        operations = {OURS: setting.operations, CEILING: ceiling.operations}
    seconds = take_turns(calls, budget)
    return {
        "times": {name: asdict(summary(first[name][0], seconds[name])) for name in calls},
        "agreement": {name: share(results[setting.base], results[name]) for name in setting.rivals if results[name]},
        "operations": operations,
    }


def series(points: list[Setting], budget: float) -> dict[str, Any]:
    """Return the times of ours at several sizes, in the order of the points."""
    calls = {str(i): prepared(OURS, setting)(make(setting)) for i, setting in enumerate(points)}
    first = {name: timed(call)[0] for name, call in calls.items()}
    seconds = take_turns(calls, budget)
    return {"times": [asdict(summary(first[name], seconds[name])) for name in calls]}


def first_steps(setting: Setting, runs: int) -> dict[str, Any]:
    """Return the seconds of the first training step of a process and of those after it, by implementation."""
    from benchmarks.first_step import measured  # noqa: PLC0415 - imports TensorFlow

    return {"steps": measured(setting, runs)}


def peak_memory(setting: Setting, implementation: str) -> dict[str, float]:
    """Return the peak of memory over the import and, without the results, over the data, in MB."""
    prepare = prepared(implementation, setting)
    imported = memory.resident()
    call = prepare(make(setting))
    _let_go()
    with_data = memory.resident()
    memory.forget_peak()  # of making the data
    for _ in range(CALLS):
        results = sum(array.nbytes for array in call()) / 1e6  # which the next call finds gone
    peak = memory.peak()
    return {
        "over_import": peak - imported,
        "over_data": peak - with_data - results,
    }


def _let_go() -> None:
    """Let TensorFlow, where it is there, let go of its copy of the last array made a tensor, as by any operation."""
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].zeros([2]).numpy()


ANSWERS: dict[str, Callable[..., dict[str, Any]]] = {
    "times": times,
    "series": series,
    "first_steps": first_steps,
    "peak_memory": peak_memory,
}


def answer(question: str, **arguments: Any) -> dict[str, Any]:
    """Answer a request, whose settings are mappings."""
    if "setting" in arguments:
        arguments["setting"] = Setting(**arguments["setting"])
    if "points" in arguments:
        arguments["points"] = [Setting(**point) for point in arguments["points"]]
    return ANSWERS[question](**arguments)


if __name__ == "__main__":
    print(json.dumps(answer(**json.loads(sys.argv[1]))))
