"""The callback that looks at the codebooks of a model after an epoch."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras

from vq_layer import validation
from vq_layer.layers.finite_scalar import FiniteScalarQuantization
from vq_layer.layers.metrics import unique_names
from vq_layer.layers.monitor import advice, batches, picture
from vq_layer.layers.monitor.look import Counted, Look, counted, look_at
from vq_layer.layers.monitor.summaries import Summaries
from vq_layer.layers.on_demand import flattened
from vq_layer.layers.quantizer import QuantizerLayer
from vq_layer.layers.vector_layer import VectorLayer

ADVICE: tuple[Callable[[Sequence[Look]], str | None], ...] = (advice.of_usage, advice.of_magnitudes)


class CodebookMonitor(keras.callbacks.Callback):
    """After an epoch, look at the codebooks of a model: write for TensorBoard, draw, and warn of what goes wrong.

    It looks at every layer of the package in the model, at any depth, the stages of `ResidualVectorQuantization`
    included, by what some data find in it in an inference of the model. That changes nothing: no weight, no metric and
    no loss. Layers are told apart by their names, as in the logs.

    For TensorBoard, in the run ``codebooks``, it writes

    - numbers: what the layer reports to the logs of the epoch (``perplexity``, ``codebook_usage``, the losses by name,
      ``dead_share``), and the root mean squares ``rms_of_inputs``, of the data at the layer, and
      ``rms_of_embeddings``, with their ratio ``rms_ratio``;
    - distributions: ``usage_in_even_shares``, how often each embedding was chosen in the epoch, 1 if all are equally
      often; ``distance``, of the data from their embeddings; ``spacing``, of each embedding from the nearest other one;
      ``drift``, how far each has moved since the look before;
    - the embeddings and their usage for the projector, those of the last look.

    It warns, each once for a layer in a training, with what to try,

    - when fewer than half of the embeddings were used in each of the last two epochs that it looked at, of at least
      three, with at least 10 vectors for each embedding;
    - when the root mean square of the inputs is more than 10 times that of the embeddings, or less than a tenth, from
      the second look on, or has grown to more than 1.5 times in each of the last three.

    Parameters
    ----------
    log_dir : str or path, or None
        The folder of TensorBoard, which may be that of `keras.callbacks.TensorBoard`. With None nothing is written for
        it, and the monitor warns, and draws if it is told to.
    data : array, or list, tuple or dict of arrays, or tf.data.Dataset
        Inputs of the model as `fit` takes them for x, ``[number, ...]``, or batches of them; of a dataset of tuples the
        first is taken. Only as many batches are read as `num_vectors` takes, once, and kept.
    every : int
        After how many epochs it looks again.
    png : str or path, or None
        A folder for a picture of each look, ``epoch_0001.png``, ``epoch_0002.png``, ...: the data and the embeddings on
        the first two principal components of the data. It needs Matplotlib.
    num_vectors : int
        How many of the vectors that a layer sees it looks at, at most.
    seed : int
        Which ones are drawn, where batches hold more.

    Raises
    ------
    ValueError, TypeError
        For another argument than that, or, when training begins, a model without such a layer.
    ImportError
        With `png`, if Matplotlib is missing.

    Notes
    -----
    A `FiniteScalarQuantization` has no embeddings: it has a usage and inputs only, and gives no warnings, nor does what
    does not train: `CosineVectorQuantization`, `CosineKNNVectorQuantization`, and frozen layers. Layers that count
    nothing, those two and grids of more than 2^20, have the usage of the data in the place of that of the epoch.

    Examples
    --------
    >>> import numpy as np
    >>> from vq_layer import VectorQuantization
    >>> x = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2), VectorQuantization(4)])
    >>> model.compile("adam", "mse")
    >>> monitor = CodebookMonitor(None, x)  # CodebookMonitor("logs", x, png="pictures"); tensorboard --logdir logs
    >>> history = model.fit(x, x, epochs=2, verbose=0, callbacks=[monitor])
    """

    def __init__(
        self,
        log_dir: Any,
        data: Any,
        *,
        every: int = 1,
        png: Any = None,
        num_vectors: int = 2048,
        seed: int = 0,
    ) -> None:
        super().__init__()
        batches.check(data)
        for name, value, minimum in (("every", every, 1), ("num_vectors", num_vectors, 1), ("seed", seed, 0)):
            validation.check_integer(name, value, minimum)
        if png is not None:
            picture.check_installed()
        self.log_dir, self.png = log_dir, None if png is None else Path(png)
        self.every, self.num_vectors, self.seed = int(every), int(num_vectors), int(seed)
        self._batches = batches.Kept(batches.batches_of(data))
        self._summaries: Summaries | None = None
        self._looks: dict[str, list[Look]] = {}
        self._warned: set[Any] = set()
        self._epoch: int | None = None  # that is trained, or was last
        self._counted: dict[VectorLayer, Counted] = {}

    def on_train_begin(self, logs: Any = None) -> None:
        """Require a layer to look at, and begin anew."""
        del logs
        if not self._layers():
            raise ValueError("`CodebookMonitor` needs a model with a layer of `vq_layer` that quantizes.")
        self._looks, self._warned = {}, set()
        self._summaries = None if self.log_dir is None else Summaries(self.log_dir)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remember that an epoch is trained."""
        del logs
        self._epoch, self._counted = epoch, {}

    def on_test_begin(self, logs: Any = None) -> None:
        """Keep what the layers counted in the epoch: its validation counts anew."""
        del logs
        if self._epoch is not None and self._is_due(self._epoch):
            self._keep_counted()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look, write, draw and warn, where it is time."""
        del logs
        if not self._is_due(epoch):
            return
        self._keep_counted()
        now = self._look()
        earlier = {name: looks[-1] for name, looks in self._looks.items()}
        if self._summaries is not None:
            self._summaries.write(epoch, now, earlier)
        if self.png is not None:
            picture.save(self.png / f"epoch_{epoch + 1:04}.png", f"Epoch {epoch + 1}", now)
        for name, look in now.items():
            looks = [*self._looks.get(name, []), look][-advice.MEMORY :]
            self._looks[name] = looks
            self._advise(name, looks)

    def on_train_end(self, logs: Any = None) -> None:
        """Close what was written."""
        del logs
        if self._summaries is not None:
            self._summaries.close()

    def _is_due(self, epoch: int) -> bool:
        return (epoch + 1) % self.every == 0

    def _layers(self) -> list[VectorLayer]:
        kinds = QuantizerLayer | FiniteScalarQuantization  # all but those that are made of such
        return [layer for layer in flattened(self.model) if isinstance(layer, kinds)]

    def _keep_counted(self) -> None:
        if not self._counted:
            self._counted = {layer: counted(layer) for layer in self._layers()}

    def _look(self) -> dict[str, Look]:
        """Return what is seen of the layers, by unique names, of those that an inference passes through."""
        looks = look_at(self.model, self._counted, self._batches, self.num_vectors, self.seed)
        for layer in self._counted:
            if layer not in looks:
                self._warn(
                    (layer, None),
                    f"`CodebookMonitor` does not see the layer {layer.name!r}: an inference of the model does not call "
                    f"it, or calls it within a `tf.function`.",
                )
        names = dict(zip(self._counted, unique_names([layer.name for layer in self._counted]), strict=True))
        return {names[layer]: look for layer, look in looks.items()}

    def _advise(self, name: str, looks: Sequence[Look]) -> None:
        for rule in ADVICE:
            text = rule(looks)
            if text is not None:
                self._warn((name, rule), text)

    def _warn(self, key: Any, text: str) -> None:
        """Warn of something once in a training."""
        if key not in self._warned:
            self._warned.add(key)
            warnings.warn(text, stacklevel=2)
