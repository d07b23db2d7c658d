"""The route, decided once."""

import numpy as np
import pytest
import tensorflow as tf

from vq_layer.kernels import compilation, tuning
from vq_layer.kernels.route import route
from vq_layer.kernels.tuning import Tuning

EMB_SPACE = tf.zeros([5, 3])


@pytest.fixture(autouse=True)
def _tuned(monkeypatch):
    """Let up to 20 vectors be small, and up to 50 few."""
    monkeypatch.setattr(tuning, "TUNING", Tuning(small=20 * 15, few=50, few_rows=16))


def taken(route):
    return route.choose(small=lambda: tf.constant(True), large=lambda _: tf.constant(False))


@pytest.mark.parametrize(("axes", "small", "few"), [((4, 5), True, 32), ((3, 7), False, 32), ((51,), False, None)])
def test_a_known_number_of_vectors_decides_at_once(axes, small, few):
    way = route(tf.zeros([*axes, 3]), EMB_SPACE)
    assert (way.small, way.small_at_run_time, way.few) == (small, None, few)
    assert bool(taken(way)) == small


@pytest.mark.parametrize("v2_control_flow", [True, False])
def test_an_unknown_number_decides_when_the_graph_runs(v2_control_flow):
    if not v2_control_flow:
        tf.compat.v1.disable_control_flow_v2()
    try:
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            x = tf.compat.v1.placeholder(tf.float32, [None, 7, 3])
            way = route(x, EMB_SPACE.numpy())
            chosen = taken(way)
            assert not way.small
            assert way.few is None
            assert [session.run(chosen, {x: np.zeros([batch, 7, 3])}) for batch in (0, 2, 3)] == [True, True, False]
    finally:
        tf.compat.v1.enable_control_flow_v2()


@pytest.mark.parametrize("mode", ["compiled", "fused"])
def test_where_all_is_to_be_compiled_nothing_is_small(monkeypatch, mode):
    monkeypatch.setattr(compilation, "_chosen", mode)
    way = route(tf.zeros([1, 3]), EMB_SPACE)
    assert way.way == mode
    assert not taken(way)


def test_whether_xla_works_is_asked_for_large_pairs_alone(monkeypatch):
    asked = []
    monkeypatch.setattr(compilation, "_xla_works", asked.append)
    assert route(tf.zeros([1, 3]), EMB_SPACE).way == "plain"
    assert not asked
    assert route(tf.zeros([100, 3]), EMB_SPACE).way == "plain"
    assert asked == ["CPU"]


def test_what_is_built_is_built_anew_for_another_tuning(monkeypatch):
    built = tuning.cached(lambda fact: (fact, tuning.TUNING.small))
    assert built("a") is built("a")
    monkeypatch.setattr(tuning, "TUNING", Tuning(small=7))
    assert built("a") == ("a", 7)
