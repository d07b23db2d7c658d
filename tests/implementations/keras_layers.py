"""The Keras layers, called eagerly."""

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

import vq_layer
from tests.implementations.protocol import (
    Case,
    CosineCase,
    CosineGradients,
    CosineQuantized,
    Gradients,
    Quantized,
    TrainingState,
)


class KerasLayers:
    """The layers of `vq_layer`, under a mixed policy for half types."""

    name = "keras"
    dtypes = ("float64", "float32", "float16", "bfloat16")
    effort = 1.0
    configurations = None

    def quantize(self, case: Case) -> Quantized:
        """Call the layer for its endpoints, and `encode` for the indices."""
        layer = _layer_of(case)
        endpoints = layer(tf.constant(case.x))
        return Quantized(
            layer_out=endpoints.layer_out.numpy(),
            emb_index=_emb_index(layer, case),
            access_count=endpoints.access_count.numpy(),
            distance=endpoints.distance.numpy(),
            emb_spacing=endpoints.emb_spacing.numpy(),
            emb_closest_spacing=endpoints.emb_closest_spacing.numpy(),
            losses=_by_name(case, [loss.numpy() for loss in layer.losses]),
        )

    def gradients(self, case: Case, upstream: NDArray[Any]) -> Gradients:
        """Differentiate a call by a tape."""
        layer, x = _layer_of(case), tf.constant(case.x)
        emb_space = layer.emb_space.value
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([x, emb_space])
            layer_out = layer(x).layer_out
            losses = _by_name(case, layer.losses)
        to_x, to_emb_space = _gradients(tape, layer_out, [x, emb_space], tf.constant(upstream))
        of_losses = {name: _gradients(tape, loss, [x, emb_space]) for name, loss in losses.items()}
        return Gradients(
            output_to_x=to_x,
            output_to_emb_space=to_emb_space,
            losses_to_x={name: pair[0] for name, pair in of_losses.items()},
            losses_to_emb_space={name: pair[1] for name, pair in of_losses.items()},
        )

    def quantize_cosine(self, case: CosineCase) -> CosineQuantized:
        """Call the layer for its endpoints, and `encode` for the indices."""
        layer = _cosine_layer_of(case)
        endpoints = layer(tf.constant(case.x))
        values = {name: getattr(endpoints, name, None) for name in CosineQuantized._fields}
        values = {name: value if value is None else value.numpy() for name, value in values.items()}
        return CosineQuantized(**{**values, "emb_index": _emb_index(layer, case)})

    def cosine_gradients(self, case: CosineCase, upstream: NDArray[Any]) -> CosineGradients:
        """Differentiate a call by a tape."""
        layer, x = _cosine_layer_of(case), tf.constant(case.x)
        emb_space = layer.emb_space.value
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([x, emb_space])
            layer_out = layer(x).layer_out
        return CosineGradients(*_gradients(tape, layer_out, [x, emb_space], tf.constant(upstream)))

    def training(self, case: Case, num_embeds_replaced: int) -> "KerasTraining":
        """Begin with a layer in a model, which can be saved."""
        return KerasTraining(case, num_embeds_replaced)


class KerasTraining:
    """A `VectorQuantization` in a model."""

    def __init__(self, case: Case, num_embeds_replaced: int) -> None:
        layer = _layer_of(case, num_embeds_replaced=num_embeds_replaced, return_endpoints=False)
        self._model = keras.Sequential([keras.layers.Input(case.x.shape[1:], dtype=case.x.dtype.name), layer])

    @property
    def _layer(self) -> vq_layer.VectorQuantization:
        return self._model.layers[-1]

    def training_pass(self, x: NDArray[Any]) -> None:
        """Call the model in training."""
        self._model(tf.constant(x), training=True)

    def inference_pass(self, x: NDArray[Any]) -> None:
        """Call the model in inference."""
        self._model(tf.constant(x), training=False)

    def replace_embeds(self) -> None:
        """Replace."""
        self._layer.replace_embeds()

    def initialize_from_batch(self, x: NDArray[Any]) -> None:
        """Initialize."""
        self._layer.initialize_from_batch(x)

    def save_and_load(self) -> None:
        """Save the model to a file, and go on with what is loaded from it."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            self._model.save(path)
            self._model = keras.models.load_model(path)

    @property
    def state(self) -> TrainingState:
        """The state now."""
        state = self._layer.replacement_state
        return TrainingState(self._layer.emb_space.numpy(), *(value.numpy() for value in state))


def _policy(dtype: str) -> str:
    return dtype if np.dtype(dtype).itemsize > 2 else f"mixed_{dtype}"


def _layer_of(case: Case, **more: Any) -> vq_layer.VectorQuantization:
    arguments = {"return_endpoints": True, **case.arguments, **more}
    return _with_emb_space(
        vq_layer.VectorQuantization(len(case.emb_space), **arguments, dtype=_policy(case.x.dtype.name)), case
    )


def _cosine_layer_of(case: CosineCase) -> Any:
    arguments = {"return_endpoints": True, **case.arguments, "dtype": _policy(case.x.dtype.name)}
    n = len(case.emb_space)
    if case.vote is None:
        return _with_emb_space(vq_layer.CosineVectorQuantization(n, **arguments), case)
    return _with_emb_space(vq_layer.CosineKNNVectorQuantization(n=n, **vars(case.vote), **arguments), case)


def _with_emb_space(layer: Any, case: Case | CosineCase) -> Any:
    layer.build(case.x.shape)
    layer.emb_space.assign(case.emb_space)
    return layer


def _emb_index(layer: Any, case: Case | CosineCase) -> NDArray[Any]:
    """Encode, and bring the indices to the shape [batch, m]."""
    return layer.encode(case.x).numpy().reshape(-1, case.x.shape[1] * case.num_splits)


def _by_name(case: Case, losses: list[Any]) -> dict[str, Any]:
    """Name the losses, which a layer only orders; a missing or an extra one is an error here."""
    return dict(zip([name for name, weight in case.weights.items() if weight != 0], losses, strict=True))


def _gradients(
    tape: tf.GradientTape, target: tf.Tensor, sources: list[tf.Tensor], upstream: tf.Tensor | None = None
) -> list[NDArray[Any]]:
    gradients = tape.gradient(target, sources, upstream)
    return [
        np.zeros(source.shape) if gradient is None else tf.convert_to_tensor(gradient).numpy()
        for source, gradient in zip(sources, gradients, strict=True)
    ]
