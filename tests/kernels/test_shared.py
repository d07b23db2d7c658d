"""What calls that are alike share: one graph of a function."""

import numpy as np
import pytest
import tensorflow as tf

from vq_layer.kernels import compilation
from vq_layer.kernels.compilation import set_compilation, shared
from vq_layer.kernels.surroundings import inside_xla


@pytest.fixture
def traced():
    """Return the number and the factor of each graph that `scaled` got, and `scaled`."""
    graphs = []

    @shared
    def scaled(x, *, factor):
        graphs.append((x.shape[0], x.dtype.name, factor, inside_xla()))
        return x * factor

    return graphs, scaled


def test_calls_that_are_alike_share_a_graph_in_whatever_graph_they_are(traced):
    graphs, scaled = traced
    x = tf.range(3.0)
    for call in (scaled, *(tf.function(lambda x: scaled(x, factor=2) + scaled(x, factor=2)) for _ in range(2))):
        call(x, factor=2) if call is scaled else call(x)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        np.testing.assert_array_equal(session.run(scaled(tf.range(3.0), factor=2)), [0, 2, 4])
    assert graphs == [(3, "float32", 2, False)]


def test_others_have_their_own(traced):
    graphs, scaled = traced
    for x, factor in ((tf.range(3.0), 2), (tf.range(4.0), 2), (tf.range(3), 2), (tf.range(3.0), 5)):
        np.testing.assert_array_equal(scaled(x, factor=factor), np.arange(len(x)) * factor)
    assert graphs == [
        (3, "float32", 2, False),
        (4, "float32", 2, False),
        (3, "int32", 2, False),
        (3, "float32", 5, False),
    ]


def test_and_so_has_what_xla_compiles_as_a_whole_and_each_mode(traced):
    graphs, scaled = traced
    x = tf.range(3.0)
    compiled = tf.function(lambda x: scaled(x, factor=2), jit_compile=True)
    scaled(x, factor=2)
    np.testing.assert_array_equal(compiled(x), [0, 2, 4])
    set_compilation("plain")
    try:
        scaled(x, factor=2)
    finally:
        set_compilation("auto")
    assert graphs == [(3, "float32", 2, False), (3, "float32", 2, True), (3, "float32", 2, False)]


def test_the_latest_graphs_are_kept(monkeypatch):
    monkeypatch.setattr(compilation, "_KEPT", 2)
    traced = []
    double = shared(lambda x: traced.append(x.shape[0]) or 2 * x)
    for number in (1, 2, 1, 3, 1, 2):
        np.testing.assert_array_equal(double(tf.ones(number)), np.full(number, 2))
    assert traced == [1, 2, 3, 2]


def test_what_is_checked_leaves_no_checks_behind():
    """Once checks end, so do the errors that they raise, and XLA can compile again."""
    inverse = shared(lambda x: 1 / x)
    tf.debugging.enable_check_numerics()
    try:
        with pytest.raises(tf.errors.InvalidArgumentError, match="Inf"):
            inverse(tf.zeros(3))
    finally:
        tf.debugging.disable_check_numerics()
    for compiled in (False, True):
        np.testing.assert_array_equal(tf.function(inverse, jit_compile=compiled)(tf.zeros(3)), np.full(3, np.inf))
