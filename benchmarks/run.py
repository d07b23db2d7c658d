"""A run: all measurements, one after the other, put together."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from rich.progress import Progress

from benchmarks.growth import Series
from benchmarks.settings import OURS, Setting

Ask = Callable[..., dict[str, Any]]
AT_ONCE = 2  # processes of which the memory is measured, not the time


def measure(
    settings: Sequence[Setting],
    series: Sequence[Series],
    first_steps: Sequence[Setting],
    budget: float,
    runs: int,
    ask: Ask,
    progress: Progress,
) -> dict[str, Any]:
    """Measure everything.

    Parameters
    ----------
    settings, series, first_steps : sequences
        What to measure.
    budget : float
        Seconds for the repetitions of each implementation at each setting, without the first calls.
    runs : int
        How many processes make each of the first steps.
    ask : callable
        What answers a question; see `benchmarks.worker.answer`.
    progress : rich.progress.Progress
        Where to show what is done.

    Returns
    -------
    dict
        ``settings``, ``series`` and ``first_steps``, each a mapping by name.
    """
    task = progress.add_task("", total=2 * (len(settings) + len(series)) + len(first_steps))

    def shown(description: str, answer: Any) -> Any:
        progress.update(task, advance=1, description=description)
        return answer

    times = {
        setting.name: shown(setting.name, ask("times", setting=asdict(setting), budget=budget)) for setting in settings
    }
    growth = {
        one.name: shown(one.name, ask("series", points=_fields(one.points), budget=budget) if one.timed else {})
        for one in series
    }
    steps = {
        one.name: _sizes(one) | shown(one.name, ask("first_steps", setting=asdict(one), runs=runs))
        for one in first_steps
    }
    with ThreadPoolExecutor(AT_ONCE) as pool:

        def memory(points: Sequence[Setting], implementations: Sequence[str]) -> list[dict[str, float]]:
            requests = [(asdict(point), name) for point in points for name in implementations]
            return list(
                pool.map(lambda request: ask("peak_memory", setting=request[0], implementation=request[1]), requests)
            )

        for setting in settings:
            names = [setting.base, *setting.rivals]
            peaks = dict(zip(names, shown(f"{setting.name}, memory", memory([setting], names)), strict=True))
            times[setting.name] |= {**_facts(setting), "memory": peaks}
        for one in series:
            peaks = shown(f"{one.name}, memory", memory(one.memory_points, [OURS]))
            growth[one.name] |= {
                "size": one.size,
                "sizes": one.sizes(one.points),
                "memory_sizes": one.sizes(one.memory_points),
                "memory": peaks,
            }
    return {"settings": times, "series": growth, "first_steps": steps}


def _sizes(setting: Setting) -> dict[str, int]:
    return {"vectors": setting.rows, "embeddings": setting.n, "d": setting.d}


def _facts(setting: Setting) -> dict[str, Any]:
    return {
        **_sizes(setting),
        "ceiling": setting.ceiling,
        "targets": dict(setting.rivals),
        "at_most": dict(setting.at_most),
        "memory_limit": setting.memory_limit,
    }


def _fields(points: Sequence[Setting]) -> list[dict[str, Any]]:
    return [asdict(point) for point in points]
