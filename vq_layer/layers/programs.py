"""Small passes of inference that are made eagerly again and again, each as a program instead of op by op.

Eagerly each operation takes TensorFlow a tenth of a millisecond, whatever it computes: more than all of a small pass.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.python.eager import forwardprop_util

from vq_layer.core.quantizer import Quantizer, quantize
from vq_layer.core.results import Result
from vq_layer.kernels import tuning
from vq_layer.kernels.compilation import Function, is_forced, traced
from vq_layer.kernels.surroundings import is_checked
from vq_layer.layers.metrics import increments, seen
from vq_layer.parts.part import Part, State
from vq_layer.shapes import static_shape

CALLS = 8  # of one signature before its program is built, which takes as long as some tens of them
KEPT = 8  # signatures that a layer remembers

Metrics = Sequence[Any]


class Told(NamedTuple):
    """What is told of a pass beside its output.

    Attributes
    ----------
    losses : list of tf.Tensor
        Those that are not absent, in order, scalars of the comparison dtype.
    increments : list of tf.Tensor or None
        What each metric adds.
    """

    losses: list[tf.Tensor]
    increments: list[tf.Tensor | None]


class Program:
    """The passes of one signature, in functions that are built once each, and run only for what is asked for.

    A tape takes all that a function returns to depend on all that any of it does. So the output and the losses are in
    functions of their own, by what they depend on: the output and `Commitment` on x, the other losses on the state.

    Parameters
    ----------
    quantizer : Quantizer
    metrics : list of metrics
        Those of the layer.
    x : tf.Tensor, shape [batch, ..., q]
    state : dict of str to tf.Tensor
    mask : tf.Tensor or None
        Those of a pass, of which the signature is taken.
    """

    def __init__(
        self, quantizer: Quantizer, metrics: Metrics, x: tf.Tensor, state: State, mask: tf.Tensor | None
    ) -> None:
        names, metrics, self.quantizer = tuple(state), tuple(metrics), quantizer
        signature = [tf.TensorSpec(static_shape(it), it.dtype) for it in _arguments(x, state, mask)]

        def of_pass(gives: Callable[[Result], Any], *, of_state: bool) -> Function:
            def function(x: tf.Tensor, *more: tf.Tensor) -> Any:
                own = dict(zip(names, more, strict=False))  # a mask comes after
                x, own = (tf.stop_gradient(x), own) if of_state else (x, _constant(own))
                return gives(quantize(x, own, quantizer, mask=None if mask is None else more[-1]))

            return traced(function, *signature)

        reaches = self._reaches = {it.name: it.trains_emb_space for it in quantizer.losses if not it.is_absent}

        def losses(result: Result, reaches_state: bool) -> dict[str, tf.Tensor]:
            return {name: it for name, it in result.losses().items() if reaches[name] == reaches_state}

        def of_state(result: Result) -> tuple[Any, Any]:
            return losses(result, reaches_state=True), increments(metrics, seen(result, quantizer))

        self._layer_out = of_pass(lambda result: result.layer_out, of_state=False)
        self._losses_of_x = of_pass(lambda result: losses(result, reaches_state=False), of_state=False)
        self._told = of_pass(of_state, of_state=True)

    def layer_out(self, x: tf.Tensor, state: State, mask: tf.Tensor | None) -> tf.Tensor:
        """Return the output of a pass."""
        return self._layer_out(*_arguments(x, state, mask))

    def told(self, x: tf.Tensor, state: State, mask: tf.Tensor | None) -> Told:
        """Return what is told of a pass, which is made anew for it."""
        arguments = _arguments(x, state, mask)
        losses, increments = self._told(*arguments)
        if not all(self._reaches.values()):
            losses = losses | self._losses_of_x(*arguments)
        return Told([losses[name] for name in self._reaches], increments)


def _constant(state: State) -> State:
    return {name: tf.stop_gradient(it) for name, it in state.items()}


def _arguments(x: tf.Tensor, state: State, mask: tf.Tensor | None) -> list[tf.Tensor]:
    return [x, *state.values(), *([] if mask is None else [mask])]


class Programs:
    """The programs of a layer, of the signatures that were asked for last.

    Keras saves and copies a layer by its configuration and its weights, so that a copy begins with none.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[int, Program | None]] = OrderedDict()

    def of_pass(
        self, quantizer: Quantizer, metrics: Metrics, x: tf.Tensor, state: State, mask: tf.Tensor | None
    ) -> Program | None:
        """Return the program of a pass for which there may be one, once some like it were made; parameters as of it.

        Each layer has its own, although equal ones could share them, so that nothing outlives it.
        """
        arguments = _arguments(x, state, mask)
        if forwardprop_util.pack_tangents(arguments).tangents:  # through a function it is another than op by op
            return None
        signature = tuning.TUNING, mask is None, *((static_shape(it), it.dtype) for it in arguments)
        calls, program = self._kept.pop(signature, (0, None))
        if calls >= CALLS and (program is None or program.quantizer is not quantizer):
            program = Program(quantizer, metrics, x, state, mask)
        self._kept[signature] = calls + 1, program
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return program


def may_be_program(quantizer: Quantizer, x: tf.Tensor, mask: tf.Tensor | None) -> bool:
    """Tell whether a pass of inference may be a program: a small and pure one that is made eagerly."""
    return _runs_eagerly(x, mask) and _is_small(quantizer, x) and is_pure(quantizer)


def is_pure(quantizer: Quantizer) -> bool:
    """Tell whether inference is the same function of x and the state in every call, and asserts nothing.

    It may not be with parts of others, nor with one that holds what can change, as a variable or an array.
    """
    parts = [quantizer.comparison, quantizer.choice, *quantizer.losses, quantizer.estimator]
    return all(map(_is_constant, parts if quantizer.replacement is None else [*parts, quantizer.replacement]))


def _is_constant(part: Part) -> bool:
    own = type(part).__module__.startswith("vq_layer.parts.")
    return own and part.supports_jit and all(isinstance(it, int | float | str | None) for it in vars(part).values())


def _is_small(quantizer: Quantizer, x: tf.Tensor) -> bool:
    """Tell whether all of a pass is computed by the plain formula: the pairs with vectors, and among embeddings."""
    n, d = quantizer.n, static_shape(x)[-1] // quantizer.num_splits
    return not is_forced() and max(math.prod(static_shape(x)), n * d) * n <= tuning.TUNING.small


def _runs_eagerly(*arguments: tf.Tensor | None) -> bool:
    """Tell whether a program can take part here: eagerly, in no replica, and not where each operation is looked at."""
    return (
        tf.executing_eagerly()
        and all(it is None or isinstance(it, tf.__internal__.EagerTensor) for it in arguments)
        and not tf.config.functions_run_eagerly()
        and not is_checked()
        and not tf.distribute.has_strategy()
    )
