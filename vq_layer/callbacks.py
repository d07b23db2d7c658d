"""What acts between training batches."""

import warnings
from typing import Any

import keras

from vq_layer import slots, validation
from vq_layer.layers import VectorQuantization
from vq_layer.on_demand import flattened


class ReplaceEmbeddings(keras.callbacks.Callback):
    """Every so many training batches, replace the least used embeddings by the most distant inputs.

    Acts on every `VectorQuantization` of the model whose ``num_embeds_replaced`` is positive and that is not frozen
    (``trainable = False``), with a warning when training begins if all of these are frozen. What the optimizer keeps
    for a replaced row (momentum, Adam's moments, Adagrad's accumulator, Adafactor's factor of the row) belongs to the
    old embedding, and would drag the new one away: it goes back to what the optimizer starts with. An exponential
    moving average of the weights starts from the new row. What is not of the row alone stays: the step counter, the
    factor of a column.

    The optimizers are ``model.optimizer`` and all others in attributes of the model or of its layers, also in lists
    and dictionaries. If none of them trains an embedding space that is trainable, a warning says so.

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
        self._warned = False

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
                self._replace(layer)

    def _replace(self, layer: VectorQuantization) -> None:
        """Replace in one layer, and start what its optimizers keep for the replaced rows anew."""
        replaced, emb_space = layer.replace_embeds(), layer.emb_space
        training = [it for it in slots.optimizers_of(flattened(self.model)) if slots.trains(it, emb_space)]
        for optimizer in training:
            slots.reset_slots(optimizer, emb_space, replaced)
        trainable = any(weight is emb_space for weight in self.model.trainable_weights)
        if trainable and not training and not self._warned:
            self._warned = True
            warnings.warn(
                f"`ReplaceEmbeddings` finds no optimizer that trains the embedding space of the layer {layer.name!r}. "
                "If there is one, its slots still hold what belongs to the replaced embeddings; keep it in an "
                "attribute of the model.",
                stacklevel=2,
            )

    def _layers(self) -> list[VectorQuantization]:
        quantizers = (layer for layer in flattened(self.model) if isinstance(layer, VectorQuantization))
        return [layer for layer in quantizers if layer.num_embeds_replaced]
