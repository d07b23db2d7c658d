"""What every optimizer keeps for a row starts anew within the step of `fit` in which the row is replaced."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.faces.test_slots import KINDS
from vq_layer import Alpha, Beta, DeadCodes, MostDistant, VectorQuantization, reset_slots

pytestmark = pytest.mark.training

STEPS, BATCH = 4, 5
X = np.random.default_rng(0).integers(-4, 5, [STEPS * BATCH, 2]).astype(np.float32)
START = np.array([[-2.0, 0.0], [2.0, 1.0], [30.0, 30.0]], np.float32)  # nothing chooses the last
# How each replaces, and after how many passes.
REPLACEMENTS = {
    1: lambda every: DeadCodes(0.4, 0.25, "most-distant", number=1, every=every),
    2: lambda every: MostDistant(1, every=every),
}
OPTIMIZERS = [
    *((name, {}) for name in KINDS if issubclass(getattr(keras.optimizers, name), keras.optimizers.Optimizer)),
    ("SGD", {"momentum": 0.9, "use_ema": True}),
    ("Adam", {"amsgrad": True, "gradient_accumulation_steps": 3}),
]


def optimizer_of(kind, arguments):
    return getattr(keras.optimizers, kind)(learning_rate=0.01, **arguments)


def layers_of(acts):
    """Return two layers, which replace by themselves or when they are told to."""
    losses = [Alpha(), Beta(0.1)]  # the second pulls at every row, so that all slots are filled
    return [
        VectorQuantization(
            len(START), start=START, losses=losses, replacement=make(every if acts else None), name=f"vq{every}"
        )
        for every, make in REPLACEMENTS.items()
    ]


def fitted(optimizer):
    """Return the embedding spaces and the optimizer after a training by `fit`."""
    x, layers = keras.Input((2,)), layers_of(acts=True)
    model = keras.Model(x, [layer(x) for layer in layers])
    optimizer.build(model.trainable_variables)  # else ScheduleFreeAdamW of Keras begins its copies at zero
    model.compile(optimizer, jit_compile=False)
    model.fit(X, batch_size=BATCH, shuffle=False, verbose=0)
    return [layer.emb_space for layer in layers]


def by_hand(optimizer, reset):
    """Return them after the same training by one who replaces, and resets or not, before each step."""
    layers = layers_of(acts=False)
    for layer in layers:
        layer.build((None, 2))
    weights = [layer.emb_space for layer in layers]
    optimizer.build(weights)
    for number, batch in enumerate(np.split(X, STEPS), start=1):
        with tf.GradientTape() as tape:
            for layer in layers:
                layer(batch, training=True)
            loss = tf.add_n([loss for layer in layers for loss in layer.losses])
        gradients = tape.gradient(loss, [weight.value for weight in weights])
        for every, layer in zip(REPLACEMENTS, layers, strict=True):
            if number % every == 0:
                rows = layer.replace_embeds()
                if reset:
                    reset_slots(optimizer, layer.emb_space, rows)
        optimizer.apply(gradients, weights)
    optimizer.finalize_variable_values(weights)  # to their averages, if there are any
    return weights


def values(weights, optimizer):
    return [np.asarray(it, np.float64) for it in [*weights, *optimizer.variables]]


@pytest.mark.parametrize(("kind", "arguments"), OPTIMIZERS, ids=str)
def test_it_starts_anew_as_for_one_who_resets_it_by_hand(kind, arguments):
    by_itself, expected, not_reset = (optimizer_of(kind, arguments) for _ in range(3))
    after = values(fitted(by_itself), by_itself)
    for value, of_hand in zip(after, values(by_hand(expected, reset=True), expected), strict=True):
        # A graph rounds otherwise, in some dozens of operations for each number in each of four steps.
        np.testing.assert_allclose(value, of_hand, rtol=0, atol=128 * 2.0**-24 * np.max(np.abs(of_hand)))
    stale = values(by_hand(not_reset, reset=False), not_reset)
    stays = not by_itself.variables[2:]  # but for the step counter and the learning rate, it keeps nothing
    assert stays == all(np.allclose(value, other, rtol=0.1) for value, other in zip(after, stale, strict=True))


class WithTwoOptimizers(keras.Model):
    """A model whose step trains the embeddings by an optimizer of their own, and all else by another."""

    def __init__(self):
        super().__init__()
        self.before = keras.layers.Dense(2, use_bias=False, kernel_initializer="identity")
        _, self.vq = layers_of(acts=True)
        self.of_embeddings, self.of_others = keras.optimizers.SGD(0.01, momentum=0.9), keras.optimizers.Adam(0.0)

    def call(self, x, training=None):
        """Quantize x."""
        return self.vq(self.before(x), training=training)

    def train_step(self, x):
        """Make a step of each."""
        with tf.GradientTape(persistent=True) as tape:
            error = tf.reduce_mean(tf.square(self(x, training=True) - x))
            loss = tf.add_n(self.losses)
        for optimizer, target, layer in (
            (self.of_embeddings, loss, self.vq),
            (self.of_others, error, self.before),
        ):
            weights = layer.trainable_weights
            optimizer.apply(tape.gradient(target, [weight.value for weight in weights]), weights)
        return {"error": error}


@pytest.mark.parametrize("way", [{"run_eagerly": True}, {"jit_compile": False}, {"jit_compile": True}], ids=str)
@pytest.mark.parametrize("is_built", [True, False])
def test_of_two_optimizers_the_one_that_trains_the_embeddings_starts_anew_built_before_or_not(is_built, way):
    model, expected = WithTwoOptimizers(), keras.optimizers.SGD(0.01, momentum=0.9)
    model(X)
    if is_built:
        model.of_embeddings.build(model.vq.trainable_weights)
    model.compile(**way)
    model.fit(X, batch_size=BATCH, shuffle=False, verbose=0)
    *_, of_hand = by_hand(expected, reset=True)
    *_, slot_of_hand = expected.variables
    (slot,) = (it for it in model.of_embeddings.variables if it.shape == START.shape)
    for value, other in ((model.vq.emb_space, of_hand), (slot, slot_of_hand)):
        # XLA and graphs round otherwise, in some dozens of operations for each number in each of four steps.
        np.testing.assert_allclose(value, other, rtol=0, atol=128 * 2.0**-24 * np.max(np.abs(other)))
