"""What only the functions for graphs promise: names, collections, sessions, wrap_function, and where they refuse."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import reference
import vq_layer

v1 = tf.compat.v1

EMB_SPACE = np.array([[0.0, 0.0], [3.0, 4.0], [1.0, -1.0]], np.float32)
X = np.array([[[0.1, 0.2, 2.0, 4.0]], [[1.0, -1.0, 9.0, 9.0]]], np.float32)


def run(build, x=X):
    """Run ``build(placeholder)`` in a graph of its own, variables initialized."""
    with tf.Graph().as_default(), v1.Session() as session:
        placeholder = v1.placeholder(x.dtype, [None, *x.shape[1:]])
        fetches = build(placeholder)
        session.run(v1.global_variables_initializer())
        return session.run(fetches, {placeholder: x})


@pytest.mark.clause("VQ-5.1", "VQ-5.6")
def test_losses_join_the_collection_in_order_and_by_name():
    with tf.Graph().as_default():
        vq_layer.vector_quantization(v1.placeholder("float32", [None, 2, 4]), 3, name="layer")
        losses = v1.get_collection(v1.GraphKeys.LOSSES)
    assert [loss.op.name for loss in losses] == ["layer/alpha_loss", "layer/beta_loss", "layer/coulomb_loss"]
    assert all(loss.shape == () for loss in losses)


@pytest.mark.clause("VQ-5.2", "VQ-5.8")
def test_a_schedule_of_a_weight_that_starts_at_zero_keeps_its_loss():
    def build(x):
        vq_layer.vector_quantization(x, 3, tf.constant(0.0), 0, 0.0)
        return v1.get_collection(v1.GraphKeys.LOSSES)

    assert run(build) == [0.0]


@pytest.mark.clause("VQ-2.5")
def test_positional_arguments_keep_the_order_of_2018():
    def build(x):
        return vq_layer.vector_quantization(
            x, 3, 0.5, 0.25, 0.125, 1, None, -1, EMB_SPACE, True, 2, 0, False, True, "vq"
        )[:1] + tuple(v1.get_collection(v1.GraphKeys.LOSSES))

    layer_out, *losses = run(build)
    expected = reference.vector_quantization(
        X, EMB_SPACE, alpha=0.5, beta=0.25, gamma=0.125, lookup_ord=1, num_splits=2
    )
    np.testing.assert_array_equal(layer_out, expected.layer_out)
    # A handful of float32 operations on numbers near 1.
    np.testing.assert_allclose(losses, list(expected.losses.values()), rtol=1e-6)


def test_the_variable_is_named_as_in_2018_and_trainable():
    with tf.Graph().as_default():
        vq_layer.vector_quantization(v1.placeholder("float32", [None, 2, 4]), 3, num_splits=2)
        (variable,) = v1.trainable_variables()
    assert variable.op.name == "vq/emb_space"
    assert variable.shape == (3, 2)


@pytest.mark.parametrize(
    "initializer",
    [v1.ones_initializer, v1.ones_initializer(), "ones", keras.initializers.Ones(), tf.ones_initializer],
)
def test_an_initializer_may_be_given_in_any_usual_form(initializer):
    layer_out = run(lambda x: vq_layer.vector_quantization(x, 3, embedding_initializer=initializer))
    np.testing.assert_array_equal(layer_out, np.ones_like(X))


@pytest.mark.clause("VQ-2.5")
@pytest.mark.parametrize("value", [EMB_SPACE, EMB_SPACE.tolist(), tf.constant(EMB_SPACE)])
def test_wrap_function_quantizes_with_a_constant_embedding_space(value):
    def quantize(x):
        return vq_layer.vector_quantization(x, 3, embedding_initializer=value, constant_init=True, num_splits=2)

    wrapped = v1.wrap_function(quantize, [tf.TensorSpec([None, 1, 4], tf.float32)])
    expected = reference.vector_quantization(X, EMB_SPACE, num_splits=2).layer_out
    np.testing.assert_array_equal(wrapped(tf.constant(X)), expected)


@pytest.mark.clause("VQ-5.8")
def test_a_weight_may_be_a_tensor_inside_wrap_function():
    def losses(x, alpha):
        vq_layer.vector_quantization(
            x, 3, alpha, 0, 0, embedding_initializer=EMB_SPACE, constant_init=True, num_splits=2
        )
        return v1.get_collection(v1.GraphKeys.LOSSES)

    wrapped = v1.wrap_function(losses, [tf.TensorSpec(X.shape, tf.float32), tf.TensorSpec([], tf.float32)])
    (once,), (twice,) = (wrapped(tf.constant(X), tf.constant(alpha)) for alpha in (0.5, 1.0))
    assert twice == 2 * once > 0


def test_outside_a_graph_the_error_names_the_layer_to_use():
    inside = tf.function(lambda x: vq_layer.vector_quantization(x, 3))
    for call, x in (
        (lambda x: vq_layer.vector_quantization(x, 3), X),
        (lambda x: vq_layer.vector_quantization(x, 3), keras.Input((1, 4))),
        (inside, tf.constant(X)),
        (inside, tf.constant(X)),
    ):
        with pytest.raises(RuntimeError, match=r"use the Keras layer `vq_layer\.VectorQuantization`"):
            call(x)


@pytest.mark.clause("VQ-16.1", "VQ-16.2", "VQ-16.3", "VQ-16.11", "VQ-16.12", "VQ-16.13", "VQ-16.14", "VQ-16.15")
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n": 0}, ValueError, r"`n` must be at least 1. Received: n=0"),
        ({"n": 2.0}, TypeError, r"`n` must be an integer. Received: n=2.0"),
        ({"num_splits": 0}, ValueError, r"`num_splits` must be at least 1. Received: num_splits=0"),
        ({"num_splits": 3}, ValueError, r"`num_splits` must divide .* Received: num_splits=3, x.shape=\(None, 1, 4\)"),
        ({"num_splits": "2"}, TypeError, r"`num_splits` must be an integer. Received: num_splits='2'"),
        ({"lookup_ord": 0.5}, ValueError, r"`lookup_ord` must be a number of at least 1.* Received: lookup_ord=0.5"),
        ({"lookup_ord": "inf"}, TypeError, r"`lookup_ord` must be a number. Received: lookup_ord='inf'"),
        ({"alpha": np.nan}, ValueError, r"`alpha` must be finite. Received: alpha=nan"),
        ({"alpha": 10**400}, ValueError, r"`alpha` must fit into a float. Received: alpha=10{400}$"),
        ({"beta": "1"}, TypeError, r"`beta` must be a number. Received: beta='1'"),
        ({"gamma": [1.0]}, TypeError, r"`gamma` must be a number. Received: gamma=\[1.0\]"),
        (
            {"embedding_initializer": EMB_SPACE, "constant_init": True},
            ValueError,
            r"`embedding_initializer` must have the shape \[n, d\] = \[3, 4\]. Received: \(3, 2\)",
        ),
    ],
)
def test_a_wrong_argument_is_named_with_its_rule_and_value_before_anything_is_built(arguments, error, message):
    with tf.Graph().as_default() as graph:
        x = v1.placeholder("float32", [None, 1, 4])
        with pytest.raises(error, match=message):
            vq_layer.vector_quantization(x, **{"n": 3, **arguments})
        assert [op.type for op in graph.get_operations()] == ["Placeholder"]


@pytest.mark.clause("VQ-16.2", "VQ-16.3", "VQ-16.4", "VQ-16.5", "VQ-16.6")
@pytest.mark.parametrize(
    ("dtype", "shape", "error", "message"),
    [
        ("float32", [None, 4], ValueError, r"`x` must have the shape \[batch, r, q\]. Received: x.shape=\(None, 4\)"),
        ("float32", None, ValueError, r"`x` must have the shape \[batch, r, q\]"),
        ("float32", [None, 1, None], ValueError, r"last axis of `x` must be static"),
        ("int32", [None, 1, 4], TypeError, r"`x` must have a floating dtype. Received: x.dtype=int32"),
    ],
)
def test_a_wrong_x_is_refused(dtype, shape, error, message):
    with tf.Graph().as_default(), pytest.raises(error, match=message):
        vq_layer.vector_quantization(v1.placeholder(dtype, shape), 3)


@pytest.mark.clause("VQ-16.2", "VQ-16.14")
def test_a_weight_that_is_a_tensor_must_be_a_floating_scalar():
    with tf.Graph().as_default():
        x = v1.placeholder("float32", [None, 1, 4])
        with pytest.raises(ValueError, match=r"`alpha` must be a number or a scalar tensor"):
            vq_layer.vector_quantization(x, 3, alpha=tf.ones([2]))
        with pytest.raises(TypeError, match=r"`beta` must be a number or a floating tensor"):
            vq_layer.vector_quantization(x, 3, beta=tf.constant(1))
