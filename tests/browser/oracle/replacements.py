"""Both replacements, and how moving averages restart after them."""

from dataclasses import replace
from typing import Any

import numpy as np

from reference import DeadCodes, MostDistant, MovingAverage, Norm
from reference.passes import Pass
from tests.browser.oracle.bounds import Numbers, bound


def replacements(setting: dict[str, Any], it: Pass) -> Numbers:
    counts = MovingAverage(setting["decay"]).after(
        {"emb_space": it.codebook, "average_count": setting["averageCounts"]}, _counted(it), Norm(2)
    )["average_count"]
    result = _dead_codes(setting, it, counts)
    if isinstance(it.comparison, Norm):
        result |= _most_distant(setting, it, counts)
    return result


def _counted(it: Pass) -> dict[str, Any]:
    return MovingAverage().gather(it._replace(comparison=Norm(2)))


def _dead_codes(setting: dict[str, Any], it: Pass, counts: Any) -> Numbers:
    part = DeadCodes(setting["fraction"], setting["shareDecay"], "sample", setting["number"])
    state = {**part.initial_state(it.codebook), "emb_space": it.codebook, "moving_share": setting["shares"]}
    it = it._replace(state=state)
    gathered = part.gathered(state, part.gather(it))
    sampled = part.written(gathered)["emb_space"]
    by_distance = replace(part, source="most-distant")
    nearest = by_distance.written(by_distance.gathered(state, by_distance.gather(it)))["emb_space"]
    share = gathered["moving_share"]
    order = np.argsort(share, kind="stable")
    default = len(DeadCodes().kept(it.codebook)["candidate_keys"])
    return {
        "shares": (share, 0),
        "dead": (order[share[order] < setting["fraction"]], 0),
        "deadByDistance": (nearest, 0),
        "deadBySample": (sampled, 0),
        "deadCounts": _restarted(it, counts, sampled),
        "deadNumber": (default, 0),
    }


def _most_distant(setting: dict[str, Any], it: Pass, counts: Any) -> Numbers:
    part, stored = MostDistant(setting["number"]), setting["stored"]
    state = {**part.initial_state(it.codebook), "emb_space": it.codebook, "accumulated_usage_count": setting["usage"]}
    for slot, candidate in enumerate(stored):
        state["distant_inputs"][slot], state["input_distances"][slot] = candidate["vector"], candidate["key"]
    gathered = part.gathered(state, part.gather(it))
    written = part.written(gathered)["emb_space"]
    return {
        "mostDistantUsage": (gathered["accumulated_usage_count"], 0),
        "mostDistant": (written, 0),
        "mostDistantCounts": _restarted(it, counts, written),
    }


def _restarted(it: Pass, counts: Any, written: Any) -> tuple[Any, Any]:
    rows = ~((it.codebook == written) | np.isnan(it.codebook) & np.isnan(written)).all(axis=-1)
    state = {"emb_space": written, "average_count": counts}
    after = MovingAverage().restarted(state, rows, Norm(2))["average_count"]
    return after, bound(len(counts) + 3, counts.sum())
