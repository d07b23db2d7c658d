"""The functions for graphs. A graph takes a while to build, so one serves all cases of the same static parameters."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

import vq_layer
from tests.implementations.protocol import LOSSES, Case, Gradients, Quantized

v1 = tf.compat.v1


class GraphFunctions:
    """`vq_layer.vector_quantization` in a `tf.Graph` with a v1 `Session`; batch and r unknown."""

    name = "graph"
    dtypes = ("float64", "float32", "float16", "bfloat16")
    effort = 0.2
    configurations = 24

    def quantize(self, case: Case) -> Quantized:
        """Fetch all endpoints."""
        graph = _graph_of(case)
        return Quantized(**graph.run(graph.quantized, case))

    def gradients(self, case: Case, upstream: NDArray[Any]) -> Gradients:
        """Fetch all gradients."""
        graph = _graph_of(case)
        return Gradients(**graph.run(graph.gradients, case, upstream))


class _Graph(NamedTuple):
    session: v1.Session
    feeds: dict[str, tf.Tensor]
    assign_emb_space: tf.Operation
    quantized: dict[str, Any]
    gradients: dict[str, Any]

    def run(self, fetches: dict[str, Any], case: Case, upstream: NDArray[Any] | None = None) -> dict[str, Any]:
        self.session.run(self.assign_emb_space, {self.feeds["emb_space"]: case.emb_space})
        values = {"x": case.x, "upstream": np.zeros_like(case.x) if upstream is None else upstream, **case.weights}
        return self.session.run(fetches, {self.feeds[name]: values[name] for name in self.feeds.keys() & values})


def _graph_of(case: Case) -> _Graph:
    weights = tuple(None if case.schedule and weight != 0 else weight for weight in case.weights.values())
    n = len(case.emb_space)
    return _build(case.x.dtype.name, case.x.shape[-1], n, case.lookup_ord, case.num_splits, weights)


@lru_cache(maxsize=256)
def _build(dtype: str, q: int, n: int, lookup_ord: float, num_splits: int, weights: tuple[float | None, ...]) -> _Graph:
    with tf.Graph().as_default() as graph:
        feeds = {"x": v1.placeholder(dtype, [None, None, q]), "upstream": v1.placeholder(dtype, [None, None, q])}
        feeds |= {
            name: v1.placeholder(tf.float64 if dtype == "float64" else tf.float32, [])
            for name, weight in zip(LOSSES, weights, strict=True)
            if weight is None
        }
        arguments = [feeds.get(name, weight) for name, weight in zip(LOSSES, weights, strict=True)]
        endpoints = vq_layer.vector_quantization(
            feeds["x"], n, *arguments, lookup_ord=lookup_ord, num_splits=num_splits, return_endpoints=True
        )
        losses = {loss.op.name.split("/")[-1]: loss for loss in v1.get_collection(v1.GraphKeys.LOSSES)}
        quantized = {
            "layer_out": endpoints.layer_out,
            "emb_index": graph.get_tensor_by_name("vq/emb_index:0"),
            "access_count": endpoints.access_count,
            "distance": endpoints.distance,
            "emb_spacing": endpoints.emb_spacing,
            "emb_closest_spacing": endpoints.emb_closest_spacing,
            "losses": losses,
        }
        gradients = {
            "output_to_x": _gradient(endpoints.layer_out, feeds["x"], feeds["upstream"]),
            "output_to_emb_space": _gradient(endpoints.layer_out, endpoints.emb_space, feeds["upstream"]),
            "losses_to_x": {name: _gradient(loss, feeds["x"]) for name, loss in losses.items()},
            "losses_to_emb_space": {name: _gradient(loss, endpoints.emb_space) for name, loss in losses.items()},
        }
        feeds["emb_space"] = v1.placeholder(endpoints.emb_space.dtype, endpoints.emb_space.shape)
        assign_emb_space = endpoints.emb_space.assign(feeds["emb_space"]).op
        return _Graph(v1.Session(graph=graph), feeds, assign_emb_space, quantized, gradients)


def _gradient(target: tf.Tensor, source: Any, upstream: tf.Tensor | None = None) -> tf.Tensor:
    (gradient,) = tf.gradients(target, [source], upstream)
    return tf.zeros_like(source) if gradient is None else tf.convert_to_tensor(gradient)
