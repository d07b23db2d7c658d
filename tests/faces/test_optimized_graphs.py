"""Large lookups in sessions that optimize their graphs, as they do by default; the adapter for the laws does not."""

import numpy as np
import pytest
import tensorflow as tf

import vq_layer
from reference.distances import pairwise_distance
from reference.lookup import nearest

v1 = tf.compat.v1
pytestmark = [pytest.mark.long, pytest.mark.slow]


def fit(x, lookup_ord, n):
    """Return what looks x up, and with it trains."""
    out = vq_layer.vector_quantization(
        x, n, lookup_ord=lookup_ord, num_embeds_replaced=4, is_training=True, return_endpoints=True
    )
    loss = tf.add_n(v1.get_collection(v1.GraphKeys.LOSSES))
    return out.layer_out, v1.train.AdamOptimizer().minimize(loss)


def look_up(x, lookup_ord, n):
    """Return what looks x up, with nothing else in the graph."""
    out = vq_layer.vector_quantization(x, n, alpha=0, beta=0, gamma=0, lookup_ord=lookup_ord, return_endpoints=True)
    return out.layer_out, tf.no_op()


@pytest.mark.parametrize("mode", ["auto", "plain"])
@pytest.mark.parametrize("lookup_ord", [1, 2])
@pytest.mark.parametrize(("n", "batch"), [(32, 2000), (600, 300)])
@pytest.mark.parametrize("build", [fit, look_up])
def test_a_session_that_optimizes_its_graph_finds_the_nearest(build, n, batch, lookup_ord, mode):
    vq_layer.set_compilation(mode)
    rng = np.random.default_rng(0)
    data = rng.integers(-2, 3, size=(batch, 8, 64)).astype(np.float32)  # exact
    emb_space = data.reshape(-1, 64)[:n] + 0.5
    rows = data.reshape(-1, 64)[:200].astype(np.float64)
    expected = emb_space[nearest(pairwise_distance(rows, emb_space, lookup_ord))]
    for _ in range(2):  # how TensorFlow optimizes differs from graph to graph
        with tf.Graph().as_default(), v1.Session() as session:
            x = v1.placeholder(tf.float32, [None, 8, 64])
            layer_out, step = build(x, lookup_ord, n)
            session.run(v1.global_variables_initializer())
            (variable,) = (it for it in v1.global_variables() if it.name.endswith("emb_space:0"))
            variable.load(emb_space, session)
            found, _ = session.run([layer_out, step], {x: data})
        np.testing.assert_array_equal(found.reshape(-1, 64)[:200], expected)
