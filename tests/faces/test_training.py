"""Replacement and batch initialization in sessions, checkpoints, `fit`, saved models and the callback."""

import inspect
from contextlib import nullcontext

import keras
import numpy as np
import pytest
import tensorflow as tf

import reference
import vq_layer
from reference import metrics
from reference.parts.replacement import ReplacementState, replace_embeds

pytestmark = pytest.mark.slow  # it trains

v1 = tf.compat.v1

EMB_SPACE = np.array([[0.0, 0.0], [4.0, 4.0], [2.0, -2.0]], np.float32)
# Under L1 at 1, 12 and 3 from the embeddings 0, 1 and 2.
X = np.array([[[0.0, 1.0]], [[9.0, 11.0]], [[2.0, -5.0]]], np.float32)
STATE = ("accumulated_usage_count", "distant_inputs", "input_distances")


def endpoints_of(x, **arguments):
    """Build the function with a replacement of two embeddings."""
    defaults = {"lookup_ord": 1, "num_embeds_replaced": 2, "return_endpoints": True}
    constant = {"embedding_initializer": EMB_SPACE, "constant_init": True}
    return vq_layer.vector_quantization(x, 3, **{**constant, **defaults, **arguments})


def vector_quantization(x, **arguments):
    """Build the function, and a session of initialized variables."""
    endpoints = endpoints_of(x, **arguments)
    session = v1.Session()
    session.run(v1.global_variables_initializer())
    return endpoints, session


def variables():
    return {variable.op.name: variable for variable in v1.global_variables()}


def usage(session):
    return session.run(variables()["vq/accumulated_usage_count"]).tolist()


@pytest.mark.clause("VQ-11.1", "VQ-14.3", "VQ-14.5", "VQ-23.8")
@pytest.mark.parametrize(
    ("dtype", "compared"), [("float32", "float32"), ("bfloat16", "float32"), ("float64", "float64")]
)
def test_the_state_is_in_variables_named_as_in_2018_that_are_not_trained(dtype, compared):
    with tf.Graph().as_default():
        vector_quantization(v1.placeholder(dtype, [None, 1, 2]), is_training=False)
        assert {name: (tuple(it.shape), it.dtype.name) for name, it in variables().items()} == {
            "vq/emb_space": ((3, 2), compared),
            "vq/accumulated_usage_count": ((3,), "float32"),
            "vq/distant_inputs": ((2, 2), compared),
            "vq/input_distances": ((2,), compared),
        }
        assert [variable.op.name for variable in v1.trainable_variables()] == ["vq/emb_space"]


@pytest.mark.clause("VQ-11.2", "VQ-11.5")
@pytest.mark.parametrize("of", [bool, np.bool_, tf.constant, lambda it: v1.placeholder_with_default(it, [])])
@pytest.mark.parametrize("training", [False, True])
def test_only_a_training_pass_gathers(of, training):
    with tf.Graph().as_default():
        endpoints, session = vector_quantization(tf.constant(X), is_training=of(training))
        session.run(endpoints.layer_out)
        assert usage(session) == [int(training)] * 3


@pytest.mark.clause("VQ-11.2", "VQ-11.5")
def test_one_graph_trains_and_infers_by_what_is_fed():
    with tf.Graph().as_default():
        is_training = v1.placeholder(tf.bool)
        endpoints, session = vector_quantization(tf.constant(X), is_training=is_training)
        for fed in (True, False, True):
            session.run(endpoints.layer_out, {is_training: fed})
        assert usage(session) == [2, 2, 2]


def losses():
    return v1.get_collection(v1.GraphKeys.LOSSES)


# What a run may compute of a training pass, as a function of the endpoints.
PASSES = {
    "output": lambda endpoints: endpoints.layer_out,
    "counts": lambda endpoints: endpoints.access_count,
    "distance": lambda endpoints: endpoints.distance,
    "index": lambda _: v1.get_default_graph().get_tensor_by_name("vq/emb_index:0"),
    **{f"loss {i}": lambda _, i=i: losses()[i] for i in range(3)},
    **{f"step along loss {i}": lambda _, i=i: step(losses()[i]) for i in range(3)},
    "step along the output": lambda endpoints: tf.gradients(endpoints.layer_out, v1.trainable_variables("x")),
    "step along the distance": lambda endpoints: step(tf.reduce_sum(endpoints.distance)),
    "several": lambda endpoints: [step(tf.add_n(losses())), endpoints.access_count, endpoints.layer_out, losses()],
}


def step(loss):
    return v1.train.GradientDescentOptimizer(0.0).minimize(loss, var_list=v1.trainable_variables("vq"))


@pytest.mark.clause("VQ-11.13", "VQ-11.15")
def test_whatever_a_training_pass_computes_it_gathers_once():
    with tf.Graph().as_default():
        x = v1.get_variable("x", initializer=X)
        endpoints, session = vector_quantization(x, is_training=True)
        for number, computed in enumerate(PASSES.values(), start=1):
            session.run(computed(endpoints))
            assert usage(session) == [number] * 3


@pytest.mark.clause("VQ-11.16")
def test_what_is_no_pass_gathers_nothing_and_needs_no_input():
    with tf.Graph().as_default():
        x = v1.placeholder("float32", [None, 1, 2])
        endpoints, session = vector_quantization(x, is_training=True)
        session.run([endpoints.emb_space, endpoints.emb_spacing, endpoints.emb_closest_spacing])
        session.run(endpoints.replace_embeds)
        assert usage(session) == [0, 0, 0]
        np.testing.assert_array_equal(session.run(endpoints.emb_space), EMB_SPACE)


@pytest.mark.clause("VQ-11.16")
def test_an_initialization_from_a_batch_is_no_pass():
    with tf.Graph().as_default():
        endpoints, session = vector_quantization(
            tf.constant(X), is_training=True, embedding_initializer="batch", constant_init=False
        )
        session.run(endpoints.emb_space_batch_init)
        assert usage(session) == [0, 0, 0]
        session.run(endpoints.layer_out)
        assert usage(session) == [1, 1, 1]


@pytest.fixture(params=["v1", "v2"])
def _control_flow(request):
    if request.param == "v1":
        v1.disable_control_flow_v2()
    yield
    v1.enable_control_flow_v2()


@pytest.mark.clause("VQ-11.14")
@pytest.mark.usefixtures("_control_flow")
def test_a_layer_in_a_branch_gathers_where_the_branch_is_taken():
    with tf.Graph().as_default():
        taken, x = v1.placeholder(tf.bool, []), v1.get_variable("x", initializer=X)
        out = tf.cond(taken, lambda: endpoints_of(x, is_training=True).layer_out, lambda: tf.identity(x))
        gradient = tf.gradients(out, x)
        session = v1.Session()
        session.run(v1.global_variables_initializer())
        for fed in (True, False):
            np.testing.assert_array_equal(session.run([gradient, out], {taken: fed})[0], [np.ones_like(X)])
            assert usage(session) == [1] * 3


@pytest.mark.clause("VQ-11.17", "VQ-11.18")
def test_a_replacement_without_endpoints_is_ignored_and_says_so():
    with tf.Graph().as_default():
        message = r"`num_embeds_replaced` is ignored without `return_endpoints=True`.*num_embeds_replaced=2"
        with pytest.warns(UserWarning, match=message) as warned:
            vq_layer.vector_quantization(tf.constant(X), 3, num_embeds_replaced=2, is_training=True)
        assert list(variables()) == ["vq/emb_space"]
    assert [warning.filename for warning in warned] == [__file__]


@pytest.mark.clause("VQ-11.18")
def test_a_replacement_without_a_word_on_training_says_what_to_give():
    with tf.Graph().as_default():
        with pytest.warns(
            UserWarning, match=r"`is_training` must be given.* a bool tensor.*num_embeds_replaced=2"
        ) as warned:
            vq_layer.vector_quantization(tf.constant(X), 3, num_embeds_replaced=2, return_endpoints=True)
        with pytest.warns(UserWarning, match=r"`is_training` must be given.*Received: update=MovingAverage"):
            vq_layer.vector_quantization(tf.constant(X), 3, 0, 0, 0, name="moving", update=vq_layer.MovingAverage())
        endpoints_of(tf.constant(X), is_training=False, name="inference")  # a second warning would be an error
        arguments = (0.1, 0, 0, 2, None, -1, EMB_SPACE, True, 1, 2, False, True, "positional")
        vq_layer.vector_quantization(tf.constant(X), 3, *arguments)
    assert [warning.filename for warning in warned] == [__file__]


def test_the_signature_is_that_of_2018_and_what_is_younger_goes_by_keyword():
    parameters = inspect.signature(vq_layer.vector_quantization).parameters
    assert parameters["is_training"].default is False
    assert [name for name, it in parameters.items() if it.kind is not it.KEYWORD_ONLY] == [
        *("x", "n", "alpha", "beta", "gamma", "lookup_ord", "dim_reduction", "num_dim_reduction_components"),
        *("embedding_initializer", "constant_init", "num_splits", "num_embeds_replaced", "is_training"),
        *("return_endpoints", "name"),
    ]


@pytest.mark.clause("VQ-11.19")
def test_the_ops_are_absent_unless_asked_for():
    with tf.Graph().as_default():
        endpoints, _ = vector_quantization(tf.constant(X), num_embeds_replaced=0, is_training=True)
        assert list(variables()) == ["vq/emb_space"]
    assert (endpoints.replace_embeds, endpoints.emb_space_batch_init) == (None, None)


@pytest.mark.clause("VQ-16.1", "VQ-16.2", "VQ-16.3", "VQ-16.19", "VQ-16.20")
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_embeds_replaced": 4}, ValueError, r"`num_embeds_replaced` must be at most n=3. .*num_embeds_replaced=4"),
        (
            {"num_embeds_replaced": -1},
            ValueError,
            r"`num_embeds_replaced` must be at least 0. .*num_embeds_replaced=-1",
        ),
        ({"num_embeds_replaced": 1.0}, TypeError, r"`num_embeds_replaced` must be an integer. .*replaced=1.0"),
        ({"is_training": 1}, TypeError, r"`is_training` must be a bool or a scalar bool tensor. .*is_training=1"),
        ({"is_training": "no"}, TypeError, r"`is_training` must be a bool .*is_training='no'"),
        ({"is_training": np.array([True])}, TypeError, r"`is_training` must be a bool"),
    ],
)
def test_a_wrong_argument_is_named_before_anything_is_built(arguments, error, message):
    with tf.Graph().as_default() as graph:
        x = v1.placeholder("float32", [None, 1, 2])
        with pytest.raises(error, match=message):
            vq_layer.vector_quantization(x, 3, **arguments)
        assert [op.type for op in graph.get_operations()] == ["Placeholder"]


@pytest.mark.clause("VQ-16.2", "VQ-16.20")
@pytest.mark.parametrize("is_training", [1.0, [True]])
def test_is_training_as_a_tensor_must_be_a_scalar_bool(is_training):
    with (
        tf.Graph().as_default(),
        pytest.raises(TypeError, match="`is_training` must be a bool or a scalar bool tensor"),
    ):
        vq_layer.vector_quantization(tf.constant(X), 3, is_training=tf.constant(is_training))


@pytest.mark.clause("VQ-11.3", "VQ-11.6")
def test_a_checkpoint_of_the_original_goes_on_in_the_midst_of_gathering(tmp_path):
    state = ReplacementState(np.array([5.0, 0.0, 1.0]), np.array([[7.0, 7.0], [1.0, 1.0]]), np.array([6.0, 2.0]))
    with tf.Graph().as_default(), v1.Session() as session:
        with v1.variable_scope("vq"):  # what the layer of 2018 created, by the kind of variable it created
            for name, value in zip(("emb_space", *STATE), (EMB_SPACE, *state), strict=True):
                v1.get_variable(name, initializer=value.astype(np.float32), use_resource=False)
        session.run(v1.global_variables_initializer())
        path = v1.train.Saver().save(session, str(tmp_path / "original"))
    with tf.Graph().as_default():
        endpoints, session = vector_quantization(
            tf.constant(X), is_training=True, embedding_initializer="ones", constant_init=False
        )
        v1.train.Saver().restore(session, path)
        session.run(endpoints.layer_out)
        session.run(endpoints.replace_embeds)
        replaced = session.run(endpoints.emb_space)
    passed = reference.vector_quantization(X, EMB_SPACE, lookup_ord=1, replacement_state=state).replacement_state
    np.testing.assert_array_equal(replaced, replace_embeds(passed, EMB_SPACE)[0])
    # The farthest input of both, (9, 11), over the least used embedding of both, the second; (7, 7) over the third.
    np.testing.assert_array_equal(replaced, [[0, 0], [9, 11], [7, 7]])


FROM_A_BATCH = pytest.mark.parametrize("function", [vq_layer.vector_quantization, vq_layer.cosine_vector_quantization])


@pytest.mark.clause("VQ-12.1", "VQ-12.4")
@FROM_A_BATCH
def test_the_op_initializes_from_the_batch(function):
    with tf.Graph().as_default(), v1.Session() as session:
        endpoints = function(tf.constant(X), 2, embedding_initializer="batch", return_endpoints=True)
        session.run(v1.global_variables_initializer())
        session.run(endpoints.emb_space_batch_init)
        np.testing.assert_array_equal(session.run(endpoints.emb_space), X[:2, 0])


@pytest.mark.clause("VQ-12.5")
@FROM_A_BATCH
@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_a_lookup_before_the_batch_says_what_to_run(function, dtype):
    with tf.Graph().as_default(), v1.Session() as session:
        layer_out = function(tf.constant(X, dtype), 2, embedding_initializer="batch")
        passes = [layer_out, *losses(), *map(step, losses())]
        session.run(v1.global_variables_initializer())
        for computed in passes:
            with pytest.raises(tf.errors.InvalidArgumentError, match="run the endpoint `emb_space_batch_init`"):
                session.run(computed)


@pytest.mark.clause("VQ-12.5")
@pytest.mark.parametrize("name", ["emb_spacing", "emb_closest_spacing", "distance", "access_count"])
def test_an_endpoint_before_the_batch_says_what_to_run(name):
    with tf.Graph().as_default():
        endpoints, session = vector_quantization(
            tf.constant(X), num_embeds_replaced=0, embedding_initializer="batch", constant_init=False
        )
        with pytest.raises(tf.errors.InvalidArgumentError, match="run the endpoint `emb_space_batch_init`"):
            session.run(getattr(endpoints, name))


@pytest.mark.clause("VQ-12.1", "VQ-12.5")
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_a_batch_of_zeros_initializes_as_any_other(zero):
    with tf.Graph().as_default(), v1.Session() as session:
        x = tf.constant(zero * np.ones_like(X))
        endpoints = vq_layer.vector_quantization(x, 2, embedding_initializer="batch", return_endpoints=True)
        session.run(v1.global_variables_initializer())
        session.run(endpoints.emb_space_batch_init)
        assert session.run(endpoints.access_count).tolist() == [3, 0]


@pytest.mark.clause("VQ-12.5")
def test_a_restored_checkpoint_needs_no_batch(tmp_path):
    def build(initializer):
        session = v1.Session()
        endpoints = vq_layer.vector_quantization(
            tf.constant(X), 3, embedding_initializer=initializer, return_endpoints=True
        )
        session.run(v1.global_variables_initializer())
        return endpoints, session, v1.train.Saver()

    with tf.Graph().as_default():
        _, session, saver = build("ones")
        path = saver.save(session, str(tmp_path / "ones"))
    with tf.Graph().as_default():
        endpoints, session, saver = build("batch")
        saver.restore(session, path)
        np.testing.assert_array_equal(session.run(endpoints.layer_out), np.ones_like(X))


# Keras


def layer_of(n=3, emb_space=None, **arguments):
    layer = vq_layer.presets.adversarial_2018(n, **{"replacement": vq_layer.MostDistant(1), "name": "vq", **arguments})
    if emb_space is not None:
        layer.build((None, emb_space.shape[1]))
        layer.emb_space.assign(emb_space)
    return layer


def model_of(*layers, optimizer="sgd", run_eagerly=False):
    model = keras.Sequential([keras.layers.Input((2,)), *layers])
    model.compile(optimizer, run_eagerly=run_eagerly)
    return model


def weights(model):
    return [weight.numpy() for weight in model.weights]


def assert_equal(values, expected):
    for value, other in zip(values, expected, strict=True):
        np.testing.assert_array_equal(value, other, strict=True)


def train_by_call(model, x):
    model(x, training=True)


def train_in_a_function(model, x):
    tf.function(lambda x: model(x, training=True))(tf.constant(x))


def train_by_fit(model, x):
    model.fit(x, batch_size=len(x), shuffle=False, verbose=0)


def warns_of_zeros():
    return pytest.warns(UserWarning, match="all embeddings of the layer .* are zero: .*training=True")


WAYS_TO_TRAIN = pytest.mark.parametrize("train", [train_by_call, train_in_a_function, train_by_fit])


@pytest.mark.clause("VQ-12.6", "VQ-12.9", "VQ-12.10")
@WAYS_TO_TRAIN
def test_the_first_training_batch_initializes_and_no_other(train):
    layer = layer_of(start=vq_layer.FromBatch())
    model = model_of(layer, optimizer=keras.optimizers.SGD(0.0))
    with warns_of_zeros():
        model(X[:, 0], training=False)
    assert not layer.emb_space.numpy().any()
    for x in (X[:, 0], -X[:2, 0]):  # the second batch could not initialize, and need not
        train(model, x)
        np.testing.assert_array_equal(layer.emb_space, X[:, 0])


@pytest.mark.clause("VQ-12.6")
def test_the_cosine_layer_is_initialized_from_its_first_training_batch_too():
    layer = vq_layer.CosineVectorQuantization(3, start=vq_layer.FromBatch())
    for x in (X[:, 0], -X[:, 0]):
        layer(x, training=True)
        np.testing.assert_array_equal(layer.emb_space, X[:, 0])


@pytest.mark.clause("VQ-12.6")
def test_a_model_that_is_not_built_yet_is_initialized_in_fit():
    layer = layer_of(start=vq_layer.FromBatch())
    model = keras.Sequential([layer])
    model.compile(keras.optimizers.SGD(0.0))
    train_by_fit(model, X[:, 0])
    np.testing.assert_array_equal(layer.emb_space, X[:, 0])


@pytest.mark.clause("VQ-12.6", "VQ-12.8")
def test_an_initialization_by_hand_is_the_only_one():
    layer = layer_of(start=vq_layer.FromBatch())
    layer.initialize_from_batch(X)
    layer(-X, training=True)
    np.testing.assert_array_equal(layer.emb_space, X[:, 0])


@pytest.mark.clause("VQ-12.7")
@pytest.mark.parametrize("trained", [False, True])
def test_a_loaded_model_is_initialized_only_if_it_was_not_yet(tmp_path, trained):
    model = model_of(layer_of(start=vq_layer.FromBatch()), optimizer=keras.optimizers.SGD(0.0))
    with nullcontext() if trained else warns_of_zeros():
        model(X[:, 0], training=trained)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    train_by_fit(loaded, -X[:, 0])
    np.testing.assert_array_equal(loaded.get_layer("vq").emb_space, X[:, 0] if trained else -X[:, 0])


@pytest.mark.clause("VQ-12.2", "VQ-12.3", "VQ-16.28")
@WAYS_TO_TRAIN
@pytest.mark.parametrize("refused", [X[:2, 0], np.where(X[:, 0] == 11, np.nan, X[:, 0])])
def test_a_batch_that_is_refused_leaves_everything_as_it_was_and_the_next_one_initializes(train, refused):
    model = model_of(layer_of(start=vq_layer.FromBatch()), optimizer=keras.optimizers.SGD(0.0))
    before = weights(model)
    with pytest.raises(tf.errors.InvalidArgumentError, match="n=3 vectors"):
        train(model, refused.astype(np.float32))
    assert_equal(weights(model), before)
    train(model, X[:, 0])
    np.testing.assert_array_equal(model.get_layer("vq").emb_space, X[:, 0])


@pytest.mark.clause("VQ-16.27", "VQ-16.28")
@pytest.mark.parametrize(
    ("kind", "of", "train"),
    [
        (vq_layer.presets.adversarial_2018, "l2", train_by_call),
        (vq_layer.presets.adversarial_2018, "l2", train_by_fit),
        (vq_layer.CosineVectorQuantization, "cosine", train_by_call),
        (vq_layer.CosineVectorQuantization, "cosine", train_in_a_function),
    ],
)
def test_a_batch_that_could_initialize_but_is_too_small_to_fit_axes_leaves_everything_as_it_was(train, kind, of):
    layer = kind(1, comparison=vq_layer.PCA(of, components=2), start=vq_layer.FromBatch(), name="vq")
    model = model_of(layer, optimizer=keras.optimizers.SGD(0.0))
    before = weights(model)
    with pytest.raises(tf.errors.InvalidArgumentError, match="num_dim_reduction_components"):
        train(model, X[:1, 0])
    assert_equal(weights(model), before)
    train(model, X[:, 0])
    np.testing.assert_array_equal(layer.emb_space, X[:1, 0])


@pytest.mark.clause("VQ-12.6")
def test_the_batch_that_initializes_trains_as_well():
    x, alpha = np.array([[0, 0], [8, 0], [0, 1], [8, 3]], np.float32), 0.5
    layer = layer_of(n=2, start=vq_layer.FromBatch(), comparison="l1", losses=vq_layer.Alpha(alpha))
    model_of(layer, optimizer=keras.optimizers.SGD(1.0)).fit(x, batch_size=4, shuffle=False, verbose=0)
    # A quarter of alpha for each of two inputs, along the sign of their differences.
    np.testing.assert_array_equal(layer.emb_space, [[0, 0.125], [8, 0.125]])


@pytest.mark.clause("VQ-12.10")
@pytest.mark.parametrize(
    "infer",
    [
        lambda model: model(X[:, 0]),
        lambda model: tf.function(model)(X[:, 0]),
        lambda model: model.predict(X[:, 0], verbose=0),
        lambda model: model.layers[0].encode(X[:, 0]),
        lambda model: model.layers[0].decode([[0]]),
    ],
    ids=["call", "function", "predict", "encode", "decode"],
)
def test_the_first_inference_before_the_first_training_batch_warns_of_zeros_once(infer):
    model = model_of(layer_of(start=vq_layer.FromBatch()))
    with warns_of_zeros():
        infer(model)
    infer(model)  # warnings are errors here


@pytest.mark.clause("VQ-12.10")
def test_nothing_warns_of_zeros_while_a_model_is_built_or_once_there_are_embeddings(tmp_path):
    model = keras.Sequential([layer_of(start=vq_layer.FromBatch())])  # built in fit
    model.compile("sgd")
    model.fit(X[:, 0], validation_data=(X[:, 0], None), verbose=0)
    model(X[:, 0])
    model.save(tmp_path / "model.keras")
    keras.models.load_model(tmp_path / "model.keras")(X[:, 0])
    for start in (lambda layer: layer.initialize_from_batch(X), lambda layer: layer.emb_space.assign(EMB_SPACE)):
        layer = layer_of(emb_space=0 * EMB_SPACE, start=vq_layer.FromBatch())
        start(layer)
        layer(X[:, 0])


# Frozen


def trained(layer):
    """Return a model whose layer has been initialized, and has gathered, in one training pass over X."""
    model = model_of(layer, optimizer=keras.optimizers.SGD(0.1))
    model(X[:, 0], training=True)
    return model


def by_the_layer(model):
    model.layers[0].trainable = False
    return model


def by_the_model(model):
    model.trainable = False
    return model


def by_a_model_around_it(model):
    outer = keras.Sequential([keras.layers.Input((2,)), model])
    outer.trainable = False
    return outer


@pytest.mark.clause("VQ-11.10", "VQ-12.6", "VQ-12.11")
@pytest.mark.parametrize(
    ("freeze", "train"),
    [(by_the_layer, train_by_call), (by_the_model, train_by_call), (by_a_model_around_it, train_in_a_function)],
)
@pytest.mark.parametrize("before", [trained, model_of])
@pytest.mark.parametrize("kind", [layer_of, vq_layer.CosineVectorQuantization])
def test_a_training_pass_changes_nothing_of_a_frozen_layer(kind, before, train, freeze):
    model = freeze(before(kind(3, start=vq_layer.FromBatch())))
    initialized, before = before is trained, weights(model)
    with nullcontext() if initialized else warns_of_zeros():
        train(model, 2 * X[:, 0])
    assert_equal(weights(model), before)


@pytest.mark.clause("VQ-11.10", "VQ-12.6")
def test_fit_changes_nothing_of_a_layer_that_is_frozen_by_its_constructor_or_comes_frozen_from_a_file(tmp_path):
    frozen = layer_of(emb_space=EMB_SPACE, start=vq_layer.FromBatch(), trainable=False)
    by_the_layer(trained(layer_of(start=vq_layer.FromBatch(), name="loaded"))).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").get_layer("loaded")
    model = model_of(keras.layers.Dense(2), loaded, frozen)
    model.compile("sgd", loss="mse")
    before = weights(loaded) + weights(frozen)
    model.fit(X[:, 0], X[:, 0], verbose=0)
    assert_equal(weights(loaded) + weights(frozen), before)


@pytest.mark.clause("VQ-11.10", "VQ-12.6")
def test_a_layer_goes_on_where_it_was_once_it_is_no_longer_frozen():
    model, never_frozen = (
        trained(layer_of(start=vq_layer.FromBatch())),
        trained(layer_of(start=vq_layer.FromBatch())),
    )
    model.trainable = False
    model(-X[:, 0], training=True)
    model.trainable = True
    for each in (model, never_frozen):
        each(3 * X[:, 0], training=True)
    assert_equal(weights(model), weights(never_frozen))


@pytest.mark.clause("VQ-11.12", "VQ-12.8")
def test_an_explicit_call_acts_on_a_frozen_layer():
    layer = layer_of(emb_space=EMB_SPACE, start=vq_layer.FromBatch())
    layer(X[:, 0], training=True)
    layer(np.array([[9, 9]], np.float32), training=True)
    layer.trainable = False
    assert np.count_nonzero(layer.replace_embeds()) == 1
    layer.initialize_from_batch(-X)
    np.testing.assert_array_equal(layer.emb_space, -X[:, 0])


@pytest.mark.clause("VQ-11.6")
def test_replacing_returns_which_embeddings_are_new():
    layer = layer_of(emb_space=EMB_SPACE)
    layer(np.concatenate([X[:, 0], EMB_SPACE[1:2]]), training=True)
    replaced = layer.replace_embeds()
    np.testing.assert_array_equal(replaced, [True, False, False])
    np.testing.assert_array_equal(layer.emb_space, [[9, 11], *EMB_SPACE[1:]])
    assert not np.any(layer.replace_embeds())


@pytest.mark.clause("VQ-16.19")
def test_a_layer_without_replacement_says_so():
    with pytest.raises(ValueError, match=r"`replacement` must be given to replace. Received: replacement=None"):
        layer_of(emb_space=EMB_SPACE, replacement=None).replace_embeds()
    with pytest.raises(ValueError, match=r"`MostDistant.number` must be at most n=3"):
        layer_of(replacement=vq_layer.MostDistant(4))


@pytest.mark.clause("VQ-11.5")
@pytest.mark.parametrize("use", ["predict", "evaluate"])
def test_inference_changes_no_weight(use):
    model = model_of(layer_of(emb_space=EMB_SPACE))
    train_by_fit(model, X[:, 0])
    before = weights(model)
    getattr(model, use)(2 * X[:, 0], verbose=0)
    assert_equal(weights(model), before)


def test_fit_reports_how_the_embeddings_of_each_epoch_were_used():
    x = 3 * np.random.default_rng(0).standard_normal((20, 2)).astype(np.float32)
    x[3] = np.nan
    model = model_of(
        layer_of(emb_space=np.append(EMB_SPACE, [[99, 99]], axis=0), n=4), optimizer=keras.optimizers.SGD(0.0)
    )
    history = model.fit(x, validation_data=(x, None), batch_size=8, epochs=2, verbose=0).history
    access_count = reference.vector_quantization(x[:, np.newaxis], model.get_layer("vq").emb_space.numpy()).access_count
    assert access_count.tolist() not in ([19, 0, 0, 0], [0, 0, 0, 19])
    for name in ("perplexity", "codebook_usage"):
        # An entropy of at most log 4 after some ten float32 roundings, and an exponential: less than 32 units of 2^-24.
        for of in (name, f"val_{name}"):
            np.testing.assert_allclose(history[of], [getattr(metrics, name)(access_count)] * 2, rtol=32 * 2.0**-24)


# The callback. In the batch, 1 is nearest to the first embedding, at distance 1, and 9 to the second, at 5, which is
# used less. All are pulled by the beta-loss, so that every slot of the optimizer is filled.

START = np.array([[0.0, 0.0], [4.0, 0.0], [-30.0, 0.0]], np.float32)
BATCH = np.array([[1.0, 0.0], [1.0, 0.0], [-29.5, 0.0], [-29.5, 0.0], [9.0, 0.0]], np.float32)
PULLING = [vq_layer.Alpha(), vq_layer.Beta(0.1)]
OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.01),
    "momentum": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
    "average": lambda: keras.optimizers.SGD(0.01, momentum=0.9, use_ema=True, ema_momentum=0.5),
}


def fitted(optimizer, callback, *batches, dtype="float32"):
    """Train two layers, one without replacement; return the embeddings of the first and the slots of both."""
    layer = layer_of(emb_space=START, losses=PULLING, dtype=dtype)
    other = layer_of(emb_space=START, replacement=None, name="other", dtype=dtype)
    inner = optimizer = OPTIMIZERS[optimizer]()
    if dtype == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(inner)
    model = model_of(layer, other, optimizer=optimizer, run_eagerly=True)  # a callback acts between steps
    model.fit(np.concatenate(batches), batch_size=len(BATCH), shuffle=False, verbose=0, callbacks=[callback])
    return layer.emb_space.numpy(), {slot.name: slot.numpy() for slot in inner.variables if slot.shape == START.shape}


@pytest.mark.parametrize(("optimizer", "dtype"), [("average", "float32"), ("adam", "mixed_float16")])
def test_the_callback_resets_the_slots_of_just_the_rows_that_it_replaces(optimizer, dtype):
    _, before = fitted(optimizer, keras.callbacks.Callback(), BATCH, dtype=dtype)
    _, after = fitted(optimizer, vq_layer.ReplaceEmbeddings(every=1), BATCH, dtype=dtype)
    replaced = {name: slot for name, slot in after.items() if name.startswith("vq_")}
    assert len(replaced) == len(after) / 2 == 2
    for name, slot in replaced.items():
        assert before[name][:, 0].all()
        np.testing.assert_array_equal(slot[1], [9, 0] if name.endswith("average") else [0, 0])
        np.testing.assert_array_equal(slot[[0, 2]], before[name][[0, 2]])
    for name in after.keys() - replaced.keys():
        np.testing.assert_array_equal(after[name], before[name])


@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
def test_without_the_reset_stale_slots_drag_the_new_embedding_away(optimizer):
    def only_replace(batch, **_):
        if batch == 0:
            callback.model.get_layer("vq").replace_embeds()

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=only_replace)
    nothing = np.full_like(BATCH, np.nan)  # a batch that pulls at no embedding
    stays, _ = fitted(optimizer, vq_layer.ReplaceEmbeddings(every=1), BATCH, nothing)
    dragged, _ = fitted(optimizer, callback, BATCH, nothing)
    np.testing.assert_array_equal(stays[1], [9, 0])
    assert dragged[1, 0] != 9


X_TRAIN = 3 * np.random.default_rng(0).standard_normal((15, 2)).astype(np.float32)  # three batches


def fit_eagerly(layer=None, x=X_TRAIN, epochs=1, callbacks=(), **compiled):
    model = model_of(layer or layer_of(emb_space=START, losses="alpha"), run_eagerly=True)
    model.compile(keras.optimizers.Adam(0.01), run_eagerly=True, **compiled)
    model.fit(x, batch_size=5, epochs=epochs, shuffle=False, verbose=0, callbacks=list(callbacks))
    return model


def everything_of(model):
    return [*weights(model), *(variable.numpy() for variable in model.optimizer.variables)]


class InterruptedTrainingError(Exception):
    """What interrupts a training."""


def interruption(after):
    """Return a callback that interrupts a training after so many batches."""

    def count(*_, **__):
        batches.append(None)
        if len(batches) == after:
            raise InterruptedTrainingError

    batches = []
    return keras.callbacks.LambdaCallback(on_train_batch_end=count)


def test_the_callback_acts_every_so_many_passes_across_epochs_and_calls_of_fit():
    layer, callbacks = layer_of(emb_space=START, losses="alpha"), [vq_layer.ReplaceEmbeddings(every=4)]
    for epochs, passes in ((3, 1), (1, 0), (1, 3)):  # 9, 12 and 15 batches in all
        fit_eagerly(layer, epochs=epochs, callbacks=callbacks)
        assert layer.passes_since_replacement == passes
        assert layer.accumulated_usage_count.numpy().sum() == 5 * passes


SAVED_AND_REPLACED = pytest.mark.parametrize("order", [1, -1], ids=["saved first", "replaced first"])


def goes_on_as(uninterrupted, order, backup, epochs):
    """Interrupt a training after its fifth batch, go on with another model, and compare it to an uninterrupted one."""
    callbacks = [backup, vq_layer.ReplaceEmbeddings(every=4)][::order]
    with pytest.raises(InterruptedTrainingError):
        fit_eagerly(epochs=epochs, callbacks=[*callbacks, interruption(after=5)])
    resumed = fit_eagerly(epochs=epochs, callbacks=callbacks)
    assert_equal(everything_of(resumed), everything_of(uninterrupted))


@SAVED_AND_REPLACED
def test_a_training_that_was_interrupted_between_replacements_goes_on_as_if_it_had_not_been(tmp_path, order):
    replacing = [vq_layer.ReplaceEmbeddings(every=4)]
    uninterrupted = fit_eagerly(epochs=3, callbacks=replacing)
    goes_on_as(uninterrupted, order, keras.callbacks.BackupAndRestore(tmp_path), epochs=3)


@SAVED_AND_REPLACED
def test_a_training_goes_on_from_the_very_batch_that_a_replacement_follows(tmp_path, order):
    backup = keras.callbacks.BackupAndRestore(tmp_path, save_freq=2)  # at last after the fourth, in the second epoch,
    x = np.concatenate([X_TRAIN, X_TRAIN[:5], X_TRAIN])  # which Keras then begins anew
    replacing = [vq_layer.ReplaceEmbeddings(every=4)]
    goes_on_as(fit_eagerly(x=x, callbacks=replacing), order, backup, epochs=2)


def test_a_loaded_model_counts_its_passes_on(tmp_path):
    model = model_of(layer_of(emb_space=START))
    train_by_call(model, BATCH)
    model.save(tmp_path / "model.keras")
    layer = keras.models.load_model(tmp_path / "model.keras").get_layer("vq")
    layer(BATCH, training=True)
    layer(BATCH)
    assert layer.passes_since_replacement == 2
    layer.replace_embeds()
    assert layer.passes_since_replacement == 0


def test_a_layer_that_is_called_twice_in_a_pass_counts_it_once():
    layer, x = layer_of(emb_space=START), keras.Input((2,))
    model = keras.Model(x, layer(layer(x)))
    for passes in (1, 2):
        train_by_call(model, BATCH)
        assert layer.passes_since_replacement == passes
    train_in_a_function(model, BATCH)
    assert layer.passes_since_replacement == 3


def test_the_callback_finds_every_layer_at_any_depth():
    layers = [layer_of(emb_space=START, name=f"vq{i}") for i in range(2)]
    inner = keras.Sequential([keras.layers.Input((2,)), layers[0]])
    model = keras.Sequential([keras.layers.Input((2,)), inner, keras.layers.Rescaling(3.0), layers[1]])
    model.compile(keras.optimizers.SGD(0.0))
    model.fit(BATCH, batch_size=5, verbose=0, callbacks=[vq_layer.ReplaceEmbeddings(every=1)])
    assert [layer.emb_space.numpy().tolist() == START.tolist() for layer in layers] == [False, False]


def test_the_callback_counts_batches_that_run_together():
    layer = layer_of(emb_space=START)
    model = keras.Sequential([keras.layers.Input((2,)), layer])
    model.compile(keras.optimizers.SGD(0.0), steps_per_execution=2)
    arguments = {"batch_size": 5, "shuffle": False, "verbose": 0, "callbacks": [vq_layer.ReplaceEmbeddings(every=3)]}
    model.fit(np.tile(BATCH, (6, 1)), **arguments)  # two at a time: replaced after the fourth
    assert layer.accumulated_usage_count.numpy().sum() == 10


def test_the_callback_warns_where_more_batches_run_together_than_lead_to_a_replacement():
    message = r"`every` should be at least `steps_per_execution`.* every 3 batches.*every=2, steps_per_execution=3"
    with pytest.warns(UserWarning, match=message):
        fit_eagerly(steps_per_execution=3, callbacks=[vq_layer.ReplaceEmbeddings(every=2)])
    fit_eagerly(steps_per_execution=3, callbacks=[vq_layer.ReplaceEmbeddings(every=3)])


def test_the_callback_tells_layers_of_one_name_apart():
    def inner(replacement):
        x = keras.Input((2,))
        layer = layer_of(emb_space=START, losses=PULLING, replacement=replacement)
        return keras.Model(x, layer(x))

    x = keras.Input((2,))
    model = keras.Model(x, [inner(vq_layer.MostDistant(1))(x), inner(None)(x)])
    assert len({weight.path for weight in model.trainable_weights}) == 1
    model.compile(OPTIMIZERS["momentum"]())
    model.fit(BATCH, batch_size=5, verbose=0, callbacks=[vq_layer.ReplaceEmbeddings(every=1)])
    slots = [slot.numpy()[:, 0] for slot in model.optimizer.variables if slot.shape == START.shape]
    assert [(slot == 0).tolist() for slot in slots] == [[False, True, False], [False] * 3]


@pytest.mark.clause("VQ-11.11")
def test_the_callback_passes_frozen_layers_by_and_warns_when_it_is_left_with_none():
    layers = [layer_of(emb_space=START, name=f"vq{i}") for i in range(2)]
    model = model_of(*layers)
    for layer in layers:
        layer(BATCH, training=True)
    layers[0].trainable = False
    model.optimizer.build(model.trainable_variables)
    callback = vq_layer.ReplaceEmbeddings(every=1)
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_train_batch_end(0)
    assert [layer.emb_space.numpy().tolist() == START.tolist() for layer in layers] == [True, False]
    layers[1].trainable = False
    with pytest.warns(UserWarning, match="`ReplaceEmbeddings` replaces nothing: .* is frozen"):
        callback.on_train_begin()


@pytest.mark.parametrize(
    ("every", "error", "rule"),
    [(0, ValueError, "at least 1"), (-1, ValueError, "at least 1"), (1.5, TypeError, "an int")],
)
def test_the_callback_wants_a_positive_number_of_batches(every, error, rule):
    with pytest.raises(error, match=rf"`every` must be {rule}.*Received: every={every}"):
        vq_layer.ReplaceEmbeddings(every=every)


@pytest.mark.parametrize("layer", [keras.layers.Dense(2), layer_of(replacement=None)])
def test_the_callback_wants_a_layer_to_act_on(layer):
    model = model_of(layer)
    with pytest.raises(ValueError, match="needs a `VectorQuantization` whose `replacement` is given"):
        model.fit(BATCH, BATCH, verbose=0, callbacks=[vq_layer.ReplaceEmbeddings(every=1)])
