"""The layer of stages, each of which quantizes what the ones before it left (VQ-28)."""

import math
import numbers
from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from vq_layer import validation
from vq_layer.core.quantizer import quantize
from vq_layer.core.residual import ResidualResult, decoded, quantize_residual
from vq_layer.dtypes import comparison_dtype
from vq_layer.kernels import draws
from vq_layer.layers import checks, warn
from vq_layer.layers.arguments import refuse
from vq_layer.layers.replicas import replicas_here
from vq_layer.layers.vector_layer import VectorLayer, as_tensor
from vq_layer.layers.vector_quantization import VectorQuantization
from vq_layer.parts.choices import Majority
from vq_layer.parts.estimators import estimator_of
from vq_layer.shapes import static_shape, unflattened
from vq_layer.tracing import as_it_stands


class ResidualEndpoints(NamedTuple):
    """What `ResidualVectorQuantization` returns with ``return_endpoints=True``.

    Attributes
    ----------
    layer_out : tf.Tensor, shape and dtype of x
        The output.
    emb_index : tf.Tensor, shape [batch, m, num_stages], int64
        The index of the embedding of each vector in each stage; -1 for none.
    access_count : tuple of tf.Tensor, shape [n], float32
        How often each embedding of each stage was chosen there.
    """

    layer_out: tf.Tensor
    emb_index: tf.Tensor
    access_count: tuple[tf.Tensor, ...]


@keras.saving.register_keras_serializable(package="vq_layer")
class ResidualVectorQuantization(VectorLayer):
    """Replace every vector of the input by a sum of embeddings, one of each stage.

    The first stage quantizes the input, each other what the ones before it left of it: with n embeddings in each of K
    stages there are n^K sums, and each stage adds log2(n) bits. The stages are layers, each with its parts, its losses
    and its metrics, which `fit` reports by the names of the stages. All of them look up in the embeddings with which
    the step began, then each learns from its own input; with a start from the first batch they all start in it.

    Parameters
    ----------
    n_or_layers : int, or list of VectorQuantization
        How many embeddings each stage has; or the stages themselves. A layer that occurs several times is a codebook
        that these stages share.
    num_stages : int
        How many stages there are, of n embeddings each: layers by the names ``stage_0``, ``stage_1``, ...
    shared : bool
        Whether these share one codebook; then there is one layer, ``stage_0``. It starts from what the first stage
        sees, and learns from all.
    estimator : a part of `vq_layer.parts.estimators`, or its name: "straight-through", "rotation", "diveq", "none"
        How the gradient of the output, the whole sum, passes to the input. Those of the stages do not matter.
    quantizer_dropout : bool
        Whether in training each element of the batch goes through only so many stages as are drawn for it, from 1 to
        all: then the first stages alone are a quantizer of fewer bits. For the stages after, it is masked, and NaN
        within, which `tf.debugging.enable_check_numerics` reports.
    return_endpoints : bool
        Whether a call returns `ResidualEndpoints`.
    seed : int
        What quantizer dropout draws is the same for equal seeds. How often it drew is a weight, ``draws``, so that a
        training that goes on from a file draws on; a frozen layer draws, too.
    **arguments
        Those of `VectorQuantization` for each stage, where n is given, and `name`, `dtype` and `trainable` of
        `keras.layers.Layer`.

    Raises
    ------
    ValueError, TypeError
        Where there is no stage, one is no `VectorQuantization` or lets labels vote, or they differ in `num_splits` or
        in the dtype in which they compare.

    Notes
    -----
    The input has the shape ``[batch, ..., q]``, any rank from 2, q static.

    The output has that of the input. With ``num_splits=4``, an input ``[16, 256, 64]`` holds 1,024 vectors of size 16
    for each element of the batch; with 8 stages `encode` gives ``[16, 256, 4, 8]``, and the output is bit for bit the
    sum of the 8 rows in the order of the stages, in float32 or float64, cast to the dtype of the input. A vector with a
    NaN or infinite coordinate comes out as NaN, a masked one as it is.

    Examples
    --------
    >>> layer = ResidualVectorQuantization(2, num_stages=2)
    >>> layer.build((None, 1))
    >>> for stage, rows in zip(layer.stages, ([[0.0], [1.0]], [[-0.125], [0.125]])):
    ...     _ = stage.emb_space.assign(rows)
    >>> layer.encode([[0.9]]).numpy()
    array([[[1, 0]]])
    >>> layer.decode([[[1, 0]]]).numpy(), layer.decode([[[1]]]).numpy()
    (array([[0.875]], dtype=float32), array([[1.]], dtype=float32))
    >>> layer.bits_per_vector
    2.0

    References
    ----------
    Juang, Gray, "Multiple Stage Vector Quantization for Speech Coding", 1982. Zeghidour, Luebs, Omran, Skoglund,
    Tagliasacchi, "SoundStream: An End-to-End Neural Audio Codec", 2021, sections III.C and III.D.
    """

    def __init__(
        self,
        n_or_layers: Any = None,
        num_stages: int | None = None,
        *,
        shared: bool = False,
        estimator: Any = "straight-through",
        quantizer_dropout: bool = False,
        return_endpoints: bool = False,
        seed: int = 0,
        **arguments: Any,
    ) -> None:
        refuse(type(self).__name__, "l2", arguments)
        own = {name: arguments.pop(name) for name in ("name", "dtype", "trainable") if name in arguments}
        if isinstance(n_or_layers, Iterable):
            stages = _given(tuple(n_or_layers), num_stages, shared, arguments)
            own.setdefault("dtype", stages[0].dtype_policy)
        elif not isinstance(n_or_layers, numbers.Integral):
            raise TypeError(f"`n_or_layers` must be an integer or a list of layers. Received: {n_or_layers!r}")
        else:
            stages = _made(n_or_layers, num_stages, shared, {**arguments, "dtype": own.get("dtype")})
        validation.check_integer("seed", seed, minimum=0)
        super().__init__(return_endpoints, **own)
        _check_agreement(stages, tf.as_dtype(self.compute_dtype))
        self.stages = stages
        self.estimator = estimator_of(estimator)
        self.quantizer_dropout = bool(quantizer_dropout)
        self.seed = int(seed)
        self.supports_jit = all(stage.supports_jit for stage in stages)
        if not self.trainable:  # as Keras has it when this is set later
            for stage in stages:
                stage.trainable = False

    @property
    def num_stages(self) -> int:
        """How many stages there are."""
        return len(self.stages)

    @property
    def num_splits(self) -> int:
        """How many vectors the last axis of the input holds."""
        return self.stages[0].num_splits

    @property
    def bits_per_vector(self) -> float:
        """How many bits the indices of a vector take: the sum of log2(n) over the stages."""
        return float(sum(math.log2(stage.n) for stage in self.stages))

    @property
    def _q(self) -> int:
        return self.stages[0]._q

    def build(self, input_shape: Any) -> None:
        """Build the stages for inputs of this shape, ``[batch, ..., q]``, and count what quantizer dropout draws."""
        shape = tf.TensorShape(input_shape)
        checks.check_layer_shape(shape)
        if self.quantizer_dropout:  # Keras saves no state of a `SeedGenerator`
            self.draws = self.add_weight(name="draws", shape=(), initializer="zeros", dtype="int64", trainable=False)
        for i, stage in enumerate(self.stages):
            if not stage.built:
                stage.build(input_shape)
            elif stage._q != shape.as_list()[-1]:
                raise ValueError(
                    f"the last axis of `x` must be {stage._q}, for which stage {i} was built. Received: x.shape={shape}"
                )

    def quantized(self, x: tf.Tensor, training: bool | None, mask: Any) -> Any:
        """Quantize x, add the losses of the stages, and let them learn in a pass of training; see `__call__`."""
        validation.check_floating(x)
        drawn = self._drawn(x) if training and self.quantizer_dropout else None
        stages = [partial(stage.pass_over, training=training) for stage in self.stages]
        mask = None if mask is None else checks.checked_mask(mask, x)
        result = self._quantized(x, stages, mask=mask, num_stages=drawn)
        if not self.return_endpoints:
            return result.layer_out
        return ResidualEndpoints(result.layer_out, result.emb_index, tuple(it.access_count for it in result.stages))

    def _drawn(self, x: tf.Tensor) -> tf.Tensor:
        """Draw through how many stages each element of the batch goes, ``[batch]``; replicas for the batch of all."""
        number = tf.shape(x)[0]
        replicas = replicas_here(self.outermost_layer())
        before = 0 if replicas is None else replicas.offset(number)[0]
        places = tf.cast(before + tf.range(number), tf.int64)
        drawn = draws.keys(places, self.seed, tf.convert_to_tensor(self.draws), tf.float32)
        with tf.control_dependencies([drawn]):
            self.draws.assign_add(1)
        return tf.cast(tf.math.ceil(drawn * self.num_stages), tf.int32)

    def _quantized(self, x: tf.Tensor, stages: list[Any], **how: Any) -> ResidualResult:
        dtype = comparison_dtype(tf.as_dtype(x.dtype))
        return quantize_residual(x, stages, dtype=dtype, num_splits=self.num_splits, estimator=self.estimator, **how)

    @as_it_stands
    def encode(self, x: Any, num_stages: int | None = None) -> tf.Tensor:
        """Return the indices of the embeddings of each stage, int64: ``[..., q] -> [..., num_splits, num_stages]``.

        -1 for a vector with a NaN or infinite coordinate. Builds the layer if it is not built yet. Of a symbol of a
        functional model, symbols.

        Parameters
        ----------
        x : tensor, shape [..., q]
            Lists and arrays of floats are taken as well.
        num_stages : int, optional
            How many stages, from the first on; all by default.

        Raises
        ------
        ValueError, TypeError
            Where a call would refuse x, or `num_stages` is not from 1 to their number.
        """
        number = self._number_of(num_stages)
        if isinstance(x, keras.KerasTensor):
            codes = self(x, method="encode")
            return codes if number == self.num_stages else codes[..., :number]
        x = self._built_for(x)
        for stage in self.stages[:number]:
            warn.unless_started(stage)
        stages = [partial(quantize, state=it.state, quantizer=it.quantizer) for it in self.stages[:number]]
        return unflattened(self._quantized(x, stages).emb_index, x, self.num_splits, number)

    @as_it_stands
    def decode(self, emb_index: Any) -> tf.Tensor:
        """Return the sums of the embeddings at indices of the first k stages: ``[..., num_splits, k] -> [..., q]``.

        Index -1 gives a row of NaN in the first stage, and adds nothing in another. The indices may be of any integer
        dtype, and k from 1 to the number of the stages. Of a symbol of a functional model, symbols.

        Raises
        ------
        ValueError, TypeError
            If the last axes are no such, the dtype no integer, or the layer not built.
        tf.errors.InvalidArgumentError
            For any other index outside [0, n). Compiled by XLA, which raises nothing, it gives a row of NaN.
        """
        checks.check_built(self, "decode")
        emb_index = as_tensor("emb_index", emb_index)
        checks.check_residual_codes(emb_index, self.num_splits, self.num_stages)
        if isinstance(emb_index, keras.KerasTensor):
            return self(emb_index, method="decode")
        for stage in self.stages[: static_shape(emb_index)[-1]]:
            warn.unless_started(stage)
        total = decoded(emb_index, [(stage.state, stage.quantizer) for stage in self.stages])
        return unflattened(tf.cast(total, self.compute_dtype), emb_index[..., 0], self._q)

    def _number_of(self, num_stages: Any) -> int:
        if num_stages is None:
            return self.num_stages
        validation.check_integer("num_stages", num_stages, minimum=1)
        if num_stages > self.num_stages:
            raise ValueError(f"`num_stages` must be at most {self.num_stages}. Received: num_stages={num_stages}")
        return int(num_stages)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, serializable, each layer once; `order` says where it stands."""
        layers = list({id(stage): stage for stage in self.stages}.values())
        return {
            **super().get_config(),
            "n_or_layers": [keras.saving.serialize_keras_object(layer) for layer in layers],
            "order": [next(i for i, layer in enumerate(layers) if layer is stage) for stage in self.stages],
            "estimator": keras.saving.serialize_keras_object(self.estimator),
            "quantizer_dropout": self.quantizer_dropout,
            "return_endpoints": self.return_endpoints,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ResidualVectorQuantization":
        """Return the layer of a configuration, in which stages share what they shared."""
        layers = [keras.saving.deserialize_keras_object(layer) for layer in config["n_or_layers"]]
        arguments = {name: value for name, value in config.items() if name not in ("n_or_layers", "order")}
        return cls([layers[i] for i in config["order"]], **arguments)


Stages = tuple[VectorQuantization, ...]


def _given(stages: Stages, num_stages: Any, shared: bool, arguments: dict[str, Any]) -> Stages:
    """Return ready stages, after refusing what is for others."""
    if num_stages is not None or shared or arguments:
        more = {**({} if num_stages is None else {"num_stages": num_stages}), **({"shared": True} if shared else {})}
        received = ", ".join(f"{name}={value!r}" for name, value in {**more, **arguments}.items())
        raise TypeError(f"with ready layers, nothing else is said of the stages. Received: {received}")
    if not stages:
        raise ValueError("`n_or_layers` must hold at least one layer. Received: none")
    for stage in stages:
        if not isinstance(stage, VectorQuantization):
            raise TypeError(f"`n_or_layers` must hold layers VectorQuantization. Received: {stage!r}")
    return stages


def _made(n: Any, num_stages: Any, shared: bool, arguments: dict[str, Any]) -> Stages:
    """Return new stages of n embeddings, one and the same again and again where they share it."""
    validation.check_integer("num_stages", num_stages, minimum=1)
    if shared:
        stage = VectorQuantization(n, name="stage_0", **arguments)
        return tuple(stage for _ in range(num_stages))
    return tuple(VectorQuantization(n, name=f"stage_{i}", **arguments) for i in range(num_stages))


def _check_agreement(stages: Stages, dtype: tf.DType) -> None:
    """Require stages of one num_splits, that compare in the dtype of the whole, and choose what is nearest."""
    splits, compared = [it.num_splits for it in stages], [_compared(it.compute_dtype) for it in stages]
    if len(set(splits)) > 1:
        raise ValueError(f"all stages must have the same `num_splits`. Received: {splits}")
    if set(compared) != {_compared(dtype)}:
        raise ValueError(f"all stages must compare in {_compared(dtype)}, as the layer does. Received: {compared}")
    if any(isinstance(it.quantizer.choice, Majority) for it in stages):
        raise ValueError("a stage must choose what is nearest. Received: choice=Majority")


def _compared(dtype: Any) -> str:
    return str(comparison_dtype(tf.as_dtype(dtype)).name)
