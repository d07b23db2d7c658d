"""The layer of keras.io: a product and argmin, and a codebook that the gradients of two losses train."""

from benchmarks.data import Data
from benchmarks.implementations import Call
from benchmarks.implementations.fitting import fitted
from benchmarks.implementations.steps import step_of
from benchmarks.quality.peers import ByGradient
from benchmarks.settings import Setting


def default_training(setting: Setting, data: Data) -> Call:
    """Make a training step."""
    return step_of(ByGradient(setting.n), setting, data)


def fit(setting: Setting, data: Data) -> Call:
    """Make a step of `fit`."""
    return fitted(ByGradient(setting.n), setting, data)
