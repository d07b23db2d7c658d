"""What a layer warns of."""

import inspect
import math
import warnings
from typing import Any

import keras
import tensorflow as tf


def unless_started(layer: Any) -> None:
    """Warn, at the first inference, of the zeros before a start from a batch; in a graph, when it is built."""
    if not layer._awaits_inference or _is_being_built():
        return
    with tf.init_scope():
        if not tf.executing_eagerly():  # in a graph of version 1, which cannot know
            return
        layer._awaits_inference = False
        fresh = not layer.initialized.value.is_initialized()  # a weight that a `tf.function` is creating
        zero = fresh or not (layer.initialized.numpy().all() or layer.emb_space.numpy().any())
    if zero:
        warnings.warn(
            f"all embeddings of the layer '{layer.name}' are zero: with `start={layer.quantizer.start}` they come from "
            f"the first training batch, which has not been yet. Call it with `training=True` while it is not frozen, "
            f"or call `initialize_from_batch`.",
            stacklevel=3,
        )


def unless_told_of_training(layer: Any, outermost: keras.layers.Layer) -> None:
    """Warn, once, if `fit` trains a model with a layer that is not told so, and learns nothing then by itself.

    Keras tells a model of training only if its `call` takes that, and the model all layers in it.
    """
    learns = layer.quantizer.learns_in_training and layer.trainable
    if not learns or layer._is_warned or not isinstance(outermost, keras.Model):
        return
    if "training" not in inspect.signature(outermost.call).parameters and _is_in_train_step_of(outermost):
        layer._is_warned = True
        warnings.warn(
            f"the quantizers in the model '{outermost.name}' do not learn: its `call` takes no `training`, so that "
            f"Keras does not tell them that it trains. Write `def call(self, inputs, training=None)`; it need not pass "
            f"it on.",
            stacklevel=3,
        )


def of_a_threshold_in_percent(majority_threshold: float) -> None:
    """Warn of what is a percentage or a number of votes; infinity, or a little above 1, may be meant."""
    if 2 <= majority_threshold < math.inf:
        warnings.warn(
            f"`majority_threshold` is a share of the votes, at most 1: above, every vector stays as it is. "
            f"Received: majority_threshold={majority_threshold}",
            stacklevel=3,
        )


def _is_in_train_step_of(model: keras.Model) -> bool:
    """Tell whether it is called in its `train_step`, as in `fit`, of which nothing else tells."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_name == "train_step" and frame.f_locals.get("self") is model:
            return True
        frame = frame.f_back
    return False


def _is_being_built() -> bool:
    """Tell whether Keras only asks for shapes, as it does to build a model: weights may have no values yet."""
    with keras.StatelessScope(initialize_variables=False) as scope:
        return scope.original_scope is not None  # of the scope that was open before
