"""What acts between training batches."""

import warnings
from typing import Any

import keras

from vq_layer import validation
from vq_layer.layers import slots
from vq_layer.layers.on_demand import flattened
from vq_layer.layers.vector_quantization import VectorQuantization, vector_quantizations


class ReplaceEmbeddings(keras.callbacks.Callback):
    """Every so many training passes, let the replacement of a layer act.

    Acts on every `VectorQuantization` of the model whose `replacement` is given and that is not frozen
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
        How many training passes of a layer lead to its next replacement. Each layer counts its own and keeps the count
        in its weights, so that a training which was interrupted goes on as if it had not been. A frozen layer counts
        none. With ``steps_per_execution``, the replacement comes when the batches that run together are through: late,
        where that number does not divide `every`, and less often, with a warning, where it is greater.

    Raises
    ------
    ValueError, TypeError
        If `every` is not a positive integer, or, when training begins, if no layer of the model replaces.
    """

    def __init__(self, every: int) -> None:
        super().__init__()
        validation.check_every(every)
        self.every = int(every)
        self._warned = False

    def on_train_begin(self, logs: Any = None) -> None:
        """Require a layer to act on, and replace where it was time when a training was interrupted."""
        del logs
        if not self._layers():
            raise ValueError(
                f"`ReplaceEmbeddings` needs a `VectorQuantization` whose `replacement` is given. "
                f"Received: the model {self.model.name!r}, which has none"
            )
        if not any(layer.trainable for layer in self._layers()):
            warnings.warn(
                "`ReplaceEmbeddings` replaces nothing: every `VectorQuantization` whose `replacement` is given is "
                "frozen, `trainable=False`.",
                stacklevel=2,
            )
        together = self.model.steps_per_execution
        if together > self.every:
            warnings.warn(
                f"`every` should be at least `steps_per_execution`: embeddings are replaced only every {together} "
                f"batches, which run together. Received: every={self.every}, steps_per_execution={together}",
                stacklevel=2,
            )
        self._replace_where_due()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Replace, where it is time."""
        del batch, logs
        self._replace_where_due()

    def _replace_where_due(self) -> None:
        for layer in self._layers():
            if layer.built and layer.trainable and layer.passes_since_replacement >= self.every:
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
        return [layer for layer in vector_quantizations(self.model) if layer.quantizer.replacement is not None]
