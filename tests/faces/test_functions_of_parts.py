"""The function for graphs with parts that are younger than it: against the Keras layer of the same parts."""

import numpy as np
import pytest
import tensorflow as tf

from vq_layer import Commitment, DeadCodes, MostDistant, MovingAverage, VectorQuantization, vector_quantization

v1 = tf.compat.v1
RNG = np.random.default_rng(0)
BATCHES = RNG.normal(size=(4, 8, 2, 4)).astype(np.float32)
START = np.concatenate([RNG.normal(size=(4, 2)), 50 + RNG.normal(size=(4, 2))]).astype(np.float32)
MASK = RNG.random((8, 2)) < 0.7
LIKE_2018 = {"embedding_initializer": START, "constant_init": True, "num_splits": 2, "return_endpoints": True}
NO_LOSS = {"alpha": 0, "beta": 0, "gamma": 0}
LEARNING = {
    "averages": {"update": MovingAverage(0.5)},
    "averages, dead codes": {
        "update": MovingAverage(0.5),
        "replacement": DeadCodes(0.4, 0.5, "most-distant", number=2, every=2),
    },
    "dead codes drawn by seed": {
        "update": "gradient",
        "replacement": DeadCodes(0.4, 0.5, number=3, seed=5),
        "losses": "commitment",
    },
}


@pytest.mark.clause("VQ-24.1", "VQ-24.2", "VQ-26.1", "VQ-26.4", "VQ-26.11")
@pytest.mark.parametrize("parts", LEARNING.values(), ids=LEARNING)
def test_training_passes_leave_what_those_of_the_layer_leave(parts):
    layer = VectorQuantization(8, start=START, num_splits=2, **{"losses": None, "replacement": None, **parts})
    passes = [(batch, number != 2) for number, batch in enumerate(BATCHES)]  # one of inference changes nothing
    expected = [(layer(batch, training=trains), layer.state) for batch, trains in passes]
    with tf.Graph().as_default(), v1.Session() as session:
        x, is_training = v1.placeholder(tf.float32, [None, 2, 4]), v1.placeholder_with_default(False, [])
        out = vector_quantization(x, 8, **NO_LOSS, **LIKE_2018, is_training=is_training, **parts)
        kept = {variable.op.name: variable for variable in v1.global_variables()}
        session.run(v1.global_variables_initializer())
        for (batch, trains), (layer_out, state) in zip(passes, expected, strict=True):
            np.testing.assert_array_equal(session.run(out.layer_out, {x: batch, is_training: trains}), layer_out)
            found = session.run(kept)
            for name, value in state.items():
                # The same sums of few terms, in whatever order.
                np.testing.assert_allclose(found[f"vq/{name}"], value, rtol=1e-5, err_msg=name)
        assert bool(v1.trainable_variables()) == (parts["update"] == "gradient")
    assert not np.array_equal(layer.emb_space, START)


@pytest.mark.clause("VQ-18.4", "VQ-19.2", "VQ-21.3", "VQ-21.5")
def test_masks_estimators_and_further_losses_are_those_of_the_layer():
    layer = VectorQuantization(
        8, start=START, num_splits=2, losses=["codebook", Commitment(0.5)], estimator="none", replacement=None
    )
    given = tf.constant(BATCHES[0])
    with tf.GradientTape() as tape:
        tape.watch(given)
        layer_out, losses = layer(given, mask=MASK), layer.losses
        total = tf.reduce_sum(layer_out) + tf.add_n(losses)
    expected = [layer_out, *losses, tape.gradient(total, given)]
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 2, 4])
        parts = {"losses": ["codebook", Commitment(0.5)], "estimator": "none", "mask": MASK}
        out = vector_quantization(x, 8, **NO_LOSS, **LIKE_2018, **parts)
        losses = v1.get_collection(v1.GraphKeys.LOSSES)
        total = tf.reduce_sum(out.layer_out) + tf.add_n(losses)
        session.run(v1.global_variables_initializer())
        found = session.run([out.layer_out, *losses, *tf.gradients(total, x)], {x: BATCHES[0]})
        assert [loss.op.name for loss in losses] == ["vq/codebook_loss", "vq/commitment_loss"]
    for value, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-6)


@pytest.mark.clause("VQ-16.1", "VQ-16.3", "VQ-17.25")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"update": "moving-average"}, "`losses`: Alpha needs an update by Gradient"),
        ({"replacement": DeadCodes(), "num_embeds_replaced": 1}, "`replacement` takes the place of `num_embeds_repl"),
        ({"replacement": MostDistant(9)}, "`MostDistant.number` must be at most n=8"),
        ({"mask": MASK[:, :1]}, "`mask` must have the shape of `x` without its last axis"),
        ({"losses": "gamma"}, "`losses` must be a part of the kind Loss, or one of the names"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_built(arguments, message):
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [None, 2, 4])
        with pytest.raises(ValueError, match=message):
            vector_quantization(x, 8, num_splits=2, **arguments)
        assert v1.global_variables() == []
