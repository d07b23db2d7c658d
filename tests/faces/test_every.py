"""A replacement that a training pass makes itself, after every so many (VQ-11, VQ-23)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vq_layer import MostDistant
from vq_layer.presets import adversarial_2018

X = 3 * np.random.default_rng(0).standard_normal((15, 2)).astype(np.float32)  # three batches of five
START = np.array([[0.0, 0.0], [4.0, 0.0], [-30.0, 0.0]], np.float32)


def layer_of(every, **arguments):
    return adversarial_2018(3, start=START, replacement=MostDistant(2, every=every), name="vq", **arguments)


def model_of(layer, learning_rate=0.0, **how):
    model = keras.Sequential([keras.layers.Input((2,)), layer])
    model.compile(keras.optimizers.SGD(learning_rate), **how)
    return model


def fit(model, x=X, epochs=1, **arguments):
    model.fit(x, batch_size=5, epochs=epochs, shuffle=False, verbose=0, **arguments)


def assert_equal(state, expected):
    assert state.keys() == expected.keys()
    for name, value in state.items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


@pytest.mark.slow
@pytest.mark.clause("VQ-23.2", "VQ-23.3", "VQ-23.4")
@pytest.mark.parametrize(
    ("way", "every"),
    [
        ({"run_eagerly": True}, 1),
        ({"run_eagerly": True}, 4),
        ({"jit_compile": False}, 1),
        ({"jit_compile": True}, 2),
    ],
    ids=str,
)
def test_fit_replaces_as_one_who_does_so_by_hand_after_every_so_many_passes(way, every):
    by_itself, by_hand = layer_of(every), layer_of(None)
    by_hand.build((None, 2))
    fit(model_of(by_itself, **way), epochs=3)  # nothing is learned in between: a step would be of other rounding
    for number in range(9):
        by_hand(X[5 * (number % 3) :][:5], training=True)
        if (number + 1) % every == 0:
            by_hand.replace_embeds()
    assert_equal(by_itself.state, by_hand.state)
    assert by_itself.passes_since_replacement == 9 % every
    assert not np.array_equal(by_itself.emb_space, START)


@pytest.mark.clause("VQ-17.14", "VQ-23.3")
def test_it_replaces_before_the_step_of_the_optimizer_whose_gradient_is_of_the_embeddings_before():
    layers = layer_of(2), layer_of(None)
    for layer in layers:
        layer.build((None, 2))
        optimizer = keras.optimizers.SGD(0.5)
        for number in range(1, 5):
            with tf.GradientTape() as tape:
                layer(X[:5], training=True)
                loss = tf.add_n(layer.losses)
            if layer is layers[1] and number % 2 == 0:
                layer.replace_embeds()
            optimizer.apply([tape.gradient(loss, layer.emb_space.value)], [layer.emb_space])
    assert_equal(layers[0].state, layers[1].state)


@pytest.mark.clause("VQ-11.5", "VQ-11.10", "VQ-23.5")
@pytest.mark.parametrize("use", ["frozen", "inference"])
def test_a_frozen_layer_and_inference_change_nothing(use):
    layer = layer_of(2)
    layer(X[:5], training=True)
    before = layer.state
    layer.trainable = use != "frozen"
    for _ in range(3):
        layer(X, training=use == "frozen")
    assert_equal(layer.state, before)
    layer.trainable = True
    layer(X[5:10], training=True)
    assert layer.passes_since_replacement == 0


@pytest.mark.slow
def test_a_training_goes_on_from_a_file_that_was_saved_in_between(tmp_path):
    model = model_of(layer_of(2, num_splits=1), learning_rate=0.5)
    fit(model)
    assert model.get_layer("vq").passes_since_replacement == 1
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for each in (model, loaded):
        fit(each)
        assert each.get_layer("vq").passes_since_replacement == 0
    assert_equal(loaded.get_layer("vq").state, model.get_layer("vq").state)


@pytest.mark.clause("VQ-22.10", "VQ-23.2", "VQ-23.3")
@pytest.mark.parametrize(("every", "passes", "usage"), [(1, 0, 0), (2, 1, 30)])
def test_a_layer_that_is_called_twice_in_a_pass_counts_and_replaces_once(every, passes, usage):
    layer, x = layer_of(every), keras.Input((2,))
    model = keras.Model(x, layer(layer(x)))
    model(X, training=True)
    assert layer.passes_since_replacement == passes
    assert layer.accumulated_usage_count.numpy().sum() == usage  # of both calls, if any
