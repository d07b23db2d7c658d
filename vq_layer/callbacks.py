"""What acts between training batches."""

import warnings
from typing import Any

import keras
import tensorflow as tf

from vq_layer import validation
from vq_layer.layers import VectorQuantization
from vq_layer.shapes import static_shape


class ReplaceEmbeddings(keras.callbacks.Callback):
    """Every so many training batches, replace the least used embeddings by the most distant inputs.

    Acts on every `VectorQuantization` of the model whose ``num_embeds_replaced`` is positive and that is not frozen
    (``trainable = False``), with a warning when training begins if all of these are frozen. Zeroes the
    optimizer's slots of the rows that it replaced (momentum, Adam's moments): what they hold belongs to the old
    embedding, and would drag the new one away. An exponential moving average of the weights starts from the new row.
    Slots of another shape than the embedding space, such as the factors of Adafactor, stay.

    Parameters
    ----------
    every : int
        The number of training batches from one replacement to the next; with ``steps_per_execution``, the replacement
        comes when those that run together are through.

    Raises
    ------
    ValueError, TypeError
        If `every` is not a positive integer, or, when training begins, if no layer of the model replaces.
    """

    def __init__(self, every: int) -> None:
        super().__init__()
        validation.check_every(every)
        self.every = int(every)
        self._batches, self._first = 0, 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Require a layer to act on."""
        del logs
        self._batches = 0
        if not self._layers():
            raise ValueError(
                "`ReplaceEmbeddings` needs a `VectorQuantization` whose `num_embeds_replaced` is positive."
            )
        if not any(layer.trainable for layer in self._layers()):
            warnings.warn(
                "`ReplaceEmbeddings` replaces nothing: every `VectorQuantization` whose `num_embeds_replaced` is "
                "positive is frozen, `trainable=False`.",
                stacklevel=2,
            )

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Remember which batch is the first of those that run together."""
        del logs
        self._first = batch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Replace, when it is time."""
        del logs
        due = self._batches // self.every + 1
        self._batches += batch - self._first + 1
        if self._batches >= due * self.every:
            for layer in [layer for layer in self._layers() if layer.trainable]:
                _reset_slots(self.model, layer.emb_space, layer.replace_embeds())

    def _layers(self) -> list[VectorQuantization]:
        layers = [self.model, *self.model._flatten_layers()]
        return [layer for layer in layers if isinstance(layer, VectorQuantization) and layer.num_embeds_replaced]


def _reset_slots(model: Any, weight: Any, replaced: tf.Tensor) -> None:
    """Zero the replaced rows of every slot that the optimizer keeps for a weight, ``[n, d]``."""
    prefix = weight.path.replace("/", "_") + "_"  # how Keras names the slots of a weight
    # Layers of two inner models may bear one name. Their slots do then, too, and come in the order of the weights.
    alike = [id(other) for other in model.trainable_weights if other.path == weight.path]
    if id(weight) not in alike:  # frozen: it has no slots
        return
    slots: dict[str, list[Any]] = {}
    for slot in model.optimizer.variables:
        if slot.name.startswith(prefix):
            slots.setdefault(slot.name, []).append(slot)
    for name, of_alike in slots.items():
        slot = of_alike[alike.index(id(weight))]
        if static_shape(slot) == static_shape(weight):
            fresh = tf.convert_to_tensor(weight) if name == prefix + "average" else tf.zeros_like(slot)
            slot.assign(tf.where(tf.expand_dims(replaced, -1), fresh, tf.convert_to_tensor(slot)))
