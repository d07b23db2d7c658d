"""How a gradient passes on."""

from typing import Any

import numpy as np

from reference import Rotation, StraightThrough
from reference.passes import Pass
from reference.similarity import normalize
from tests.browser.oracle.bounds import Numbers, bound


def estimators(setting: dict[str, Any], it: Pass) -> Numbers:
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
