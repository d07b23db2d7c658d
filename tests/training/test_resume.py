"""A training that is interrupted and goes on from a file is the one that was not, bit for bit."""

import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import vq_layer
from benchmarks.quality import digits
from vq_layer import (
    CosineVectorQuantization,
    DeadCodes,
    FiniteScalarQuantization,
    FromBatch,
    MostDistant,
    MovingAverage,
    ResidualVectorQuantization,
    VectorQuantization,
)
from vq_layer.parts.replacement import Replacement
from vq_layer.parts.starts import Start
from vq_layer.parts.updates import Update

pytestmark = [
    pytest.mark.training,
    # Nothing passes through a layer that lets no gradient through, to what comes before.
    pytest.mark.filterwarnings("ignore:Gradients do not exist for variables"),
]

ROOT = Path(__file__).parents[2]
BATCH, BATCHES, EPOCHS, SAVED = 64, 4, 10, 5  # the vectors of a batch, ..., and after how many epochs is saved
N, Q, NUM_SPLITS = 16, 8, 2

BY_GRADIENT = ["codebook", "commitment"]
# Whatever a layer keeps from one pass to the next is in one of these: each update, start and replacement, too.
LAYERS = {
    "default": lambda: VectorQuantization(N, num_splits=NUM_SPLITS),
    "averages from values": lambda: VectorQuantization(
        N, num_splits=NUM_SPLITS, update=MovingAverage(0.8), start="random_normal", replacement=None
    ),
    "gradient, sample, most distant": lambda: VectorQuantization(
        N,
        num_splits=NUM_SPLITS,
        losses=BY_GRADIENT,
        start=FromBatch("sample", seed=2),
        replacement=MostDistant(2, every=3),
    ),
    "gradient, first, dead codes": lambda: VectorQuantization(
        N,
        num_splits=NUM_SPLITS,
        losses=BY_GRADIENT,
        start=FromBatch("first"),
        replacement=DeadCodes(0.5, 0.5, "most-distant", every=3),
    ),
    "codebooks per split on the sphere": lambda: VectorQuantization(
        N, num_splits=NUM_SPLITS, comparison="cosine", codebooks="per-split", replacement=DeadCodes(0.5, 0.5, seed=3)
    ),
    "residual": lambda: ResidualVectorQuantization(N, 2, quantizer_dropout=True, seed=4),
    "residual, shared": lambda: ResidualVectorQuantization(N, 2, shared=True, quantizer_dropout=True),
    "cosine": lambda: CosineVectorQuantization(N, start=FromBatch("first")),
    "finite scalar": lambda: FiniteScalarQuantization([5, 3, 3, 3], num_splits=NUM_SPLITS),
}


def model_of(kind):
    """Return a small autoencoder of digits around a layer, the same whenever it is called."""
    keras.utils.set_random_seed(7)
    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input((64,)), dense(Q), LAYERS[kind](), dense(64)])
    model.compile(keras.optimizers.Adam(0.01), "mse", jit_compile=False)
    return model


def ready(kind):
    """Return a model with an optimizer that has all its variables, which a file can then be read into."""
    model = model_of(kind)
    model.optimizer.build(model.trainable_variables)
    return model


def fit(model, first, last, *callbacks, batches=BATCHES):
    """Train from one epoch to another on the batches in one order; return the logs."""
    x = digits.load().train[: batches * BATCH].reshape([-1, 64])
    how = {"batch_size": BATCH, "shuffle": False, "verbose": 0, "callbacks": list(callbacks)}
    return model.fit(x, x, initial_epoch=first, epochs=last, **how).history


def state_of(model):
    """Return all that a training leaves: of the model, of generators in it, and of the optimizer."""
    return [variable.numpy() for variable in [*model.variables, *model.optimizer.variables]]


def assert_same(model, other):
    state, expected = state_of(model), state_of(other)
    paths = [variable.path for variable in [*other.variables, *other.optimizer.variables]]
    for path, value, of_other in zip(paths, state, expected, strict=True):
        np.testing.assert_array_equal(value, of_other, err_msg=path)


class SaveAtEpoch(keras.callbacks.Callback):
    """Save in each format after so many epochs, in the midst of a training."""

    def __init__(self, directory):
        super().__init__()
        self.directory = directory

    def on_epoch_end(self, epoch, logs=None):
        """Save."""
        del logs
        if epoch + 1 == SAVED:
            self.model.save(self.directory / "model.keras")
            self.model.save_weights(self.directory / "of.weights.h5")
            checkpoint_of(self.model).write(str(self.directory / "checkpoint"))


def checkpoint_of(model):
    return tf.train.Checkpoint(model=model, optimizer=model.optimizer)


def of_file(kind, directory):
    del kind
    return keras.models.load_model(directory / "model.keras")


def of_weights(kind, directory):
    model = ready(kind)
    model.load_weights(directory / "of.weights.h5")
    return model


def of_checkpoint(kind, directory):
    model = ready(kind)
    checkpoint_of(model).read(str(directory / "checkpoint")).assert_existing_objects_matched().assert_consumed()
    return model


WAYS = (of_file, of_weights, of_checkpoint)


def test_every_update_start_and_replacement_is_among_those_that_are_resumed():
    public = {it for name in vq_layer.__all__ if isinstance(it := getattr(vq_layer, name), type)}
    layers = [make() for make in LAYERS.values()]
    kept = {type(part) for it in layers if isinstance(it, VectorQuantization) for part in it.quantizer.parts}
    assert {it for it in public if issubclass(it, Update | Start | Replacement)} <= kept


@pytest.mark.parametrize("kind", LAYERS)
def test_a_training_goes_on_from_each_kind_of_file_as_if_it_had_not_been_interrupted(tmp_path, kind):
    whole = model_of(kind)
    logs = fit(whole, 0, EPOCHS, SaveAtEpoch(tmp_path))
    for way in WAYS:
        resumed = way(kind, tmp_path)
        assert any((value != other).any() for value, other in zip(state_of(resumed), state_of(whole), strict=True))
        rest = fit(resumed, SAVED, EPOCHS)
        assert_same(resumed, whole)
        assert rest == {name: of_epochs[SAVED:] for name, of_epochs in logs.items()}


class InterruptedTrainingError(Exception):
    """What interrupts a training."""


def interruption(after):
    """Return a callback that interrupts a training after so many batches."""

    def count(*_, **__):
        seen.append(None)
        if len(seen) == after:
            raise InterruptedTrainingError

    seen = []
    return keras.callbacks.LambdaCallback(on_train_batch_end=count)


OF_BACKUP = ("default", "averages from values", "gradient, sample, most distant", "residual")  # else as from weights


@pytest.mark.parametrize(
    ("kind", "save_freq"), [*((kind, BATCHES - 1) for kind in OF_BACKUP), ("default", "epoch")], ids=str
)
def test_a_training_goes_on_from_a_backup(tmp_path, kind, save_freq):
    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup", save_freq)

    with pytest.raises(InterruptedTrainingError):
        fit(model_of(kind), 0, EPOCHS, backup(), interruption(after=SAVED * BATCHES + 2))
    resumed, whole = model_of(kind), model_of(kind)
    fit(resumed, 0, SAVED + 1, backup())
    fit(whole, 0, SAVED)
    if save_freq != "epoch":  # the last backup is of a first batch, with whose epoch Keras begins anew
        fit(whole, SAVED, SAVED + 1, batches=1)
    fit(whole, SAVED, SAVED + 1)
    assert_same(resumed, whole)


@pytest.mark.process
def test_a_training_goes_on_in_another_process(tmp_path):
    whole = model_of("residual")
    fit(whole, 0, EPOCHS, SaveAtEpoch(tmp_path))
    program = """
        import sys
        from pathlib import Path
        import numpy as np
        from tests.training import test_resume as of

        model = of.of_file("residual", Path(sys.argv[1]))
        of.fit(model, of.SAVED, of.EPOCHS)
        np.savez(Path(sys.argv[1]) / "state.npz", *of.state_of(model))
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program), tmp_path], cwd=ROOT, check=True, timeout=300)
    with np.load(tmp_path / "state.npz") as resumed:
        for value, expected in zip(resumed.values(), state_of(whole), strict=True):
            np.testing.assert_array_equal(value, expected)


def test_weights_go_without_the_state_of_an_optimizer_that_is_not_built(tmp_path):
    trained, again = model_of("default"), model_of("default")
    fit(trained, 0, 1)
    trained.save_weights(tmp_path / "of.weights.h5")
    with pytest.warns(UserWarning, match="Skipping variable loading for optimizer"):
        again.load_weights(tmp_path / "of.weights.h5")
    for weight, expected in zip(again.weights, trained.weights, strict=True):
        np.testing.assert_array_equal(weight, expected, err_msg=expected.path)
    assert again.optimizer.iterations == 0
