"""A training is the same however `fit` runs it: bit for bit as a graph, and within rounding as XLA compiles it."""

import keras
import numpy as np
import pytest

from benchmarks.quality import digits
from vq_layer import DeadCodes, MostDistant, ResidualVectorQuantization, VectorQuantization

pytestmark = pytest.mark.training

N, Q, NUM_SPLITS = 16, 8, 2
BATCH, BATCHES, EPOCHS = 64, 8, 2
START = np.random.default_rng(0).standard_normal([N, Q // NUM_SPLITS]).astype(np.float32)  # XLA compiles k-means slowly
GIVEN = {"num_splits": NUM_SPLITS, "start": START}
MOST_DISTANT = DeadCodes(0.5, 0.5, "most-distant")
LAYERS = {
    "averages": lambda: VectorQuantization(N, replacement=MOST_DISTANT, **GIVEN),
    "gradient": lambda: VectorQuantization(
        N, losses=["codebook", "commitment"], replacement=MostDistant(2, every=3), **GIVEN
    ),
    "residual": lambda: ResidualVectorQuantization(N, 2, quantizer_dropout=True, replacement=MOST_DISTANT, **GIVEN),
}
WAYS = {
    "eagerly": {"run_eagerly": True},
    "several steps at once": {"jit_compile": False, "steps_per_execution": 3},
    "as Keras chooses": {"jit_compile": "auto"},
    "several steps at once by XLA": {"jit_compile": True, "steps_per_execution": 3},
}
# Each of 16 steps sums up to 64 products, and what a graph optimizer or XLA fuses or reorders is rounded otherwise.
ROUNDING = 16 * 64 * 2.0**-24


def fitted(kind, **how):
    """Return all variables after a training, the logs, and whether XLA compiled it."""
    keras.utils.set_random_seed(5)
    dense, x = keras.layers.Dense, digits.load().train[: BATCHES * BATCH].reshape([-1, 64])
    model = keras.Sequential([keras.Input((64,)), dense(Q), LAYERS[kind](), dense(64)])
    model.compile(keras.optimizers.SGD(0.5, momentum=0.9), "mse", **how)
    logs = model.fit(x, x, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0).history
    return [variable.numpy() for variable in [*model.variables, *model.optimizer.variables]], logs, model.jit_compile


@pytest.mark.parametrize("kind", LAYERS)
def test_a_training_is_the_same_however_it_runs(kind):
    expected, logs, _ = fitted(kind, jit_compile=False)
    for way, how in WAYS.items():
        values, of_way, compiled = fitted(kind, **how)
        rounding = ROUNDING if compiled or "run_eagerly" in how else 0
        for value, of_graph in zip(values, expected, strict=True):
            if value.dtype.kind == "f":
                atol = rounding * np.max(np.abs(of_graph))
                np.testing.assert_allclose(value, of_graph, rtol=0, atol=atol, err_msg=way)
            else:  # counts, and what was drawn
                np.testing.assert_array_equal(value, of_graph, err_msg=way)
        for name, log in of_way.items():
            np.testing.assert_allclose(log, logs[name], rtol=rounding, err_msg=f"{way}: {name}")
