"""Losses, their gradients, and a step down these."""

from typing import Any

import numpy as np

from reference import Alpha, Beta, Codebook, Commitment, Coulomb, Norm
from reference.passes import Pass
from tests.browser.oracle.bounds import Numbers, bound, largest_of

KINDS = {"alpha": Alpha, "beta": Beta, "coulomb": Coulomb, "codebook": Codebook, "commitment": Commitment}


def losses(setting: dict[str, Any], it: Pass) -> Numbers:
    kinds = {name: kind for name, kind in KINDS.items() if isinstance(it.comparison, Norm) or not kind.needs_norm}
    losses = {name: kind(setting["weights"][name]) for name, kind in kinds.items()}
    n, m, largest = len(it.codebook), it.emb_index.size, largest_of(it)
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
