"""What only the cosine functions and layers promise: endpoints, labels in every form, and where they refuse."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import vq_layer

v1 = tf.compat.v1

EMB_SPACE = np.array([[1, 0], [0, 1], [1, 1], [-1, 0]], np.float32)
LABELS = np.array([2, 0, 2, 1], np.int32)
X = np.array([[[3, 0.1, 0, 1e-30]], [[-2, 0.5, 1, 0.9]]], np.float32)


def vote(x, **arguments):
    given = {"emb_labels": LABELS, "num_classes": 3, "k": 3, "n": 4, "num_splits": 2, "return_endpoints": True}
    constant = {"embedding_initializer": EMB_SPACE, "constant_init": True}
    return vq_layer.cosine_knn_vector_quantization(x, **{**given, **constant, **arguments})


def run(build):
    """Run ``build(placeholder)`` in a graph of its own, batch and r unknown."""
    with tf.Graph().as_default(), v1.Session() as session:
        placeholder = v1.placeholder("float32", [None, None, 4])
        fetches = build(placeholder)
        session.run(v1.global_variables_initializer())
        return session.run(fetches, {placeholder: X})


@pytest.mark.clause("VQ-9")
def test_similarities_count_tiny_vectors_come_in_batch_order_and_mask_one_entry_a_vector():
    values, mask, label = run(lambda x: vote(x, majority_threshold=0.9)[3:6])
    # The four vectors point along (3, 0.1), (0, 1), (-2, 0.5), (1, 0.9); cosines of a few float32 operations.
    cosines = [3 / np.hypot(3, 0.1), 1, 2 / np.hypot(2, 0.5), 1.9 / np.hypot(1, 0.9) / np.sqrt(2)]
    np.testing.assert_allclose(values, cosines, rtol=1e-6)
    assert mask.shape == label.shape == (2, 2)
    assert label.dtype == np.int32


@pytest.mark.clause("VQ-9")
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


@pytest.mark.clause("VQ-10")
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


@pytest.mark.clause("VQ-16")
def test_labels_out_of_range_that_only_a_run_knows_are_an_invalid_argument():
    for wrong in (-1, 3):
        labels = np.array([0, 1, wrong, 2])
        with pytest.raises(tf.errors.InvalidArgumentError, match="emb_labels"):
            run(lambda x, labels=labels: vote(x, emb_labels=v1.placeholder_with_default(labels, [4])).layer_out)


@pytest.mark.clause("VQ-16")
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
        ({"embedding_initializer": "batch"}, ValueError, r"`embedding_initializer` must not be 'batch'"),
    ],
)
def test_a_wrong_argument_of_a_vote_is_named_with_its_rule_and_value(arguments, error, message):
    with tf.Graph().as_default(), pytest.raises(error, match=message):
        vote(v1.placeholder("float32", [None, 1, 4]), **{"constant_init": False, **arguments})
    layer = {"emb_labels": LABELS, "num_classes": 3, "k": 3, "n": 4, **arguments}
    with pytest.raises(error, match=message):
        vq_layer.CosineKNNVectorQuantization(**layer)


@pytest.mark.clause("VQ-10")
@pytest.mark.parametrize("jit_compile", [False, True])
def test_41_of_41_votes_reach_the_threshold_of_1(jit_compile):
    layer = vq_layer.CosineKNNVectorQuantization(
        np.zeros(41, int), 2, 41, 41, majority_threshold=1.0, return_endpoints=True
    )
    x = tf.random.stateless_normal([8, 3], [0, 1])
    layer(x)
    endpoints = tf.function(lambda x: layer(x)[:6], jit_compile=jit_compile)(x)
    assert endpoints[2] == 0
    assert not tf.reduce_any(endpoints[4])


def test_a_saved_model_keeps_labels_and_embeddings(tmp_path):
    layer = vq_layer.CosineKNNVectorQuantization(LABELS, 3, 3, 4, majority_threshold=0.7, num_splits=2, name="vote")
    model = keras.Sequential([keras.Input((1, 4)), layer])
    layer.emb_space.assign(EMB_SPACE)
    layer.emb_labels.assign(LABELS[::-1])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("vote").get_config() == layer.get_config()
    for value, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(value, expected)
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))


def test_endpoints_are_outputs_of_a_functional_model():
    x = keras.Input((1, 4))
    endpoints = vq_layer.CosineKNNVectorQuantization(LABELS, 3, 3, 4, num_splits=2, return_endpoints=True)(x)
    assert isinstance(endpoints, vq_layer.CosineVQEndpoints)
    assert endpoints.identity_mapping_mask is None
    model = keras.Model(x, [endpoints.layer_out, endpoints.most_common_label, endpoints.similarity_values])
    assert [tuple(value.shape) for value in model(X)] == [(2, 1, 4), (2, 2), (4,)]
