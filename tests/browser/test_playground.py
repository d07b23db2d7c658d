"""The mathematics of the playground, held to the oracle number by number."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples

from tests.browser.oracle import found, numbers
from tests.browser.settings import settings

pytestmark = pytest.mark.browser

NUMBERS = (Path(__file__).parent / "numbers.js").read_text()


def asked(playground, setting):
    """Return what the page computes, by dotted names."""
    text = json.dumps(spelled(setting))
    answer = json.loads(playground.execute_script(NUMBERS, text))
    nested = {f"{name}.{inner}": it for name in ("losses", "gradients") for inner, it in answer.pop(name).items()}
    return {name: value if value is None else np.array(value, float) for name, value in (answer | nested).items()}


def spelled(value):
    """Spell what is not finite, for which JSON has no number."""
    if isinstance(value, dict):
        return {name: spelled(each) for name, each in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [spelled(each) for each in np.asarray(value, object).tolist()] if len(value) else []
    if isinstance(value, float) and not np.isfinite(value):
        return {np.inf: "Infinity", -np.inf: "-Infinity"}.get(value, "NaN")
    return value


def is_within(got, wanted, error):
    """Tell whether numbers are off by no more than the bound; NaN and infinity are to be themselves."""
    if got is None or wanted is None:
        return got is wanted
    got, wanted = np.broadcast_arrays(got, np.asarray(wanted, float)) if np.shape(got) == np.shape(wanted) else (0, 1)
    with np.errstate(invalid="ignore"):
        return bool(np.all((np.abs(got - wanted) <= error) | (got == wanted) | (np.isnan(got) & np.isnan(wanted))))


DRAWS = examples(max_examples=200, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(setting=settings())
@DRAWS
def test_every_number_is_the_oracle_s(playground, setting):
    got = asked(playground, setting)
    it, wanted = found(setting, got["values"])
    wanted |= numbers(setting, it)
    assert set(got) == set(wanted)
    wrong = {name: (got[name], *wanted[name]) for name in wanted if not is_within(got[name], *wanted[name])}
    assert not wrong


def test_a_replacement_writes_no_more_rows_than_there_are(playground):
    candidates = [{"key": key, "vector": [key, key]} for key in (3, 2, 1)]
    replaced = "return Object.entries(VQ.mostDistant.replaced(arguments[0], [[0, 0]]))"
    assert playground.execute_script(replaced, {"usage": [0], "candidates": candidates}) == [["0", [3, 3]]]


def ties(setting):
    """Tell whether a vector is as far from the nearest embedding as from another, different one."""
    p = {"l1": 1, "l2": 2, "linf": np.inf}.get(setting["comparison"])
    if p is None or not setting["exact"]:
        return False
    codebook = np.unique(setting["codebook"], axis=0)
    distance = np.linalg.norm(setting["vectors"][:, np.newaxis] - codebook, ord=p, axis=-1)
    return bool(((distance == distance.min(axis=1, keepdims=True)).sum(axis=1) > 1).any())


def zero(rows):
    """Tell whether one of the rows is zero."""
    return bool((rows == 0).all(axis=1).any())


REACHED = {
    "ties of different embeddings": ties,
    "equal embeddings": lambda it: len(np.unique(it["codebook"], axis=0)) < len(it["codebook"]),
    "a zero vector": lambda it: zero(it["vectors"]),
    "a zero embedding under the cosine": lambda it: it["comparison"] == "cosine" and zero(it["codebook"]),
    "a single embedding": lambda it: len(it["codebook"]) == 1,
    "a vector that is not finite": lambda it: not np.isfinite(it["vectors"]).all(),
    "no finite embedding": lambda it: not np.isfinite(it["codebook"]).all(axis=1).any(),
    "fewer vectors than embeddings": lambda it: len(it["vectors"]) < len(it["codebook"]),
    "Gaussian vectors": lambda it: not it["exact"],
}


@pytest.fixture(scope="module")
def drawn():
    """Return as many settings."""
    collected = []

    @given(settings())
    @DRAWS
    def collect(setting):
        collected.append(setting)

    collect()
    return collected


@pytest.mark.parametrize("kind", REACHED)
def test_the_settings_reach(drawn, kind):
    assert any(map(REACHED[kind], drawn))
