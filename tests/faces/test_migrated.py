"""What the switches change that programs of TensorFlow 1 are migrated by.

``make migrated`` runs the laws in a process that begins with `disable_v2_behavior`, which none takes back. Here its
switches are turned one by one, all but the one that makes everything a graph, and turned back.
"""

import ast
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import reference
import vq_layer
from vq_layer.kernels import tuning
from vq_layer.kernels.tuning import Tuning

v1 = tf.compat.v1

EMB_SPACE = np.array([[0.0, 0.0], [4.0, 4.0], [2.0, -2.0]], np.float32)
X = np.random.default_rng(0).integers(-4, 5, [5, 2, 4]).astype(np.float32)
LABELS = [1, 0, 1]
REPLACED = vq_layer.MostDistant(1)
SWITCHES = ("v2_tensorshape", "control_flow_v2", "resource_variables", "tensor_equality")
ARGUMENTS = {"embedding_initializer": EMB_SPACE, "constant_init": True, "num_splits": 2, "return_endpoints": True}


@contextmanager
def switched_off(*switches):
    """Turn the switches off for a while."""
    for name in switches:
        getattr(v1, f"disable_{name}")()
    try:
        yield
    finally:
        for name in switches:
            getattr(v1, f"enable_{name}")()


@pytest.fixture(params=[SWITCHES[:1], SWITCHES], ids=["shapes", "all"])
def _migrated(request):
    with switched_off(*request.param):
        yield request.param


@pytest.fixture
def _large(request, monkeypatch):
    """Let the inputs be large where all switches are off."""
    if request.getfixturevalue("_migrated") == SWITCHES:
        monkeypatch.setattr(tuning, "TUNING", Tuning(small=8))


def run(build, dtype="float32"):
    """Run ``build(placeholder)`` in a graph of its own, batch and r unknown."""
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(dtype, [None, None, 4])
        fetches = build(x)
        session.run(v1.global_variables_initializer())
        return session.run(fetches, {x: X})


@pytest.mark.clause("VQ-2.5", "VQ-5.3", "VQ-5.4", "VQ-5.5", "VQ-7.1")
@pytest.mark.usefixtures("_migrated", "_large")
def test_the_function_quantizes_and_differentiates_in_a_migrated_program():
    weights = {"alpha": 0.1, "beta": 0.25, "gamma": 0.5}

    def build(x):
        endpoints = vq_layer.vector_quantization(x, 3, **weights, lookup_ord=1, **ARGUMENTS)
        losses = v1.get_collection(v1.GraphKeys.LOSSES)
        gradients = tf.gradients(tf.add_n(losses), [endpoints.emb_space])
        return {"endpoints": endpoints[:6], "losses": losses, "gradients": gradients}

    values = run(build)
    expected = reference.vector_quantization(X, EMB_SPACE, **weights, lookup_ord=1, num_splits=2)
    np.testing.assert_array_equal(values["endpoints"][0], expected.layer_out)
    # Sums of thirty float32 numbers of about one size, with less than a rounding for each.
    np.testing.assert_allclose(values["losses"], list(expected.losses.values()), rtol=30 * 2.0**-24)
    assert np.isfinite(values["gradients"]).all()
    assert np.any(values["gradients"])


@pytest.mark.clause("VQ-2.5", "VQ-9.4", "VQ-10.6")
@pytest.mark.usefixtures("_migrated", "_large")
def test_the_cosine_functions_quantize_in_a_migrated_program():
    plain = run(lambda x: vq_layer.cosine_vector_quantization(x, 3, **ARGUMENTS).layer_out)
    vote = run(lambda x: vq_layer.cosine_knn_vector_quantization(x, LABELS, 2, 2, 3, **ARGUMENTS).layer_out)
    expected = reference.cosine_vector_quantization(X, EMB_SPACE, num_splits=2)
    np.testing.assert_array_equal(plain, expected.layer_out)
    expected = reference.cosine_knn_vector_quantization(X, np.array(LABELS), 2, 2, EMB_SPACE, num_splits=2)
    np.testing.assert_array_equal(vote, expected.layer_out)


@pytest.mark.clause("VQ-11.6", "VQ-12.1", "VQ-12.4")
@pytest.mark.usefixtures("_migrated", "_large")
def test_a_migrated_program_initializes_trains_and_replaces():
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder("float32", [None, None, 4])
        arguments = {"embedding_initializer": "batch", "num_embeds_replaced": 2, "num_splits": 2}
        endpoints = vq_layer.vector_quantization(x, 3, 0.1, 0, 0, is_training=True, return_endpoints=True, **arguments)
        train = v1.train.GradientDescentOptimizer(0.5).minimize(tf.add_n(v1.get_collection(v1.GraphKeys.LOSSES)))
        session.run(v1.global_variables_initializer())
        session.run(endpoints.emb_space_batch_init, {x: X})
        np.testing.assert_array_equal(session.run(endpoints.emb_space), X.reshape(-1, 2)[:3])
        session.run(train, {x: X})
        before = session.run(endpoints.emb_space)
        session.run(endpoints.replace_embeds)
        after = session.run(endpoints.emb_space)
    replaced = np.any(before != after, axis=-1)
    assert replaced.sum() == 2
    assert all(row in X.reshape(-1, 2).tolist() for row in after[replaced].tolist())


@pytest.mark.usefixtures("_migrated")
def test_a_value_that_was_read_is_not_changed_by_a_later_assignment():
    with tf.Graph().as_default(), v1.Session() as session:
        endpoints = vq_layer.vector_quantization(tf.constant(X), 3, **ARGUMENTS)
        before = endpoints.emb_space.read_value()
        with (
            tf.control_dependencies([before]),
            tf.control_dependencies([endpoints.emb_space.assign_add(EMB_SPACE + 1)]),
        ):
            kept = before + 0
        session.run(v1.global_variables_initializer())
        np.testing.assert_array_equal(session.run(kept), EMB_SPACE)


@pytest.mark.clause("VQ-16.1", "VQ-16.4", "VQ-16.5")
@pytest.mark.usefixtures("_migrated")
@pytest.mark.parametrize("of", ["vector_quantization", "cosine_vector_quantization", "cosine_knn_vector_quantization"])
def test_an_unknown_shape_is_refused_by_name_in_a_migrated_program(of):
    labels = (LABELS, 2, 2) if "knn" in of else ()
    for shape, rule in ((None, r"must have the shape \[batch, r, q\]"), ([None, 1, None], "must be static")):
        with tf.Graph().as_default() as graph:
            x = v1.placeholder("float32", shape)
            with pytest.raises(ValueError, match=f"`x` {rule}"):
                getattr(vq_layer, of)(x, *labels, 3)
            assert [op.type for op in graph.get_operations()] == ["Placeholder"]


@pytest.mark.parametrize(
    "layer",
    [
        lambda: vq_layer.presets.adversarial_2018(3, num_splits=2, losses=["alpha", "beta"], replacement=REPLACED),
        lambda: vq_layer.CosineVectorQuantization(3, num_splits=2, start=vq_layer.FromBatch()),
        lambda: vq_layer.CosineKNNVectorQuantization(LABELS, 2, 2, 3, num_splits=2, majority_threshold=0.5),
    ],
)
def test_the_layers_work_with_the_shapes_of_a_migrated_program(layer):
    with switched_off("v2_tensorshape"):
        layer = layer()
        assert layer(keras.Input((None, 4))).shape == (None, None, 4)
        layer_out = layer(keras.ops.array(X), training=True)
        if isinstance(layer, vq_layer.VectorQuantization):
            assert layer.replace_embeds().shape.as_list() == [3]
        codes = layer.encode(X)
        assert codes.shape.as_list() == [5, 2, 2]
        assert layer.decode(codes).shape.as_list() == layer_out.shape.as_list() == [5, 2, 4]


# Where a shape may be read as a whole: in messages, for its rank, and by what takes a shape.
WHOLE = {"TensorShape", "vector_size", "build", "is_compatible_with"}


def reads_of_shapes(source):
    """Return the lines that read a `shape` in any other way."""
    tree = ast.parse(source)
    parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}

    def allowed(node):
        parent = parents[node]
        if isinstance(parent, ast.Attribute):
            return parent.attr in {"rank", "is_compatible_with"}
        if isinstance(parent, ast.Call):
            return isinstance(parent.func, ast.Attribute) and parent.func.attr in WHOLE
        return isinstance(parent, ast.FormattedValue | ast.IfExp)

    attributes = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}  # such as `tf.shape(x)`
    shapes = (node for node in attributes if node.attr in {"shape", "element_shape"} and node not in called)
    return [node.lineno for node in shapes if not allowed(node)]


@pytest.mark.parametrize("line", ["n = x.shape[0]", "n, d = x.shape", "[*x.shape]", "x.shape == y.shape", "f(x.shape)"])
def test_a_shape_whose_entries_may_be_no_integers_is_found(line):
    assert reads_of_shapes(line)


def test_only_one_module_reads_the_entries_of_a_shape():
    root = Path(vq_layer.__file__).parent
    found = {path.relative_to(root).as_posix(): reads_of_shapes(path.read_text()) for path in root.rglob("*.py")}
    assert {name: lines for name, lines in found.items() if lines} == {}
