"""Training passes of the playground, one after another, held to those of the oracle."""

import json

import numpy as np
import pytest

from reference import Cosine, DeadCodes, MostDistant, MovingAverage, Norm, Quantizer, initial_state, quantize
from tests.browser.oracle.bounds import bound

pytestmark = pytest.mark.browser

PASSES = 30
NORMS = {"l1": Norm(1), "l2": Norm(2), "linf": Norm(np.inf), "cosine": Cosine()}
RULES = {
    "none": None,
    "dead-codes": DeadCodes(0.05, 0.7, "most-distant", number=2, every=3),
    "most-distant": MostDistant(2, every=3),
}
TOGETHER = [(rule, norm) for rule in RULES for norm in NORMS if (rule, norm) != ("most-distant", "cosine")]  # VQ-17.21

# The worlds from one in which most embeddings are not chosen, to that after the last pass.
RUN = f"""
const [settings] = arguments;
const worlds = [{{ ...VQ.world.create({{ ...VQ.presets.collapse.settings, ...settings }}), number: 2 }}];
for (let i = 0; i < {PASSES}; i += 1) worlds.push(VQ.training.passed(worlds.at(-1)).world);
return JSON.stringify(worlds.map(({{ codebook, vectors, averageCounts }}) => ({{ codebook, vectors, averageCounts }})));
"""


@pytest.mark.parametrize(("rule", "comparison"), TOGETHER)
def test_passes_are_the_oracle_s(playground, rule, comparison):
    settings = {"comparison": comparison, "replacement": rule, "every": 3, "source": "most-distant", "shareDecay": 0.7}
    worlds = json.loads(playground.execute_script(RUN, settings))
    first, *later = ({name: np.array(rows) for name, rows in world.items()} for world in worlds)
    quantizer = Quantizer(NORMS[comparison], update=MovingAverage(0.9, 0.0), replacement=RULES[rule])
    state = initial_state(first["codebook"], quantizer)
    for i, world in enumerate(later, 1):
        state = quantize(first["vectors"][np.newaxis], state, quantizer, training=True).state
        # A pass over 60 vectors adds its roundings, of numbers below 4, to a part of those of the passes before.
        error = i * bound(60 + 8 + 12, 4)
        assert np.abs(world["codebook"] - state["emb_space"]).max() <= error
        assert np.abs(world["averageCounts"] - state["average_count"]).max() <= 60 * error
    if comparison in {"l1", "l2"}:  # under which none but the first is chosen, unless it is replaced
        stayed = (later[-1]["codebook"] == first["codebook"]).all(axis=1).sum()
        assert stayed == 7 if rule == "none" else stayed < 3
