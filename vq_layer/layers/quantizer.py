"""The Keras layer around a quantizer: it creates what parts declare, and assigns what they return."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import Any, ClassVar, TypeVar

import keras
import tensorflow as tf

from vq_layer import validation
from vq_layer.core.decoding import decoded_by, encoded
from vq_layer.core.fitting import k_means_of
from vq_layer.core.quantizer import (
    Quantizer,
    gathered,
    quantize,
    replaced,
    rewritten,
    rows_of,
    shares,
    started,
    trained,
)
from vq_layer.core.results import Result
from vq_layer.dtypes import comparison_dtype
from vq_layer.layers import arguments, checks, warn
from vq_layer.layers.endpoints import endpoints_of
from vq_layer.layers.metrics import increments, seen
from vq_layer.layers.observed import is_observed, observe
from vq_layer.layers.programs import Program, Programs, may_be_program
from vq_layer.layers.replicas import replicas_here
from vq_layer.layers.slots import reset_within
from vq_layer.layers.vector_layer import VectorLayer, as_tensor
from vq_layer.non_finite import finite_rows
from vq_layer.parts.part import State
from vq_layer.parts.starts import first_rows
from vq_layer.shapes import static_shape, unflattened
from vq_layer.tracing import as_it_stands

L = TypeVar("L", bound="QuantizerLayer")


class QuantizerLayer(VectorLayer):
    """What the layers share.

    Parameters
    ----------
    quantizer : Quantizer
        What the layer does.
    return_endpoints : bool
        Whether a call returns `Endpoints`.
    counts_usage : bool
        Whether it has metrics of the usage.
    **kwargs
        Those of `keras.layers.Layer`.
    """

    default_comparison: ClassVar[str] = "l2"

    def __init__(self, quantizer: Quantizer, return_endpoints: bool, counts_usage: bool, **kwargs: Any) -> None:
        super().__init__(return_endpoints, **kwargs)
        self.quantizer = quantizer
        self.supports_jit = all(part.supports_jit for part in quantizer.parts)
        self._names: tuple[str, ...] = ()
        self._programs = Programs()
        self._awaits_inference = quantizer.start.from_inputs
        self._is_warned = False
        if counts_usage:
            losses = [loss.name for loss in quantizer.losses if not loss.is_absent]
            tells_dead = quantizer.replacement is not None and quantizer.replacement.tells_dead
            self.watch(quantizer.num_codebooks, quantizer.n, losses, tells_dead)

    @property
    def n(self) -> int:
        """The number of embeddings."""
        return self.quantizer.n

    @property
    def num_splits(self) -> int:
        """How many vectors the last axis of the input holds."""
        return self.quantizer.num_splits

    def build(self, input_shape: Any) -> None:
        """Create the weights for inputs of this shape, ``[batch, ..., q]``: an attribute each, by its name."""
        x_shape = tf.TensorShape(input_shape)
        checks.check_layer_shape(x_shape)
        d = validation.vector_size(x_shape, self.num_splits)
        declared = self.quantizer.variables(d, comparison_dtype(tf.as_dtype(self.compute_dtype)))
        for name, it in declared.items():
            trainable = name == "emb_space" and self.quantizer.trains_emb_space
            weight = self.add_weight(
                name=name,
                shape=static_shape(it),
                initializer=it.initial,
                dtype=it.dtype.name,
                trainable=trainable,
                autocast=False,  # a mixed policy must not round it
            )
            setattr(self, name, weight)
        self._names = tuple(declared)

    @property
    def state(self) -> State:
        """The state now, by the names of the weights."""
        return {name: tf.convert_to_tensor(getattr(self, name)) for name in self._names}

    def quantized(self, x: tf.Tensor, training: bool | None, mask: Any) -> Any:
        """Quantize x, add the losses, and learn in a pass of training; see `__call__`."""
        validation.check_floating(x)
        mask = None if mask is None else checks.checked_mask(mask, x)
        asks_more = training or self.return_endpoints or is_observed()
        if not asks_more and may_be_program(self.quantizer, x, mask):
            state = self.state
            program = self._programs.of_pass(self.quantizer, self._watched, x, state, mask)
            if program is not None:
                return self._run(program, x, state, mask)
        result = self.pass_over(x, training, mask)
        return endpoints_of(result) if self.return_endpoints else result.layer_out

    def _run(self, program: Program, x: tf.Tensor, state: State, mask: tf.Tensor | None) -> tf.Tensor:
        """Make a pass of inference by a program, and return the output."""
        outermost = self.outermost_layer()
        warn.unless_started(self)
        layer_out = program.layer_out(x, state, mask)
        told = cache(lambda: program.told(x, state, mask))
        self._account_for(lambda: told().losses, lambda: told().increments, False, outermost)
        return layer_out

    def pass_over(self, x: tf.Tensor, training: bool | None = None, mask: Any = None) -> Result:
        """Make a pass over x as it is, in whatever dtype: add the losses, count, and learn in a pass of training.

        It is what a call does, without its checks and the casts of Keras, for a layer that this one is part of.
        """
        learns = bool(training and self.trainable)
        outermost = self.outermost_layer()
        if training is None:
            warn.unless_told_of_training(self, outermost)
        replicas = replicas_here(outermost) if training else None
        earlier = self.kept if learns else None
        if not (learns and self.quantizer.start.from_inputs):
            warn.unless_started(self)
        result = quantize(
            x,
            self.state if earlier is None else earlier.state,
            self.quantizer,
            mask=mask,
            training=learns,
            all_pairs=self.return_endpoints,
            passes=int(earlier is None),
            replicas=replicas,
        )
        observe(self, x, result)
        statistics = gathered(result, self.quantizer.rules if learns else (), replicas) if training else []
        if learns:
            new, step = trained(result, self.quantizer, statistics, earlier)
            before = tf.convert_to_tensor(self.emb_space)
            self._assign(new, checked=result.emb_index)
            self.keep(step)
            if self.emb_space.trainable and "emb_space" in new:
                reset_within(outermost, self.emb_space, rewritten(before, new["emb_space"]))
        by = None if replicas is None else shares(result, statistics, replicas)
        learned = statistics if learns else None
        self._account_for(
            losses=lambda: result.losses(by).values(),
            increments=lambda: increments(self._watched, seen(result, self.quantizer, learned)),
            training=training,
            outermost=outermost,
        )
        return result

    def _assign(self, new: State, checked: Any = None) -> None:
        """Assign what of the state is new, once all of it is computed, and `checked`, any of which may fail."""
        with tf.control_dependencies([*new.values(), *([] if checked is None else [checked])]):
            for name, value in new.items():
                getattr(self, name).assign(tf.identity(value))

    def _account_for(
        self,
        losses: Callable[[], Iterable[tf.Tensor]],
        increments: Callable[[], list[tf.Tensor | None]],
        training: bool | None,
        outermost: keras.layers.Layer,
    ) -> None:
        """Add the losses and count the usage, of an inference pass only if its losses are read, as an evaluation does.

        Else an exported model would count every request, and an eager inference compute losses that nobody wants.
        """

        def add_losses() -> None:
            for loss in losses():
                self.add_loss(tf.cast(loss, keras.config.floatx()))  # in which Keras sums them with its own

        if training or not tf.executing_eagerly():  # in a graph, what is not read is pruned
            add_losses()
        else:
            self.when_losses_are_read(add_losses)
        self.count(increments, outermost, training)

    @as_it_stands
    def replace_embeds(self) -> tf.Tensor:
        """Let the replacement act, whenever it is called, and start to gather anew.

        A frozen layer gathers nothing, but what it had gathered before is written, too. What an optimizer keeps for
        these rows should start anew then (`vq_layer.reset_slots`); the callback `ReplaceEmbeddings` does both.

        Returns
        -------
        tf.Tensor, shape [n], or [num_splits, n] with a codebook per split, bool
            Which embeddings are new.
        """
        if self.quantizer.replacement is None:
            raise ValueError("`replacement` must be given to replace. Received: replacement=None")
        checks.check_built(self, "replace_embeds")
        outcome = replaced(self.state, self.quantizer)
        self._assign(outcome.state)
        return outcome.rows

    @as_it_stands
    def initialize_from_batch(self, x: Any) -> None:
        """Set the embedding space to the first n vectors of x, ``[batch, ..., q]``, row-major; of a frozen layer, too.

        With a codebook per split, each to the first n of its own.

        Raises
        ------
        tf.errors.InvalidArgumentError
            Where there are fewer than n, or one of them has a NaN or infinite coordinate. Nothing has changed then.
        """
        rows = rows_of(self._built_for(x), self.emb_space.dtype, self.quantizer)
        self._start_with([first_rows(vectors, self.n) for vectors in rows])

    def initialize_from(self, data: Any, *, iterations: int = 10, seed: int = 0) -> None:
        """Set the embedding space to what k-means finds among the vectors of data; of a frozen layer, too.

        With a codebook per split, each to what it finds among its own. Vectors with a NaN or infinite coordinate do not
        count. The seeds of k-means++ are drawn from a sample of the vectors, and each of Lloyd's steps goes through all
        of them.

        Parameters
        ----------
        data : tensor or array, shape [batch, ..., q], or an iterable of such, as a tf.data.Dataset
            Of tuples, the first is taken. What is read from is iterated over ``iterations + 1`` times.
        iterations : int
            How many of Lloyd's steps are made.
        seed : int

        Raises
        ------
        ValueError, TypeError
            Where a call would refuse a batch, data can be iterated over only once, or holds no finite vector. Nothing
            has changed then.
        """
        for name, value in (("iterations", iterations), ("seed", seed)):
            validation.check_integer(name, value, minimum=0)
        batches = checks.checked_batches(data)
        comparison = self.quantizer.comparison

        def rows(place: int) -> Iterator[tf.Tensor]:
            for x in batches():
                yield rows_of(self._built_for(x), self.emb_space.dtype, self.quantizer)[place]

        places = range(self.quantizer.num_codebooks)
        if not all(any(tf.reduce_any(finite_rows(batch)) for batch in rows(place)) for place in places):
            raise ValueError("`data` must hold vectors that are finite. Received: none")
        self._start_with([k_means_of(partial(rows, it), self.n, iterations, seed, comparison) for it in places])

    def _start_with(self, embeddings: list[tf.Tensor]) -> None:
        """Assign embeddings, ``[n, d]`` for each codebook, once all of them are known."""
        self._assign(started(self.state, embeddings, self.quantizer))

    @as_it_stands
    def encode(self, x: Any) -> tf.Tensor:
        """Return the indices of the embeddings that the vectors of x are replaced by, int64.

        ``[..., q] -> [..., num_splits]``; -1 for a vector with a NaN or infinite coordinate. Builds the layer if it is
        not built yet. Of a symbol of a functional model, symbols.

        Raises
        ------
        ValueError, TypeError
            Where a call would refuse x; lists and arrays of floats are taken as well.
        """
        if isinstance(x, keras.KerasTensor):
            return self(x, method="encode")
        x = self._built_for(x)
        warn.unless_started(self)
        return unflattened(encoded(x, self.state, self.quantizer), x, self.num_splits)

    @as_it_stands
    def decode(self, emb_index: Any) -> tf.Tensor:
        """Return the vectors at the given indices: ``[..., num_splits] -> [..., q]``; a row of NaN for -1.

        The indices may be of any integer dtype. Of a symbol of a functional model, symbols.

        Raises
        ------
        ValueError, TypeError
            If the last axis is not `num_splits`, the dtype no integer, or the layer not built.
        tf.errors.InvalidArgumentError
            For any other index outside [0, n). Compiled by XLA, which raises nothing, it gives a row of NaN.
        """
        checks.check_built(self, "decode")
        emb_index = as_tensor("emb_index", emb_index)
        checks.check_codes(emb_index, self.num_splits)
        if isinstance(emb_index, keras.KerasTensor):
            return self(emb_index, method="decode")
        warn.unless_started(self)
        chosen = tf.cast(decoded_by(emb_index, self.state, self.quantizer), self.compute_dtype)
        return unflattened(chosen, emb_index, self._q)

    @property
    def _q(self) -> int:
        """The size of the last axis of the input."""
        return int(self.num_splits * static_shape(self.emb_space)[-1])

    @classmethod
    def from_config(cls: type[L], config: dict[str, Any]) -> L:
        """Return the layer of a configuration, also of one from before there were parts."""
        return cls(**arguments.of_configuration(cls.default_comparison, config))
