"""The functions for graphs. A graph takes a while to build, so one serves all cases of the same static parameters."""

import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from unittest.mock import patch

import tensorflow as tf
from numpy.typing import NDArray

import vq_layer
from vq_layer.kernels.route import Route
from vq_verify.protocol import (
    ALL,
    DTYPES,
    LOSSES,
    STATE,
    Case,
    CosineCase,
    CosineGradients,
    CosineQuantized,
    Gradients,
    Quantized,
)

v1 = tf.compat.v1


class GraphFunctions:
    """The functions of `vq_layer` in a `tf.Graph` with a v1 `Session`; batch and r unknown.

    Random inputs are small. What larger ones would take is left out of the graphs, unless `compilation` says otherwise,
    since it takes more than half of the time to build and to begin them. Trainings keep the choice at run time.
    """

    name = "graph"
    dtypes = DTYPES
    offers: ClassVar = {"norms": ALL}
    effort = 0.05
    configurations = 7
    validates = True

    def __init__(self, compilation: str | None = None) -> None:
        self._compilation = compilation

    def quantize(self, case: Case) -> Quantized:
        """Fetch all endpoints."""
        graph = _graph_of(case, self._compilation)
        return Quantized(**graph.quantized(case.emb_space, x=case.x, **case.weights))

    def gradients(self, case: Case, upstream: NDArray[Any]) -> Gradients:
        """Fetch all gradients."""
        graph = _graph_of(case, self._compilation)
        values = graph.gradients(case.emb_space, x=case.x, upstream=upstream, **case.weights)
        return Gradients(**values)

    def quantize_cosine(self, case: CosineCase) -> CosineQuantized:
        """Fetch all endpoints."""
        values = _cosine_graph_of(case, self._compilation).quantized(case.emb_space, x=case.x, **_labels(case))
        return CosineQuantized(**{**dict.fromkeys(CosineQuantized._fields), **values})

    def cosine_gradients(self, case: CosineCase, upstream: NDArray[Any]) -> CosineGradients:
        """Fetch both gradients."""
        graph = _cosine_graph_of(case, self._compilation)
        values = graph.gradients(case.emb_space, x=case.x, upstream=upstream, **_labels(case))
        return CosineGradients(**values)

    def training(self, case: Case, num_embeds_replaced: int) -> "GraphTraining":
        """Begin in a session of its own."""
        return GraphTraining(case, num_embeds_replaced, self._compilation or "plain")


Fetches = dict[str, Any]


class _Graph:
    """A graph in a session; `gradients` are built when they are first asked for, since that takes as long again."""

    def __init__(
        self,
        graph: tf.Graph,
        compilation: str | None,
        feeds: dict[str, tf.Tensor],
        emb_space: tf.Variable,
        quantized: Fetches,
        gradients: Callable[[], Fetches],
    ) -> None:
        feeds["emb_space"] = v1.placeholder(emb_space.dtype, emb_space.shape)
        self._assign_emb_space = emb_space.assign(feeds["emb_space"]).op
        self._graph, self._compilation, self._feeds, self._build_gradients = graph, compilation, feeds, gradients
        # To optimize a graph takes as long as to build it, and most are run for few cases. Trainings, and tests/faces,
        # do optimize theirs.
        config = v1.ConfigProto()
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        self._quantized, self._session = quantized, v1.Session(graph=graph, config=config)

    def quantized(self, emb_space: NDArray[Any], **values: Any) -> Fetches:
        return self._run(self._quantized, emb_space, values)

    def gradients(self, emb_space: NDArray[Any], **values: Any) -> Fetches:
        return self._run(self._gradients, emb_space, values)

    @cached_property
    def _gradients(self) -> Fetches:
        with _building(self._graph, self._compilation):
            return self._build_gradients()

    def _run(self, fetches: Fetches, emb_space: NDArray[Any], values: dict[str, Any]) -> Fetches:
        self._session.run(self._assign_emb_space, {self._feeds["emb_space"]: emb_space})
        fed = {self._feeds[name]: value for name, value in values.items() if name in self._feeds}
        return self._session.run(fetches, fed)


@contextmanager
def _building(graph: tf.Graph, compilation: str | None) -> Iterator[tf.Graph]:
    """Build in a graph whose lookups are computed in this way; None for what small inputs take, and nothing else."""
    before = vq_layer.get_compilation()
    vq_layer.set_compilation(compilation or "plain")
    of_small = patch.object(Route, "choose", lambda _, small, **__: small()) if compilation is None else nullcontext()
    try:
        with graph.as_default(), of_small:
            yield graph
    finally:
        vq_layer.set_compilation(before)


def _placeholders(dtype: str, q: int) -> dict[str, tf.Tensor]:
    return {name: v1.placeholder(dtype, [None, None, q]) for name in ("x", "upstream")}


def _graph_of(case: Case, compilation: str | None) -> _Graph:
    weights = tuple((name, None if case.schedule and weight != 0 else weight) for name, weight in case.weights.items())
    reduction = (case.dim_reduction, case.num_dim_reduction_components)
    sizes = (case.x.shape[-1], len(case.emb_space), case.num_splits)
    return _build(case.x.dtype.name, sizes, case.lookup_ord, weights, reduction, compilation)


@lru_cache(maxsize=512)
def _build(
    dtype: str,
    sizes: tuple[int, int, int],
    lookup_ord: float,
    weights: tuple[tuple[str, float | None], ...],
    reduction: tuple[str | None, int],
    compilation: str | None,
) -> _Graph:
    q, n, num_splits = sizes
    with _building(tf.Graph(), compilation) as graph:
        feeds = _placeholders(dtype, q)
        feeds |= {
            name: v1.placeholder(tf.float64 if dtype == "float64" else tf.float32, [])
            for name, weight in weights
            if weight is None
        }
        endpoints = vq_layer.vector_quantization(
            feeds["x"],
            n,
            **{LOSSES[name]: feeds.get(name, weight) for name, weight in weights},
            lookup_ord=lookup_ord,
            dim_reduction=reduction[0],
            num_dim_reduction_components=reduction[1],
            num_splits=num_splits,
            return_endpoints=True,
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

        def gradients() -> Fetches:
            return {
                **_gradients_of_output(endpoints, feeds),
                "losses_to_x": {name: _gradient(loss, feeds["x"]) for name, loss in losses.items()},
                "losses_to_emb_space": {name: _gradient(loss, endpoints.emb_space) for name, loss in losses.items()},
            }

        return _Graph(graph, compilation, feeds, endpoints.emb_space, quantized, gradients)


def _cosine_graph_of(case: CosineCase, compilation: str | None) -> _Graph:
    reduction = (case.dim_reduction, case.num_dim_reduction_components)
    sizes = (case.x.shape[-1], len(case.emb_space), case.num_splits)
    vote = case.vote and (
        (case.vote.emb_labels.dtype.name, case.vote.emb_labels.shape),
        case.vote.num_classes,
        case.vote.k,
        case.vote.majority_threshold,
        case.vote.representative,
    )
    return _build_cosine(case.x.dtype.name, sizes, reduction, vote, compilation)


@lru_cache(maxsize=512)
def _build_cosine(
    dtype: str,
    sizes: tuple[int, int, int],
    reduction: tuple[str | None, int],
    vote: tuple[tuple[str, tuple[int, ...]], int, int, float, str] | None,
    compilation: str | None,
) -> _Graph:
    q, n, num_splits = sizes
    common = {
        "dim_reduction": reduction[0],
        "num_dim_reduction_components": reduction[1],
        "num_splits": num_splits,
        "return_endpoints": True,
    }
    with _building(tf.Graph(), compilation) as graph:
        feeds = _placeholders(dtype, q)
        if vote is None:
            endpoints = vq_layer.cosine_vector_quantization(feeds["x"], n, **common)
        else:
            labels, num_classes, k, majority_threshold, representative = vote
            feeds["emb_labels"] = v1.placeholder(*labels)
            endpoints = vq_layer.cosine_knn_vector_quantization(
                feeds["x"],
                feeds["emb_labels"],
                num_classes,
                k,
                n,
                **common,
                majority_threshold=majority_threshold,
                representative=representative,
            )
        quantized = {name: getattr(endpoints, name, None) for name in CosineQuantized._fields}
        quantized["emb_index"] = graph.get_tensor_by_name("vq/emb_index:0")
        quantized = {name: tensor for name, tensor in quantized.items() if tensor is not None}
        gradients = partial(_gradients_of_output, endpoints, feeds)
        return _Graph(graph, compilation, feeds, endpoints.emb_space, quantized, gradients)


def _labels(case: CosineCase) -> dict[str, NDArray[Any]]:
    return {} if case.vote is None else {"emb_labels": case.vote.emb_labels}


class GraphTraining:
    """A session whose variables are the state."""

    def __init__(self, case: Case, num_embeds_replaced: int, compilation: str) -> None:
        self._build = _training_graph(
            case.x.dtype.name,
            (case.x.shape[-1], len(case.emb_space), case.num_splits),
            case.lookup_ord,
            (case.dim_reduction, case.num_dim_reduction_components),
            num_embeds_replaced,
            compilation,
        )
        self._session = self._build.session_for(self)
        self._session.run(self._build.assign_emb_space, {self._build.feeds["emb_space"]: case.emb_space})

    def _run(self, fetches: Any, x: NDArray[Any], is_training: bool = False) -> None:
        feeds = self._build.feeds
        self._session.run(fetches, {feeds["x"]: x, feeds["is_training"]: is_training})

    def training_pass(self, x: NDArray[Any]) -> None:
        """Fetch the output in training."""
        self._run(self._build.endpoints.layer_out, x, is_training=True)

    def inference_pass(self, x: NDArray[Any]) -> None:
        """Fetch the output in inference."""
        self._run(self._build.endpoints.layer_out, x)

    def replace_embeds(self) -> None:
        """Run the op."""
        self._session.run(self._build.endpoints.replace_embeds)

    def initialize_from_batch(self, x: NDArray[Any]) -> None:
        """Run the op."""
        self._run(self._build.endpoints.emb_space_batch_init, x)

    def save_and_load(self) -> None:
        """Save a checkpoint, and go on in a session that restores it."""
        with tempfile.TemporaryDirectory() as folder, self._session.graph.as_default():
            path = self._build.saver.save(self._session, str(Path(folder) / "state"))
            self._session = self._build.session_for(self)
            self._build.saver.restore(self._session, path)

    @property
    def state(self) -> Fetches:
        """The state now."""
        return self._session.run(self._build.variables)


class _TrainingGraph(NamedTuple):
    graph: tf.Graph
    initialize: tf.Operation
    feeds: dict[str, tf.Tensor]
    assign_emb_space: tf.Operation
    endpoints: vq_layer.VQEndpoints
    variables: dict[str, tf.Variable]
    saver: v1.train.Saver
    idle: list[v1.Session]

    def session_for(self, training: GraphTraining) -> v1.Session:
        """Return a session in its initial state, its own while the training lasts.

        One that another has left has optimized the graph already, which takes longer than a training.
        """
        session = self.idle.pop() if self.idle else v1.Session(graph=self.graph)
        weakref.finalize(training, self.idle.append, session)
        session.run(self.initialize)
        return session


@lru_cache(maxsize=64)
def _training_graph(
    dtype: str,
    sizes: tuple[int, int, int],
    lookup_ord: float,
    reduction: tuple[str | None, int],
    num_embeds_replaced: int,
    compilation: str,
) -> _TrainingGraph:
    q, n, num_splits = sizes
    with _building(tf.Graph(), compilation) as graph:
        feeds = {"x": v1.placeholder(dtype, [None, None, q]), "is_training": v1.placeholder(tf.bool, [])}
        endpoints = vq_layer.vector_quantization(
            feeds["x"],
            n,
            lookup_ord=lookup_ord,
            dim_reduction=reduction[0],
            num_dim_reduction_components=reduction[1],
            embedding_initializer="batch",
            num_splits=num_splits,
            num_embeds_replaced=num_embeds_replaced,
            is_training=feeds["is_training"],
            return_endpoints=True,
        )
        by_name = {variable.op.name: variable for variable in v1.global_variables()}
        feeds["emb_space"] = v1.placeholder(endpoints.emb_space.dtype, endpoints.emb_space.shape)
        return _TrainingGraph(
            graph=graph,
            initialize=v1.global_variables_initializer(),
            feeds=feeds,
            assign_emb_space=endpoints.emb_space.assign(feeds["emb_space"]).op,
            endpoints=endpoints,
            variables={name: by_name[f"vq/{name}"] for name in STATE},
            saver=v1.train.Saver(),
            idle=[],
        )


def _gradients_of_output(endpoints: Any, feeds: dict[str, tf.Tensor]) -> Fetches:
    return {
        "output_to_x": _gradient(endpoints.layer_out, feeds["x"], feeds["upstream"]),
        "output_to_emb_space": _gradient(endpoints.layer_out, endpoints.emb_space, feeds["upstream"]),
    }


def _gradient(target: tf.Tensor, source: Any, upstream: tf.Tensor | None = None) -> tf.Tensor:
    (gradient,) = tf.gradients(target, [source], upstream)
    return tf.zeros_like(source) if gradient is None else tf.convert_to_tensor(gradient)
