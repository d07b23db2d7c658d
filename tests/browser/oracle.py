"""What the oracle says of a setting of the playground, each number with a bound of its rounding.

Both sides round an operation by at most u = 2^-53 of its result, and a sum of k terms by (k - 1) u of the sum of their
magnitudes; a bound is twice the roundings that lead to a number, times u, times those magnitudes. What takes the same
exact operations on both sides, or chooses among given numbers, has the bound 0.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from reference import (
    Alpha,
    Beta,
    Codebook,
    Commitment,
    Cosine,
    Coulomb,
    DeadCodes,
    MostDistant,
    MovingAverage,
    Norm,
    Quantizer,
    Rotation,
    StraightThrough,
    lookup,
    metrics,
    spacing,
)
from reference.distances import pairwise_distance
from reference.non_finite import finite_rows
from reference.parts import starts
from reference.parts.choices import Choice
from reference.passes import Pass, look_up
from reference.similarity import normalize
from vq_verify.comparison.rounding import distance_error, rounding

U = 2.0**-53
KINDS = {"alpha": Alpha, "beta": Beta, "coulomb": Coulomb, "codebook": Codebook, "commitment": Commitment}
COMPARISONS = {"l1": Norm(1), "l2": Norm(2), "linf": Norm(np.inf), "cosine": Cosine()}

Numbers = dict[str, tuple[Any, Any]]  # a value and its bound by each name


def bound(roundings: float, magnitude: Any) -> Any:
    """Return what so many roundings on each side may come to."""
    return 2 * roundings * U * np.nan_to_num(np.abs(magnitude), nan=0.0, posinf=0.0)


class Draws:
    """A generator that draws what it is given."""

    def __init__(self, draws: Any) -> None:
        self.draws = iter(draws)

    def integers(self, high: int) -> int:
        """Return an index below `high`, each with the same probability."""
        return int(next(self.draws) * high)

    def choice(self, size: int, p: Any) -> int:
        """Return an index, each with its probability."""
        return self.integers(size) if p is None else int(np.searchsorted(np.cumsum(p), next(self.draws), "right"))

    def permutation(self, rows: Any) -> Any:
        """Return the rows in the given order."""
        return rows[list(self.draws)]


def found(setting: dict[str, Any], values: Any) -> tuple[Pass, Numbers]:
    """Return the pass of the oracle with the distances that the page computed, and what these must be."""
    comparison = COMPARISONS[setting["comparison"]]
    vectors, codebook = setting["vectors"][np.newaxis], setting["codebook"]
    it = look_up(vectors, np.ones(vectors.shape[:-1], bool), codebook, Quantizer(comparison=comparison))
    if isinstance(comparison, Norm):
        name, wanted, choose = "distance", it.search.distance, lookup.nearest
        error = 0 if setting["exact"] else _distance_error(wanted, comparison.p)
    else:
        name, wanted, choose = "similarity", it.search.similarity, lookup.most_similar
        error = bound(10, 1)  # each unit vector has 4 roundings, products and sum add 2
    index = choose(values[np.newaxis])
    search = replace(it.search, index=index, **{name: values[np.newaxis]})
    it = it._replace(search=search, choice=Choice(index))
    return it, {"values": (wanted[0], error if np.ndim(error) == 0 else error[0]), "indices": (index[0], 0)}


def _distance_error(distance: Any, p: float) -> Any:
    return np.nan_to_num(distance_error(distance, 2, p, rounding(np.float64)))


def numbers(setting: dict[str, Any], it: Pass) -> Numbers:
    """Return all other numbers, those of losses and gradients by dotted names."""
    return {
        **_usage(it),
        **(_spacings(setting, it) if isinstance(it.comparison, Norm) else {}),
        **_losses(setting, it),
        **_estimators(setting, it),
        **_averages(setting, it),
        **_replacements(setting, it),
        **_starts(setting, it),
    }


def _usage(it: Pass) -> Numbers:
    counts = lookup.access_count(it.emb_index, len(it.codebook))
    perplexity = metrics.perplexity(counts)
    # The entropy is below 4, and as good as its roundings: a share, a logarithm, a product and a sum for each.
    return {
        "counts": (counts, 0),
        "usage": (metrics.codebook_usage(counts), 0),
        "perplexity": (perplexity, bound(4 * (len(counts) + 4), perplexity)),
    }


def _spacings(setting: dict[str, Any], it: Pass) -> Numbers:
    p = it.comparison.p
    among = pairwise_distance(it.codebook, it.codebook, p)
    values = {"pairs": spacing.emb_spacing(among), "closest": spacing.emb_closest_spacing(among)}
    return {name: (value, 0 if setting["exact"] else _distance_error(value, p)) for name, value in values.items()}


def _losses(setting: dict[str, Any], it: Pass) -> Numbers:
    kinds = {name: kind for name, kind in KINDS.items() if isinstance(it.comparison, Norm) or not kind.needs_norm}
    losses = {name: kind(setting["weights"][name]) for name, kind in kinds.items()}
    n, m, largest = len(it.codebook), it.emb_index.size, _largest(it)
    result, toward = {}, {"Codebook": (0, 0), "Vectors": (0, 0)}
    for name, loss in losses.items():
        value, weight = loss.value(it), abs(loss.weight)
        # Distances and squares have 3 roundings, and are all of one sign; a mean over M or 2 M, or a sum over n, adds.
        result[f"losses.{name}"] = (value, bound(2 * m + n + 6, value))
        target = "Codebook" if kinds[name].trains_emb_space else "Vectors"
        gradient = loss.gradient_to_emb_space(it) if target == "Codebook" else loss.gradient_to_vectors(it)[0]
        # The terms are no larger than this together: subgradients are at most 1, and a mean is of so many.
        magnitude = {"coulomb": n * weight, "codebook": 2 * largest * weight, "commitment": 2 * largest * weight}
        error = bound(m + n + 10, magnitude.get(name, weight))
        result[f"gradients.{name}"] = (gradient, error)
        if loss.weight:
            toward[target] = toward[target][0] + gradient, toward[target][1] + error
    for target, rows in (("Codebook", it.codebook), ("Vectors", it.vectors[0])):
        gradient, error = toward[target]
        rate = setting["rate"]
        # At most 4 gradients are added up, multiplied and taken off.
        size = np.abs(rows) + rate * (2 * largest + n) * 8
        result[f"descended{target}"] = (rows - rate * gradient, rate * error + bound(6, size))
    return result


def _largest(it: Pass) -> float:
    rows = np.concatenate([it.codebook, it.vectors[0]])
    return float(np.abs(rows[finite_rows(rows)]).max(initial=0.0))


def _estimators(setting: dict[str, Any], it: Pass) -> Numbers:
    vectors, chosen, upstream = it.vectors[0], it.chosen[0], setting["upstream"]
    rotated = Rotation().gradient_to_vectors(vectors, chosen, upstream)
    # Its length is good to a few roundings, its direction to those that x + e, scaled to norm 1, makes larger.
    with np.errstate(divide="ignore"):
        enlarged = 1 + 1 / np.linalg.norm(normalize(vectors) + normalize(chosen), axis=-1, keepdims=True)
    opposite = ~np.isfinite(enlarged)
    size = np.linalg.norm(rotated, axis=-1, keepdims=True) * np.where(opposite, 1, enlarged)
    return {
        "identity": (StraightThrough().gradient_to_vectors(vectors, chosen, upstream), 0),
        "rotation": (rotated, bound(40, size)),
    }


def _averages(setting: dict[str, Any], it: Pass) -> Numbers:
    update = MovingAverage(setting["decay"], setting["epsilon"])
    state = {"emb_space": it.codebook, "average_count": setting["averageCounts"]}
    after = update.after(state, update.gather(it), it.comparison)
    n, m = len(it.codebook), it.emb_index.size
    # c of the vectors move an embedding by (1 - decay) / N' of their differences, and (1 - decay) c is at most N but
    # for epsilon: together by no more than 2.1 times the largest coordinate.
    size = 3.1 * (_largest(it) if isinstance(it.comparison, Norm) else 1) / _shrinking(setting, it)
    return {
        "averageCounts": (after["average_count"], bound(3, after["average_count"])),
        "averageCodebook": (after["emb_space"], bound(m + n + 12, size)),
    }


def _shrinking(setting: dict[str, Any], it: Pass) -> Any:
    """Return how long embeddings are that the cosine then scales to norm 1, which scales their roundings, too."""
    if isinstance(it.comparison, Norm):
        return 1
    unscaled = MovingAverage(setting["decay"], setting["epsilon"])
    vectors, codebook = normalize(it.vectors), normalize(it.codebook)
    there = it._replace(vectors=vectors, codebook=codebook, comparison=Norm(2))
    state = {"emb_space": codebook, "average_count": setting["averageCounts"]}
    moved = unscaled.after(state, unscaled.gather(there), Norm(2))["emb_space"]
    length = np.linalg.norm(np.nan_to_num(moved), axis=-1, keepdims=True)
    return np.where(length == 0, 1, length)


def _replacements(setting: dict[str, Any], it: Pass) -> Numbers:
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


def _starts(setting: dict[str, Any], it: Pass) -> Numbers:
    vectors, n = setting["vectors"], len(it.codebook)
    finite, cosine = vectors[finite_rows(vectors)], isinstance(it.comparison, Cosine)
    result: Numbers = {"sample": (starts.sample(vectors, n, Draws(setting["order"])), 0), "first": (None, 0)}
    if len(vectors) >= n and finite_rows(vectors[:n]).all():
        result["first"] = (starts.first_rows(vectors, n), 0)
    if len(finite):
        seeds = starts.k_means_seeds(finite, n, Draws(setting["draws"]))
        error = bound(len(finite) + 1, np.abs(finite).max())
        result |= {"seeds": (seeds, 0), "lloyd": (starts.lloyd_step(finite, seeds), error)}
    if len(finite) and not setting["exact"]:  # where means tie, their rounding decides
        rows = normalize(finite) if cosine else finite
        centers = starts.k_means(rows, n, setting["iterations"], Draws(setting["draws"]))
        length = np.linalg.norm(centers, axis=-1, keepdims=True)
        scale = np.where(length == 0, 1, length) if cosine else 1
        error = bound(len(finite) + 10, np.abs(rows).max() / scale)
        result["kMeans"] = (normalize(centers) if cosine else centers, error)
    return result
