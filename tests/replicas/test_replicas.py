"""Two replicas learn what one does: under `fit`, and in loops of their own, eager and traced."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from vq_layer import (
    PCA,
    DeadCodes,
    FiniteScalarQuantization,
    FromBatch,
    MostDistant,
    Norm,
    ResidualVectorQuantization,
    VectorQuantization,
)

pytestmark = [pytest.mark.training, pytest.mark.slow]

# Training makes the differences of rounding, 6e-8, a hundred times as large in a few steps.
NEAR = {"rtol": 1e-4, "atol": 1e-5}
X = np.random.default_rng(0).normal(size=(40, 3, 4)).astype(np.float32)
SPOILED = X.copy()
SPOILED[5, 1] = np.nan

DEFAULT = {"n": 8}
BY_GRADIENT = {"n": 8, "losses": ["codebook", "commitment", "coulomb"], "start": FromBatch("sample")}
MOST_DISTANT = {"n": 8, "replacement": MostDistant(2, every=2), "start": FromBatch()}
DYING = {"n": 8, "start": X.reshape(-1, 4)[:8] + 3, "replacement": DeadCodes(0.5, decay=0.5, number=3)}
PER_SPLIT = {"n": 8, "num_splits": 2, "codebooks": "per-split"}
COSINE = {"n": 8, "comparison": "cosine"}


def copies(strategy, weight):
    return [copy.numpy() for copy in strategy.experimental_local_results(weight.value)]


def assert_one_state(strategy, layer):
    for weight in layer.weights:
        first, *others = copies(strategy, weight)
        for other in others:
            np.testing.assert_array_equal(other, first, err_msg=weight.path, strict=True)


def model_of(*quantizers, regularizer=None):
    keras.utils.set_random_seed(0)
    dense = [layers.Dense(4, activity_regularizer=regularizer) for _ in quantizers]
    pairs = [layer for pair in zip(dense, quantizers, strict=True) for layer in pair]
    model = keras.Sequential([layers.Input((3, 4)), *pairs, layers.Dense(4)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


def residual():
    return ResidualVectorQuantization(4, num_stages=3, quantizer_dropout=True)


@pytest.mark.clause("VQ-30.1", "VQ-30.2", "VQ-30.3", "VQ-30.5", "VQ-30.9")
@pytest.mark.parametrize(
    ("build", "x"),
    [
        (lambda: model_of(VectorQuantization(**DEFAULT)), X),
        (lambda: model_of(VectorQuantization(**DEFAULT)), SPOILED),
        (lambda: model_of(VectorQuantization(**BY_GRADIENT)), X),
        (lambda: model_of(VectorQuantization(**MOST_DISTANT)), X),
        (lambda: model_of(VectorQuantization(**DYING)), X),
        (lambda: model_of(VectorQuantization(**PER_SPLIT)), X),
        (lambda: model_of(VectorQuantization(**COSINE)), X),
        (lambda: model_of(residual()), X),
        (
            lambda: model_of(
                VectorQuantization(name="a", **DEFAULT), VectorQuantization(name="b", **BY_GRADIENT), regularizer="l2"
            ),
            X,
        ),
        (lambda: model_of(FiniteScalarQuantization([5, 5, 4, 4])), X),
    ],
    ids=["default", "nan", "gradient", "most_distant", "dead", "per_split", "cosine", "residual", "several", "fsq"],
)
def test_fit_with_two_replicas_is_that_with_one(strategy, build, x):
    one = build()
    with strategy.scope():
        two = build()
    y = np.nan_to_num(x)
    how = {"batch_size": 16, "epochs": 2, "shuffle": False, "verbose": 0, "validation_data": (x[:20], y[:20])}
    expected, logs = one.fit(x, y, **how).history, two.fit(x, y, **how).history
    assert logs.keys() == expected.keys()
    assert_one_state(strategy, two)
    if x is SPOILED:  # Keras' own loss is NaN; what the layer says of its own is not
        one, two = one.layers[1], two.layers[1]
        logs, expected = ({n: it[n] for n in it if "commitment" in n or "usage" in n} for it in (logs, expected))
    for name, values in expected.items():
        np.testing.assert_allclose(logs[name], values, err_msg=name, **NEAR)
    for weight, value in zip(two.weights, one.weights, strict=True):
        np.testing.assert_allclose(weight.numpy(), value.numpy(), err_msg=weight.path, **NEAR)


def step_of(layer):
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            layer_out = layer(x, training=True)
            total = tf.add_n(layer.losses)
        return layer_out, total, tape.gradient(total, x)

    return step


@pytest.mark.clause("VQ-30.1", "VQ-30.2", "VQ-30.3", "VQ-30.5", "VQ-30.6", "VQ-30.7", "VQ-30.9")
@pytest.mark.parametrize("traced", [False, True], ids=["eager", "traced"])
@pytest.mark.parametrize("arguments", [DEFAULT, BY_GRADIENT, MOST_DISTANT, DYING, PER_SPLIT])
def test_a_loop_with_uneven_and_empty_parts_is_that_with_one_replica(strategy, arguments, traced):
    one = VectorQuantization(**arguments)
    one.build((None, 3, 4))
    with strategy.scope():
        two = VectorQuantization(**arguments)
        two.build((None, 3, 4))
    for weight, value in zip(two.weights, one.weights, strict=True):
        weight.assign(value)
    run = tf.function if traced else (lambda function: function)
    signature = {"input_signature": [tf.TensorSpec([None, 3, 4])]} if traced else {}
    alone = tf.function(step_of(one), **signature) if traced else step_of(one)
    together = run(lambda parts: strategy.run(step_of(two), (parts,)))
    for cut in (9, 2, 13, 0):  # of 13: at last the second replica has none, then the first
        x, at = X[cut : cut + 13], [cut]
        layer_out, total, gradient = alone(tf.constant(x))
        parts = np.split(x, at)
        distributed = strategy.experimental_distribute_values_from_function(
            lambda context, parts=parts: tf.constant(parts[context.replica_id_in_sync_group])
        )
        outcomes = zip(*map(strategy.experimental_local_results, together(distributed)), strict=True)
        outs, totals, gradients = zip(*outcomes, strict=True)
        np.testing.assert_allclose(np.concatenate(outs), layer_out, **NEAR)
        np.testing.assert_allclose(np.mean(totals), total, **NEAR)
        np.testing.assert_allclose(np.concatenate(gradients) / 2, gradient, **NEAR)  # each of the mean over two
        assert_one_state(strategy, two)
        for name in one.state:
            np.testing.assert_allclose(getattr(two, name).numpy(), getattr(one, name).numpy(), err_msg=name, **NEAR)
    for metric, expected in zip(two.metrics, one.metrics, strict=True):
        np.testing.assert_allclose(metric.result(), expected.result(), err_msg=metric.name, **NEAR)
    counts = [value.numpy() for value in strategy.experimental_local_results(two.metrics[0].access_count.value)]
    assert np.sum(counts, axis=0).tolist() == one.metrics[0].access_count.numpy().tolist()


@pytest.mark.clause("VQ-30.2", "VQ-30.8")
def test_replicas_agree_with_components_of_their_own_parts(strategy):
    comparison = PCA(Norm(2), "pca-batch", 2)
    with strategy.scope():
        model = model_of(VectorQuantization(8, comparison=comparison, start=X.reshape(-1, 4)[:8]))
    before = model.layers[1].emb_space.numpy()
    model.fit(X, X, batch_size=16, epochs=2, verbose=0)
    assert_one_state(strategy, model)
    assert np.any(model.layers[1].emb_space.numpy() != before)


def test_a_frozen_layer_stays_on_all_replicas_and_its_losses_are_those_of_the_whole_batch(strategy):
    def frozen():
        model = model_of(VectorQuantization(8, start=X.reshape(-1, 4)[:8]))
        model.layers[1].trainable = False
        model.compile("sgd", "mse")
        return model

    one = frozen()
    with strategy.scope():
        two = frozen()
    before = two.layers[1].get_weights()
    expected, logs = (it.fit(X, X, batch_size=20, shuffle=False, verbose=0).history for it in (one, two))
    np.testing.assert_allclose(logs["commitment_loss"], expected["commitment_loss"], **NEAR)
    np.testing.assert_allclose(logs["loss"], expected["loss"], **NEAR)
    for weight, value in zip(two.layers[1].get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)
    assert_one_state(strategy, two)
