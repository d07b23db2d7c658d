"""The Keras layers, called eagerly."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

import vq_layer
from vq_layer.parts.estimators import NAMES as ESTIMATORS
from vq_layer.parts.losses import Loss
from vq_verify.adapters.threads import at_once
from vq_verify.protocol import (
    ALL,
    DTYPES,
    LOSSES,
    START_METHODS,
    Case,
    CosineCase,
    CosineGradients,
    CosineQuantized,
    Gradients,
    Quantized,
    Replica,
    ResidualCase,
    ResidualGradients,
    ResidualQuantized,
    ScalarCase,
    ScalarGradients,
    ScalarQuantized,
)

# Every loss of the layers by its name.
_LOSSES = {loss.name: loss for loss in Loss.__subclasses__()}


class KerasLayers:
    """The layers of `vq_layer`, under a mixed policy for half types.

    Parameters
    ----------
    compiled : bool
        Whether calls and their gradients go through XLA, which compiles anew for every shape.
    """

    name = "keras"
    dtypes = DTYPES
    offers: ClassVar = {
        "norms": ALL,
        "losses": tuple(_LOSSES),
        "masks": ("x",),
        "estimators": tuple(ESTIMATORS),
        "codebooks": ("shared", "per-split"),
        "replacements": ("within a pass",),
        "starts": tuple(START_METHODS),
        "updates": ALL,
        "policies": ALL,
        "stages": ALL,
        "replicas": ALL,
    }
    effort = 0.05
    configurations = None
    validates = True

    def __init__(self, compiled: bool = False) -> None:
        self._wrap = tf.function(jit_compile=True) if compiled else lambda function: function

    def quantize(self, case: Case) -> Quantized:
        """Call the layer for its endpoints, and `encode` for the indices."""
        layer = _shared_layer_of(case)

        def call(x: tf.Tensor) -> tuple[Any, tf.Tensor, list[tf.Tensor]]:
            return layer(x, mask=case.mask), layer.encode(x), layer.losses

        with _losses_in_full_precision(case):
            endpoints, emb_index, losses = self._wrap(call)(tf.constant(case.x))
        values = {name: getattr(endpoints, name).numpy() for name in Quantized._fields if name != "losses"}
        if case.mask is None:  # `encode` takes no mask
            np.testing.assert_array_equal(values["emb_index"], _as_batch(emb_index, case))
        return Quantized(**values, losses=_by_name(case, [loss.numpy() for loss in losses]))

    def gradients(self, case: Case, upstream: NDArray[Any]) -> Gradients:
        """Differentiate a call by a tape."""
        layer = _shared_layer_of(case)
        emb_space = layer.emb_space.value

        def differentiate(x: tf.Tensor, upstream: tf.Tensor) -> tuple[list[tf.Tensor], list[list[tf.Tensor]]]:
            with tf.GradientTape(persistent=True) as tape:
                tape.watch([x, emb_space])
                layer_out, losses = layer(x, mask=case.mask).layer_out, layer.losses
            of_losses = [_gradients(tape, loss, [x, emb_space]) for loss in losses]
            return _gradients(tape, layer_out, [x, emb_space], upstream), of_losses

        with _losses_in_full_precision(case):
            of_output, of_losses = self._wrap(differentiate)(tf.constant(case.x), tf.constant(upstream))
        by_name = _by_name(case, of_losses)
        return Gradients(
            *(gradient.numpy() for gradient in of_output),
            losses_to_x={name: pair[0].numpy() for name, pair in by_name.items()},
            losses_to_emb_space={name: pair[1].numpy() for name, pair in by_name.items()},
        )

    def decode(self, case: Case, emb_index: NDArray[Any]) -> NDArray[Any]:
        """Decode; a mixed policy gives the dtype of x."""
        return self._wrap(_shared_layer_of(case).decode)(tf.constant(emb_index)).numpy()

    def quantize_cosine(self, case: CosineCase) -> CosineQuantized:
        """Call the layer for its endpoints, and `encode` for the indices."""
        layer = _cosine_layer_of(case)

        def call(x: tf.Tensor) -> tuple[Any, tf.Tensor]:
            return layer(x), layer.encode(x)

        endpoints, emb_index = self._wrap(call)(tf.constant(case.x))
        np.testing.assert_array_equal(endpoints.emb_index, _as_batch(emb_index, case))
        found = {name: getattr(endpoints, name) for name in CosineQuantized._fields}
        return CosineQuantized(**{name: None if value is None else value.numpy() for name, value in found.items()})

    def cosine_gradients(self, case: CosineCase, upstream: NDArray[Any]) -> CosineGradients:
        """Differentiate a call by a tape."""
        layer, x = _cosine_layer_of(case), tf.constant(case.x)
        emb_space = layer.emb_space.value
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([x, emb_space])
            layer_out = layer(x).layer_out
        gradients = _gradients(tape, layer_out, [x, emb_space], tf.constant(upstream))
        return CosineGradients(*(gradient.numpy() for gradient in gradients))

    def quantize_scalar(self, case: ScalarCase) -> ScalarQuantized:
        """Call the layer for its endpoints, and `encode` for the indices."""
        layer = _scalar_layer_of(case)

        def call(x: tf.Tensor) -> tuple[Any, tf.Tensor]:
            return layer(x, mask=case.mask), layer.encode(x)

        endpoints, emb_index = self._wrap(call)(tf.constant(case.x))
        if case.mask is None:  # `encode` takes no mask
            np.testing.assert_array_equal(endpoints.emb_index, _as_batch(emb_index, case))
        found = {name: getattr(endpoints, name) for name in ScalarQuantized._fields}
        return ScalarQuantized(**{name: None if value is None else value.numpy() for name, value in found.items()})

    def scalar_gradients(self, case: ScalarCase, upstream: NDArray[Any]) -> ScalarGradients:
        """Differentiate a call by a tape."""
        layer = _scalar_layer_of(case)

        def differentiate(x: tf.Tensor, upstream: tf.Tensor) -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(x)
                layer_out = layer(x, mask=case.mask).layer_out
            return _gradients(tape, layer_out, [x], upstream)

        (to_x,) = self._wrap(differentiate)(tf.constant(case.x), tf.constant(upstream))
        return ScalarGradients(to_x.numpy())

    def decode_scalar(self, case: ScalarCase, emb_index: NDArray[Any]) -> NDArray[Any]:
        """Decode; a mixed policy gives the dtype of x."""
        return self._wrap(_scalar_layer_of(case).decode)(tf.constant(emb_index)).numpy()

    def quantize_residual(self, case: ResidualCase) -> ResidualQuantized:
        """Call the layer for its endpoints."""
        layer = _residual_layer_of(case)

        def call(x: tf.Tensor) -> tuple[Any, list[tf.Tensor]]:
            return layer(x, mask=case.case.mask, training=case.training), layer.losses

        with _losses_in_full_precision(case.case):
            endpoints, losses = self._wrap(call)(tf.constant(case.case.x))
        return ResidualQuantized(
            layer_out=endpoints.layer_out.numpy(),
            emb_index=endpoints.emb_index.numpy(),
            access_count=np.stack([it.numpy() for it in endpoints.access_count]),
            losses=_by_stage(case, [loss.numpy() for loss in losses]),
        )

    def residual_gradients(self, case: ResidualCase, upstream: NDArray[Any]) -> ResidualGradients:
        """Differentiate a call by a tape."""
        layer, x = _residual_layer_of(case), tf.constant(case.case.x)
        emb_spaces = [codebook.emb_space.value for codebook in _codebooks(layer)]
        with _losses_in_full_precision(case.case), tf.GradientTape(persistent=True) as tape:
            tape.watch([x, *emb_spaces])
            layer_out, losses = layer(x, mask=case.case.mask).layer_out, layer.losses
        to_x, *to_emb_spaces = _gradients(tape, layer_out, [x, *emb_spaces], tf.constant(upstream))
        of_losses = _by_stage(case, [_gradients(tape, loss, [x, *emb_spaces]) for loss in losses])
        return ResidualGradients(
            output_to_x=to_x.numpy(),
            output_to_emb_spaces=np.stack(to_emb_spaces),
            losses_to_x=[{name: it[0].numpy() for name, it in of_stage.items()} for of_stage in of_losses],
            losses_to_emb_spaces=[{name: np.stack(it[1:]) for name, it in of_stage.items()} for of_stage in of_losses],
        )

    def encode_residual(self, case: ResidualCase, num_stages: int) -> NDArray[Any]:
        """Encode."""
        layer = _residual_layer_of(case)
        return layer.encode(tf.constant(case.case.x), num_stages=num_stages).numpy()

    def decode_residual(self, case: ResidualCase, emb_index: NDArray[Any]) -> NDArray[Any]:
        """Decode."""
        return _residual_layer_of(case).decode(emb_index).numpy()

    def residual_training(self, case: ResidualCase, num_embeds_replaced: int) -> "KerasResidualTraining":
        """Begin with a layer."""
        return KerasResidualTraining(case, num_embeds_replaced)

    def training(self, case: Case, num_embeds_replaced: int) -> "KerasTraining":
        """Begin with a layer in a model, which can be saved."""
        return KerasTraining(case, num_embeds_replaced)


class KerasTraining:
    """A `VectorQuantization`, in a model whenever it is saved: to build one takes longer than a pass."""

    def __init__(self, case: Case, num_embeds_replaced: int) -> None:
        with _named_as_in_the_specification():
            self._layer = _layer_of(case, **_of_training(case, num_embeds_replaced))
        self._case, self._input = case, {"shape": case.x.shape[1:], "dtype": case.x.dtype.name}

    def training_pass(self, x: NDArray[Any], mask: NDArray[Any] | None = None) -> None:
        """Call the layer in training."""
        self._layer(tf.constant(x), mask=mask, training=True)

    def replicas_pass(self, parts: list[NDArray[Any]], masks: list[NDArray[Any] | None]) -> list[Replica]:
        """Call copies of the layer at once, each in a thread, and go on with the first."""
        layers = [self._layer, *(_copy(self._layer) for _ in parts[1:])]

        def call(layer: vq_layer.VectorQuantization, x: NDArray[Any], mask: NDArray[Any] | None) -> Replica:
            layer_out = layer(tf.constant(x), mask=mask, training=True)
            losses = _by_name(self._case, [loss.numpy() for loss in layer.losses])
            return Replica(layer_out.numpy(), losses, {name: it.numpy() for name, it in layer.state.items()})

        with _losses_in_full_precision(self._case):
            return at_once([partial(call, *of_replica) for of_replica in zip(layers, parts, masks, strict=True)])

    def inference_pass(self, x: NDArray[Any]) -> None:
        """Call the layer in inference, of which it warns before a start."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._layer(tf.constant(x), training=False)

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
            keras.Sequential([keras.layers.Input(**self._input), self._layer]).save(path)
            self._layer = keras.models.load_model(path).layers[-1]

    @property
    def state(self) -> dict[str, NDArray[Any]]:
        """The state now."""
        return {name: value.numpy() for name, value in self._layer.state.items()}


def _copy(layer: vq_layer.VectorQuantization) -> vq_layer.VectorQuantization:
    copy = type(layer).from_config(layer.get_config())
    copy.build((None, layer._q))
    for weight, value in zip(copy.weights, layer.weights, strict=True):
        weight.assign(value)
    return copy


class KerasResidualTraining:
    """A `ResidualVectorQuantization`."""

    def __init__(self, case: ResidualCase, num_embeds_replaced: int) -> None:
        self._layer = _residual_layer_of(case, **_of_training(case.case, num_embeds_replaced))

    def training_pass(self, x: NDArray[Any], mask: NDArray[Any] | None = None) -> None:
        """Call the layer in training."""
        self._layer(tf.constant(x), mask=mask, training=True)

    @property
    def states(self) -> list[dict[str, NDArray[Any]]]:
        """The states now."""
        return [{name: value.numpy() for name, value in codebook.state.items()} for codebook in _codebooks(self._layer)]


def _of_training(case: Case, num_embeds_replaced: int) -> dict[str, Any]:
    """Return the arguments of a layer that is trained."""
    start = {} if case.start is None else {"start": vq_layer.FromBatch(START_METHODS[case.start])}
    replacement = _twin_of(case.replacement_of(num_embeds_replaced))
    return {"replacement": replacement, "return_endpoints": False, **start}


@contextmanager
def _losses_in_full_precision(case: Case) -> Iterator[None]:
    """Let the layers add their losses in the comparison dtype of the case."""
    before = keras.config.floatx()
    keras.config.set_floatx("float64" if case.x.dtype == np.float64 else "float32")
    try:
        yield
    finally:
        keras.config.set_floatx(before)


def _policy(dtype: str) -> str:
    if np.dtype(dtype).kind in "biu":  # the layer is to refuse it
        return "float32"
    return dtype if np.dtype(dtype).itemsize > 2 else f"mixed_{dtype}"


# The arguments of the specification that are fields of parts here, by which these name them in their errors.
_FIELDS = {
    "Norm.p": "lookup_ord",
    **{f"{_LOSSES[name].__name__}.weight": weight for name, weight in LOSSES.items()},
    "PCA.fit": "dim_reduction",
    "PCA.components": "num_dim_reduction_components",
    "MostDistant.number": "num_embeds_replaced",
}


@contextmanager
def _named_as_in_the_specification() -> Iterator[None]:
    """Let errors name the arguments of a case."""
    try:
        yield
    except (ValueError, TypeError) as error:
        text = str(error)
        for field, argument in _FIELDS.items():
            text = text.replace(field, argument)
        raise type(error)(text) from error


def _in_space(comparison: vq_layer.Norm | vq_layer.Cosine, case: Case | CosineCase) -> Any:
    if case.dim_reduction is None:
        return comparison
    return vq_layer.PCA(comparison, case.dim_reduction, case.num_dim_reduction_components)


def _twin_of(part: Any) -> Any:
    """Return the part of the layer that bears the name of one of the oracle, with its fields."""
    return getattr(vq_layer, type(part).__name__)(**vars(part))


def _layer_of(case: Case, **more: Any) -> vq_layer.VectorQuantization:
    with _named_as_in_the_specification():
        arguments = {
            "comparison": _in_space(vq_layer.Norm(case.lookup_ord), case),
            "losses": [_LOSSES[name](weight) for name, weight in case.weights.items()],
            "update": _twin_of(case.update),
            "estimator": case.estimator,
            "start": None,
            "replacement": None,
            "num_splits": case.num_splits,
            "codebooks": case.codebooks,
            "return_endpoints": True,
            "dtype": _policy(case.x.dtype.name),
        }
        return _with_emb_space(vq_layer.VectorQuantization(case.emb_space.shape[-2], **{**arguments, **more}), case)


def _residual_layer_of(case: ResidualCase, **more: Any) -> vq_layer.ResidualVectorQuantization:
    codebooks = [
        _layer_of(replace(case.case, emb_space=emb_space), **{"return_endpoints": False, **more})
        for emb_space in case.emb_spaces
    ]
    layer = vq_layer.ResidualVectorQuantization(
        [codebooks[which] for which in case.order],
        estimator=case.case.estimator,
        quantizer_dropout=case.quantizer_dropout,
        return_endpoints=True,
    )
    layer.build(case.case.x.shape)
    return layer


def _codebooks(layer: vq_layer.ResidualVectorQuantization) -> list[vq_layer.VectorQuantization]:
    """Return the layers of the stages, each once."""
    return list({id(stage): stage for stage in layer.stages}.values())


def _by_stage(case: ResidualCase, losses: list[Any]) -> list[dict[str, Any]]:
    """Name the losses of each stage: a layer gives those of a codebook together, in the order of its stages."""
    names, uses = case.case.losses, sorted(range(len(case.order)), key=lambda i: (case.order[i], i))
    groups = np.split(np.arange(len(losses)), len(uses))
    of_use = {i: [losses[place] for place in group] for i, group in zip(uses, groups, strict=True)}
    return [dict(zip(names, of_use[i], strict=True)) for i in range(len(uses))]


_shared: dict[str, vq_layer.VectorQuantization] = {}  # the last layer, by what it was built for


def _shared_layer_of(case: Case) -> vq_layer.VectorQuantization:
    """Return a layer that nothing trains: the last one again if it differs in its embeddings only.

    A law asks for several results that differ in their inputs, and to build a layer takes as long as to call it.
    """
    arrays = ("x", "emb_space", "mask")
    statics = [case.x.dtype.name, case.x.shape[-1], case.emb_space.shape]
    key = repr([*statics, {name: value for name, value in vars(case).items() if name not in arrays}])
    if key in _shared:
        _shared[key].emb_space.assign(case.emb_space)
    else:
        _shared.clear()
        _shared[key] = _layer_of(case)
    return _shared[key]


def _cosine_layer_of(case: CosineCase) -> Any:
    with _named_as_in_the_specification():
        arguments = {
            "comparison": _in_space(vq_layer.Cosine(), case),
            "num_splits": case.num_splits,
            "return_endpoints": True,
            "dtype": _policy(case.x.dtype.name),
        }
        n = len(case.emb_space)
        if case.vote is None:
            return _with_emb_space(vq_layer.CosineVectorQuantization(n, **arguments), case)
        return _with_emb_space(vq_layer.CosineKNNVectorQuantization(n=n, **vars(case.vote), **arguments), case)


def _scalar_layer_of(case: ScalarCase) -> vq_layer.FiniteScalarQuantization:
    layer = vq_layer.FiniteScalarQuantization(
        case.levels, num_splits=case.num_splits, return_endpoints=True, dtype=_policy(case.x.dtype.name)
    )
    layer.build(case.x.shape)
    return layer


def _with_emb_space(layer: Any, case: Case | CosineCase) -> Any:
    layer.build(case.x.shape)
    layer.emb_space.assign(case.emb_space)
    return layer


def _as_batch(emb_index: tf.Tensor, case: Case | CosineCase | ScalarCase) -> NDArray[Any]:
    """Bring what `encode` returns to the shape [batch, m]."""
    return emb_index.numpy().reshape(-1, case.x.shape[1] * case.num_splits)


def _by_name(case: Case, losses: list[Any]) -> dict[str, Any]:
    """Name the losses, which a layer only orders; a missing or an extra one is an error here."""
    return dict(zip(case.losses, losses, strict=True))


def _gradients(
    tape: tf.GradientTape, target: tf.Tensor, sources: list[tf.Tensor], upstream: tf.Tensor | None = None
) -> list[tf.Tensor]:
    gradients = tape.gradient(target, sources, upstream)
    return [
        tf.zeros_like(source) if gradient is None else tf.convert_to_tensor(gradient)
        for source, gradient in zip(sources, gradients, strict=True)
    ]
