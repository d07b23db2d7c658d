"""A model whose `call` takes no `training`: Keras tells its layers nothing of it, and they do not learn."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vq_layer import ResidualVectorQuantization, VectorQuantization
from vq_layer.presets import adversarial_2018

pytestmark = pytest.mark.long

X = np.random.default_rng(0).standard_normal((8, 2)).astype(np.float32)


class Untold(keras.Model):
    """Does not take what Keras would tell."""

    def __init__(self, layer):
        super().__init__(name="untold")
        self.dense, self.quantizer = keras.layers.Dense(2), layer

    def call(self, inputs):
        """Quantize what a dense layer makes of them."""
        return self.quantizer(self.dense(inputs))


class Told(Untold):
    """Takes it, and does not pass it on."""

    def call(self, inputs, training=None):
        """Quantize what a dense layer makes of them."""
        del training
        return super().call(inputs)


def model_of(kind, layer, **how):
    model = kind(layer)
    model.compile("sgd", "mse", **{"jit_compile": False, **how})
    return model


def fit(model):
    model.fit(X, X, verbose=0)


@pytest.mark.parametrize("run_eagerly", [False, True], ids=["graph", "eager"])
@pytest.mark.parametrize(
    "layer",
    [
        lambda: VectorQuantization(4, start="normal"),
        lambda: VectorQuantization(4, start="normal", update="gradient", losses="codebook"),
        lambda: adversarial_2018(4, start="normal", replacement="dead-codes"),
        lambda: ResidualVectorQuantization(4, 2, start="normal"),
    ],
    ids=["averages", "dead codes", "2018 with dead codes", "residual"],
)
def test_a_model_that_takes_no_training_is_told_why_nothing_is_learned(layer, run_eagerly):
    model = model_of(Untold, layer(), run_eagerly=run_eagerly)
    with pytest.warns(
        UserWarning, match=r"quantizers in the model 'untold' do not learn: its `call` takes no `tr"
    ) as seen:
        fit(model)
    assert len({str(it.message) for it in seen}) == 1  # of which Python shows one
    fit(model)  # a warning would be an error


@pytest.mark.parametrize("run_eagerly", [False, True], ids=["graph", "eager"])
def test_a_model_that_takes_it_need_not_pass_it_on(run_eagerly):
    layer = VectorQuantization(4)
    fit(model_of(Told, layer, run_eagerly=run_eagerly))
    assert layer.draws == 1


def predict(model):
    model.predict(X, verbose=0)


def evaluate(model):
    model.evaluate(X, X, verbose=0)


def attack(model):
    with tf.GradientTape() as tape:
        x = tf.constant(X)
        tape.watch(x)
        y = model(x)
    assert tape.gradient(y, x) is not None


@pytest.mark.parametrize("use", [predict, evaluate, attack])
def test_nobody_is_warned_who_does_not_train(use):
    use(model_of(Untold, VectorQuantization(4, start="normal")))


@pytest.mark.parametrize("how", ["by gradients alone", "frozen"])
def test_nobody_is_warned_where_there_is_nothing_to_learn(how):
    layer = (
        adversarial_2018(4, start="normal") if how == "by gradients alone" else VectorQuantization(4, start="normal")
    )
    layer.trainable = how != "frozen"
    fit(model_of(Untold, layer))
