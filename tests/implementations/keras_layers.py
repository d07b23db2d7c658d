"""The Keras layers, called eagerly."""

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

import vq_layer
from tests.implementations.protocol import Case, Gradients, Quantized


class KerasLayers:
    """`vq_layer.VectorQuantization`, under a mixed policy for half types."""

    name = "keras"
    dtypes = ("float64", "float32", "float16", "bfloat16")
    effort = 1.0
    configurations = None

    def quantize(self, case: Case) -> Quantized:
        """Call the layer for its endpoints, and `encode` for the indices."""
        layer = _layer_of(case)
        endpoints = layer(tf.constant(case.x))
        m = case.x.shape[1] * case.num_splits
        return Quantized(
            layer_out=endpoints.layer_out.numpy(),
            emb_index=layer.encode(case.x).numpy().reshape(-1, m),
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


def _layer_of(case: Case) -> vq_layer.VectorQuantization:
    dtype = case.x.dtype.name
    layer = vq_layer.VectorQuantization(
        len(case.emb_space),
        **case.arguments,
        return_endpoints=True,
        dtype=dtype if np.dtype(dtype).itemsize > 2 else f"mixed_{dtype}",
    )
    layer.build(case.x.shape)
    layer.emb_space.assign(case.emb_space)
    return layer


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
