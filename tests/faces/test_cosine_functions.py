"""What only the cosine functions and layers promise: endpoints, labels in every form, and where they refuse."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

import reference
import vq_layer

v1 = tf.compat.v1

EMB_SPACE = np.array([[1, 0], [0, 1], [1, 1], [-1, 0]], np.float32)
LABELS = np.array([2, 0, 2, 1], np.int32)
X = np.array([[[3, 0.1, 0, 1e-30]], [[-2, 0.5, 1, 0.9]]], np.float32)
AXES = np.array([[0, 3], [2, 0], [0, -1], [-4, 0]], np.float32)  # similarities to them tie
ARGUMENTS = {"emb_labels": LABELS, "num_classes": 3, "k": 3, "n": 4, "num_splits": 2, "return_endpoints": True}


def vote(x, **arguments):
    constant = {"embedding_initializer": EMB_SPACE, "constant_init": True}
    return vq_layer.cosine_knn_vector_quantization(x, **{**ARGUMENTS, **constant, **arguments})


def layer_of(**arguments):
    layer = vq_layer.CosineKNNVectorQuantization(**{**ARGUMENTS, **arguments})
    layer.build((None, 1, 4))
    layer.emb_space.assign(EMB_SPACE)
    return layer


def oracle(x=X, emb_space=EMB_SPACE, emb_labels=LABELS, **arguments):
    return reference.cosine_knn_vector_quantization(x, emb_labels, 3, 3, emb_space, num_splits=2, **arguments)


def run(build):
    """Run ``build(placeholder)`` in a graph of its own, batch and r unknown."""
    with tf.Graph().as_default(), v1.Session() as session:
        placeholder = v1.placeholder("float32", [None, None, 4])
        fetches = build(placeholder)
        session.run(v1.global_variables_initializer())
        return session.run(fetches, {placeholder: X})


@pytest.mark.clause("VQ-9.1", "VQ-9.2", "VQ-9.6", "VQ-10.5", "VQ-10.10")
def test_similarities_count_tiny_vectors_come_in_batch_order_and_mask_one_entry_a_vector():
    values, mask, label = run(lambda x: vote(x, majority_threshold=0.9)[3:6])
    # The four vectors point along (3, 0.1), (0, 1), (-2, 0.5), (1, 0.9); cosines of a few float32 operations.
    cosines = [3 / np.hypot(3, 0.1), 1, 2 / np.hypot(2, 0.5), 1.9 / np.hypot(1, 0.9) / np.sqrt(2)]
    np.testing.assert_allclose(values, cosines, rtol=1e-6)
    assert mask.shape == label.shape == (2, 2)
    assert label.dtype == np.int32


@pytest.mark.clause("VQ-9.8", "VQ-9.9")
def test_cosine_embeddings_are_not_trained_and_have_no_losses():
    with tf.Graph().as_default():
        x = v1.placeholder("float32", [None, 1, 4])
        plain = vq_layer.cosine_vector_quantization(x, 4, num_splits=2, return_endpoints=True, name="plain")
        vote(x)
        assert v1.trainable_variables() == []
        assert v1.get_collection(v1.GraphKeys.LOSSES) == []
        names = [variable.op.name for variable in v1.global_variables()]
    assert names == ["plain/emb_space", "vq/emb_space"]
    assert (plain.identity_mapping_mask, plain.most_common_label, plain.emb_space_batch_init) == (None, None, None)


@pytest.mark.clause("VQ-9.8", "VQ-9.9")
def test_cosine_layers_train_nothing_and_have_no_losses():
    for layer in (layer_of(), vq_layer.CosineVectorQuantization(4, num_splits=2)):
        layer(X, training=True)
        assert (layer.losses, layer.trainable_weights) == ([], [])


def test_labels_may_be_a_list_an_array_a_tensor_or_a_variable():
    forms = [
        LABELS.tolist,
        lambda: LABELS,
        lambda: tf.constant(LABELS),
        lambda: v1.get_variable("labels", initializer=LABELS, trainable=False),
    ]
    outcomes = [run(lambda x, form=form: vote(x, emb_labels=form()).most_common_label) for form in forms]
    for outcome in outcomes[1:]:
        np.testing.assert_array_equal(outcome, outcomes[0])


@pytest.mark.clause("VQ-10.14", "VQ-16.27")
def test_labels_out_of_range_that_only_a_run_knows_are_an_invalid_argument():
    for wrong in (-1, 3):
        labels = np.array([0, 1, wrong, 2])
        with pytest.raises(tf.errors.InvalidArgumentError, match="emb_labels"):
            run(lambda x, labels=labels: vote(x, emb_labels=v1.placeholder_with_default(labels, [4])).layer_out)


@pytest.mark.clause("VQ-16.2", "VQ-16.3", "VQ-16.21", "VQ-16.22", "VQ-16.23", "VQ-16.24", "VQ-16.25")
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"k": 0}, ValueError, r"`k` must be at least 1. Received: k=0"),
        ({"k": 5}, ValueError, r"`k` must be at most n=4. Received: k=5"),
        ({"num_classes": 0}, ValueError, r"`num_classes` must be at least 1. Received: num_classes=0"),
        ({"num_classes": 2}, ValueError, r"`emb_labels` must lie in .* Received: labels from 0 to 2"),
        ({"emb_labels": LABELS[:3]}, ValueError, r"`emb_labels` must have the shape \[n\] = \[4\]"),
        ({"emb_labels": LABELS.astype(float)}, TypeError, r"`emb_labels` must have the dtype int32 or int64"),
        ({"majority_threshold": np.nan}, ValueError, r"`majority_threshold` must not be NaN"),
        ({"representative": "last"}, ValueError, r"`representative` must be .* Received: representative='last'"),
    ],
)
def test_a_wrong_argument_of_a_vote_is_named_with_its_rule_and_value(arguments, error, message):
    with tf.Graph().as_default(), pytest.raises(error, match=message):
        vote(v1.placeholder("float32", [None, 1, 4]), **{"constant_init": False, **arguments})
    layer = {"emb_labels": LABELS, "num_classes": 3, "k": 3, "n": 4, **arguments}
    with pytest.raises(error, match=message):
        vq_layer.CosineKNNVectorQuantization(**layer)


@pytest.mark.clause("VQ-16.26", "VQ-17.22")
def test_embeddings_with_labels_cannot_start_from_a_batch():
    message = "`embedding_initializer` must not be 'batch'"
    with tf.Graph().as_default(), pytest.raises(ValueError, match=message):
        vote(v1.placeholder("float32", [None, 1, 4]), embedding_initializer="batch", constant_init=False)
    with pytest.raises(ValueError, match=r"`choice`: Majority needs labels, which inputs lack. Received: .*start=From"):
        layer_of(start=vq_layer.FromBatch())


@pytest.mark.clause("VQ-10.8")
@pytest.mark.parametrize("jit_compile", [False, True])
def test_41_of_41_votes_reach_the_threshold_of_1(jit_compile):
    layer = vq_layer.CosineKNNVectorQuantization(
        np.zeros(41, int), 2, 41, 41, majority_threshold=1.0, return_endpoints=True
    )
    x = tf.random.stateless_normal([8, 3], [0, 1])
    layer(x)
    endpoints = tf.function(layer, jit_compile=jit_compile)(x)
    assert endpoints.percentage_identity_mapped == 0
    assert not tf.reduce_any(endpoints.identity_mapping_mask)


@pytest.mark.slow
def test_a_saved_model_keeps_labels_and_embeddings(tmp_path):
    layer = vq_layer.CosineKNNVectorQuantization(LABELS, 3, 3, 4, majority_threshold=0.5, num_splits=2, name="vote")
    model = keras.Sequential([keras.Input((1, 4)), layer])
    layer.emb_space.assign(EMB_SPACE)
    layer.emb_labels.assign(LABELS[::-1])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("vote").get_config() == layer.get_config()
    for value, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(value, expected)
    expected = oracle(emb_labels=LABELS[::-1], majority_threshold=0.5).layer_out
    np.testing.assert_array_equal(model.predict(X, verbose=0), expected)
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), expected)


@pytest.mark.parametrize("threshold", [None, -1, 0.9], ids=["plain", "no threshold", "threshold"])
def test_endpoints_are_outputs_of_a_functional_model(threshold):
    layer = vq_layer.CosineVectorQuantization(4, num_splits=2, return_endpoints=True)
    if threshold is not None:
        layer = layer_of(majority_threshold=threshold)
    x = keras.Input((1, 4))
    result, expected = keras.Model(x, layer(x)._asdict())(X), layer(X)
    assert result.keys() == expected._asdict().keys()
    for name, value in result.items():
        np.testing.assert_array_equal(value, getattr(expected, name), err_msg=name)


@pytest.mark.clause("VQ-10.13")
@pytest.mark.parametrize("threshold", [-1, 0.5])
def test_endpoints_of_a_function_come_in_the_order_of_2018_and_some_are_none(threshold):
    with tf.Graph().as_default():
        endpoints = vote(v1.placeholder("float32", [None, None, 4]), majority_threshold=threshold)
    layer_out, emb_space, percentage, similarity, mask, label, batch_init = endpoints
    assert layer_out.shape[-1] == 4
    assert emb_space.shape == (4, 2)
    assert [value.shape.rank for value in (percentage, similarity, label)] == [0, 1, 2]
    assert (mask is None) == (threshold < 0)
    assert batch_init is None
    assert endpoints._fields[2:6] == (
        "percentage_identity_mapped",
        "similarity_values",
        "identity_mapping_mask",
        "most_common_label",
    )


@pytest.mark.clause("VQ-9.6", "VQ-10.13")
@pytest.mark.parametrize("threshold", [-1, 0.5])
def test_endpoints_of_a_layer_are_those_that_it_has_and_others_are_none(threshold):
    endpoints = layer_of(majority_threshold=threshold)(X)
    assert isinstance(endpoints, vq_layer.Endpoints)
    assert endpoints.layer_out.shape == X.shape
    assert endpoints.emb_space.shape == (4, 2)
    assert endpoints.percentage_identity_mapped.shape == ()
    assert endpoints.similarity_values.shape == (4,)
    assert endpoints.emb_index.shape == endpoints.most_common_label.shape == (2, 2)
    assert (endpoints.identity_mapping_mask is None) == (threshold < 0)
    assert (endpoints.distance, endpoints.emb_spacing, endpoints.emb_closest_spacing) == (None, None, None)
    assert None not in endpoints


@pytest.mark.clause("VQ-10.9", "VQ-10.10")
def test_positional_arguments_keep_the_order_of_2018():
    def build(x):
        endpoints = vq_layer.cosine_knn_vector_quantization(
            x, LABELS, 3, 3, 4, None, -1, EMB_SPACE, True, 2, True, 0.5, "vq"
        )
        plain = vq_layer.cosine_vector_quantization(x, 4, None, -1, EMB_SPACE, True, 2, False, "plain")
        return endpoints.layer_out, endpoints.identity_mapping_mask, plain

    layer_out, mask, plain = run(build)
    expected = oracle(majority_threshold=0.5)
    np.testing.assert_array_equal(layer_out, expected.layer_out)
    np.testing.assert_array_equal(mask, expected.identity_mapping_mask)
    np.testing.assert_array_equal(plain, reference.cosine_vector_quantization(X, EMB_SPACE, num_splits=2).layer_out)


@pytest.mark.clause("VQ-10.5")
def test_labels_of_a_layer_may_be_a_list_an_array_a_tensor_or_a_variable():
    for form in (np.ndarray.tolist, np.asarray, tf.constant, tf.Variable):
        label = layer_of(emb_labels=form(LABELS))(X).most_common_label
        np.testing.assert_array_equal(label, oracle().most_common_label)


@pytest.mark.parametrize("form", [tf.constant, tf.Variable])
def test_wrap_function_takes_labels_from_outside(form):
    labels = form(LABELS)
    wrapped = v1.wrap_function(
        lambda x: vote(x, emb_labels=labels).layer_out, [tf.TensorSpec([None, None, 4], tf.float32)]
    )
    np.testing.assert_array_equal(wrapped(tf.constant(X)), oracle().layer_out)


@pytest.mark.clause("VQ-10.14", "VQ-16.3", "VQ-16.25")
@pytest.mark.parametrize(("labels", "bounds"), [([0, 1, 3, 2], "0 to 3"), ([0, 1, -1, 2], "-1 to 2")])
def test_labels_out_of_range_are_refused_at_once_where_they_are_known(labels, bounds):
    message = rf"`emb_labels` must lie in \[0, num_classes\) = \[0, 3\). Received: labels from {bounds}"
    for form in (list, np.array, tf.constant):
        with tf.Graph().as_default(), pytest.raises(ValueError, match=message):
            vote(v1.placeholder("float32", [None, 1, 4]), emb_labels=form(labels))
        with pytest.raises(ValueError, match=message):
            layer_of(emb_labels=form(labels))


@pytest.mark.clause("VQ-10.14", "VQ-16.27")
def test_labels_in_a_variable_or_of_a_length_that_only_a_run_knows_are_an_invalid_argument():
    forms = [
        lambda: v1.get_variable("labels", initializer=np.array([0, 1, 3, 2]), trainable=False),
        lambda: v1.placeholder_with_default(np.array([0, 1]), [None]),
    ]
    for form in forms:
        with pytest.raises(tf.errors.InvalidArgumentError):
            run(lambda x, form=form: vote(x, emb_labels=form()).layer_out)


@pytest.mark.clause("VQ-10.14", "VQ-16.27")
@pytest.mark.parametrize("label", [-1, 3, 7])
@pytest.mark.parametrize("representative", ["first", "nearest"])
def test_labels_that_are_assigned_out_of_range_are_an_invalid_argument_of_what_uses_them(representative, label):
    layer = layer_of(representative=representative, majority_threshold=0.5)
    layer.emb_labels.assign([0, label, 1, 2])
    for use in (layer, layer.encode, tf.function(layer)):
        with pytest.raises(tf.errors.InvalidArgumentError, match=rf"(?s)`emb_labels` must lie in \[0, num_.*{label}"):
            use(X)
    layer.emb_labels.assign(LABELS)
    np.testing.assert_array_equal(
        layer(X).layer_out, oracle(representative=representative, majority_threshold=0.5).layer_out
    )


@pytest.mark.slow
@pytest.mark.clause("VQ-10.15", "VQ-16.30")
def test_compiled_where_nothing_raises_labels_out_of_range_come_out_as_minus_one_and_nan():
    layer = layer_of(representative="nearest")
    layer.emb_labels.assign([0, 1, 2, 7])
    layer_out, labels, codes = tf.function(
        lambda x: (layer(x).layer_out, layer(x).most_common_label, layer.encode(x)), jit_compile=True
    )(X)
    assert np.isnan(layer_out).all()
    assert set(np.ravel(labels)) | set(np.ravel(codes)) == {-1}


@pytest.mark.clause("VQ-16.1")
def test_nothing_is_built_before_a_vote_is_checked():
    with tf.Graph().as_default() as graph:
        x = v1.placeholder("float32", [None, 1, 4])
        for wrong in ({"k": 5}, {"emb_labels": LABELS + 1}, {"representative": "last"}):
            with pytest.raises(ValueError, match=f"`{next(iter(wrong))}` must"):
                vote(x, **wrong)
        assert [op.type for op in graph.get_operations()] == ["Placeholder"]


def test_outside_a_graph_the_error_names_the_layer_to_use():
    plain = vq_layer.cosine_vector_quantization
    for function, layer in (
        (lambda x: plain(x, 4, num_splits=2), "CosineVectorQuantization"),
        (vote, "CosineKNNVectorQuantization"),
    ):
        for call in (function, tf.function(function)):
            with pytest.raises(RuntimeError, match=rf"use the Keras layer `vq_layer\.{layer}`"):
                call(tf.constant(X))


@pytest.mark.clause("VQ-9.5", "VQ-10.2")
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("representative", ["first", "nearest"])
def test_a_compiled_layer_breaks_ties_as_the_oracle_does(representative, jit_compile):
    # One coordinate, so that similarities are 1, -1, 0 and -0, which XLA's top_k takes for less than 0.
    x = np.array([[[0.0], [2.0], [-3.0], [np.nan], [-0.0]]], np.float32)
    emb_space = np.array([[np.inf], [-1.0], [2.0], [-4.0], [0.0], [1.0]], np.float32)
    arguments = {"emb_labels": np.array([0, 1, 0, 2, 2, 0]), "num_classes": 3, "k": 3}
    arguments |= {"majority_threshold": 2 / 3, "representative": representative}
    layer = vq_layer.CosineKNNVectorQuantization(n=6, return_endpoints=True, **arguments)
    layer.build(x.shape)
    layer.emb_space.assign(emb_space)
    result = tf.function(layer, jit_compile=jit_compile)(tf.constant(x))
    expected = reference.cosine_knn_vector_quantization(x, emb_space=emb_space, **arguments)
    for name, value in result._asdict().items():
        if name not in ("emb_space", "emb_index", "access_count"):
            np.testing.assert_array_equal(value, getattr(expected, name), err_msg=name)


def test_layers_come_back_from_their_configurations():
    for layer in (layer_of(majority_threshold=0.5, representative="nearest"), vq_layer.CosineVectorQuantization(4)):
        config = layer.get_config()
        assert config.keys() >= inspect.signature(type(layer)).parameters.keys() - {"kwargs"}
        assert type(layer).from_config(config).get_config() == config


@pytest.mark.clause("VQ-10.5")
def test_labels_keep_their_dtype_in_a_configuration():
    again = vq_layer.CosineKNNVectorQuantization.from_config(layer_of().get_config())
    assert again(X).most_common_label.dtype == LABELS.dtype


@pytest.mark.clause("VQ-14.4", "VQ-14.6")
def test_under_a_mixed_policy_only_the_output_of_a_vote_is_half():
    x = np.array([[[5, 0, 0, 0]], [[0, 1, np.nan, 1]]], np.float16)
    layer = layer_of(dtype="mixed_float16", majority_threshold=0.5)
    layer.emb_space.assign(AXES)
    result, expected = layer(x), oracle(x, AXES, majority_threshold=0.5)
    assert (layer.emb_space.dtype, layer.emb_labels.dtype) == ("float32", "int32")
    dtypes = {name: value.dtype.name for name, value in result._asdict().items()}
    integers = {"emb_index": "int64", "identity_mapping_mask": "bool", "most_common_label": "int32"}
    assert dtypes == {**dict.fromkeys(dtypes, "float32"), "layer_out": "float16", **integers}
    for name in ("layer_out", "similarity_values", "most_common_label"):
        np.testing.assert_array_equal(getattr(result, name), getattr(expected, name))


@pytest.mark.clause("VQ-2.5")
def test_encoding_and_decoding_give_the_output_where_nothing_is_mapped():
    for layer in (layer_of(), vq_layer.CosineVectorQuantization(4, num_splits=2, return_endpoints=True)):
        codes = layer.encode(X)
        assert codes.shape == (2, 1, 2)
        np.testing.assert_array_equal(layer.decode(codes), layer(X).layer_out)


@pytest.mark.clause("VQ-2.4", "VQ-16.4")
@pytest.mark.parametrize("shape", [(3, 4), (3, 2, 2, 4), (3, 0, 4)])
def test_any_rank_from_two_is_quantized_along_its_last_axis(shape):
    x = np.random.default_rng(0).integers(-1, 2, shape).astype(np.float32)
    layer = layer_of(majority_threshold=0.5)
    layer.emb_space.assign(AXES)
    expected = oracle(x.reshape(1, -1, 4), AXES, majority_threshold=0.5).layer_out
    np.testing.assert_array_equal(layer(x).layer_out, expected.reshape(shape))
