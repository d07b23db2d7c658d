"""A branch that is seldom taken gives what `tf.cond` gives, and its operations stay out of the way."""

import pytest
import tensorflow as tf

from vq_layer.kernels.branches import rarely


def branched(needed, x):
    return rarely(needed, lambda: tf.square(x) * 2, lambda: x + 1)


@pytest.mark.parametrize("run", [lambda it: it, tf.function], ids=["eager", "traced"])
@pytest.mark.parametrize(("needed", "value", "gradient"), [(True, 18, 12), (False, 4, 1)])
def test_it_is_a_branch_with_its_gradient(run, needed, value, gradient):
    x = tf.constant(3.0)

    @run
    def both(needed, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = branched(needed, x)
        return y, tape.gradient(y, x)

    assert [float(it) for it in both(tf.constant(needed), x)] == [value, gradient]


def test_what_is_seldom_needed_is_a_function_that_is_not_inlined():
    graph = tf.function(branched).get_concrete_function(tf.TensorSpec([], tf.bool), tf.TensorSpec([])).graph
    functions = {it.signature.name: it for it in graph.as_graph_def().library.function}
    (branch,) = [it for it in graph.get_operations() if it.type in ("If", "StatelessIf")]
    taken = functions[branch.get_attr("then_branch").name]
    (call,) = [node for node in taken.node_def if "PartitionedCall" in node.op]
    assert functions[call.attr["f"].func.name].attr["_noinline"].b
    assert "Square" not in {node.op for node in taken.node_def}
