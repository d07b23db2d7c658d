"""An optimizer that makes a step of several batches: each of these is a pass to the layer, which learns in each."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vq_layer import Beta, Codebook, DeadCodes, FromBatch, MostDistant, MovingAverage, VectorQuantization

pytestmark = [pytest.mark.slow, pytest.mark.long]

STEPS, BATCH = 4, 3
RNG = np.random.default_rng(0)
X = RNG.integers(-4, 5, [2 * STEPS * BATCH, 2]).astype(np.float32)  # sums of small integers are exact
START = np.array([[-2.0, 0.0], [2.0, 1.0], [64.0, 64.0]], np.float32)


def layer_of(**arguments):
    return VectorQuantization(len(START), **{"start": START, "replacement": None, "name": "vq", **arguments})


def fitted(layer, batches, optimizer=None):
    """Train a model on the first batches, the first layer of which only a step of the optimizer would move."""
    before = keras.layers.Dense(2, use_bias=False, kernel_initializer="identity")
    model = keras.Sequential([keras.layers.Input((2,)), before, layer])
    optimizer = optimizer or keras.optimizers.SGD(0.5, momentum=0.5, gradient_accumulation_steps=STEPS)
    model.compile(optimizer, "mse", jit_compile=False)
    x = X[: batches * BATCH]
    model.fit(x, x, batch_size=BATCH, shuffle=False, verbose=0)
    assert np.array_equal(before.kernel, np.eye(2)) == (batches < STEPS)
    return model


def assert_as_by_hand(layer, by_hand, batches):
    """Require the state after as many passes, one by one."""
    by_hand.build((None, 2))
    for batch in np.split(X, len(X) // BATCH)[:batches]:
        by_hand(batch, training=True)
    for name, value in by_hand.state.items():
        np.testing.assert_array_equal(layer.state[name], value, err_msg=name)


LEARNING = {
    "averages": {"update": MovingAverage(0.5)},
    "dead codes": {"update": MovingAverage(0.5), "replacement": DeadCodes(0.4, 0.25, "most-distant", every=2)},
    "start": {"start": FromBatch("k-means", seed=1)},
}


@pytest.mark.clause("VQ-22.10", "VQ-24.1", "VQ-25.3", "VQ-26.11")
@pytest.mark.parametrize("kind", LEARNING)
def test_averages_starts_and_shares_move_with_each_batch(kind):
    layer = layer_of(**LEARNING[kind])
    fitted(layer, STEPS - 1)  # no step yet, so that all batches come to the layer as they are
    assert not np.array_equal(layer.emb_space, START)
    assert_as_by_hand(layer, layer_of(**LEARNING[kind]), STEPS - 1)


@pytest.mark.clause("VQ-24.1", "VQ-24.2")
def test_the_averages_of_a_step_are_those_of_its_batches_each_weighing_less_the_earlier_it_came():
    decay = 0.5
    layer = layer_of(update=MovingAverage(decay, epsilon=0.0), start=np.array([[0.0, 0.0], [64, 64], [64, -64]]))
    fitted(layer, STEPS - 1)  # all that is near is near to the first
    count, total = 0.0, np.zeros(2)
    for batch in np.split(X, len(X) // BATCH)[: STEPS - 1]:
        count, total = decay * count + (1 - decay) * BATCH, decay * total + (1 - decay) * batch.sum(axis=0)
    np.testing.assert_array_equal(layer.average_count, [count, 0, 0])
    np.testing.assert_allclose(layer.emb_space[0], total / count, rtol=0, atol=16 * 4 * 2.0**-24)  # of numbers up to 4


def test_embeddings_that_an_optimizer_trains_move_at_its_step_by_the_mean_gradient_of_the_batches():
    arguments = {"losses": ["codebook", "commitment"]}
    waits = layer_of(**arguments)
    fitted(waits, STEPS - 1)
    np.testing.assert_array_equal(waits.emb_space, START)
    accumulating, at_once = layer_of(**arguments), layer_of(**arguments)
    fitted(accumulating, STEPS)
    at_once.build((None, 2))
    with tf.GradientTape() as tape:
        at_once(X[: STEPS * BATCH], training=True)  # equal batches: the mean of the losses is that of all
        loss = tf.add_n(at_once.losses)
    keras.optimizers.SGD(0.5).apply([tape.gradient(loss, at_once.emb_space.value)], [at_once.emb_space])
    assert not np.array_equal(accumulating.emb_space, START)
    np.testing.assert_allclose(accumulating.emb_space, at_once.emb_space, rtol=16 * 2.0**-24)  # of so few roundings


def test_every_counts_batches_and_what_was_accumulated_for_a_replaced_row_is_forgotten():
    pulling = [Codebook(), Beta(0.1)]  # at every row
    layer = layer_of(losses=pulling, replacement=MostDistant(1, every=2))
    model = fitted(layer, 2)
    replaced = np.any(layer.emb_space.numpy() != START, axis=-1)
    assert np.count_nonzero(replaced) == 1
    assert layer.passes_since_replacement == 0
    (slot,) = (it for it in model.optimizer.variables if "accumulator" in it.path and it.shape == START.shape)
    by_hand = layer_of(losses=pulling)
    gradients = []
    for batch in (X[:BATCH], X[BATCH : 2 * BATCH]):
        with tf.GradientTape() as tape:
            by_hand(batch, training=True)
            loss = tf.add_n(by_hand.losses)
        gradients.append(tf.convert_to_tensor(tape.gradient(loss, by_hand.emb_space.value)).numpy())
    earlier, last = gradients
    assert earlier[replaced].all()
    # The last came after that was forgotten; as always, it is of the embeddings with which the pass began.
    expected = last + np.where(replaced[:, np.newaxis], 0, earlier)
    np.testing.assert_allclose(slot, expected, rtol=0, atol=64 * 8 * 2.0**-24)  # of terms up to 64
