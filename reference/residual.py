"""Residual quantization: each stage quantizes what the stages before it left (VQ-28)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference import decoding, per_split, quantizer, splitting, validation
from reference.dtypes import cast, comparison_dtype
from reference.parts.choices import Majority
from reference.parts.estimators import Estimator, StraightThrough
from reference.passes import look_up
from reference.quantizer import Quantizer
from reference.results import Gradients, Result
from reference.state import State
from reference.statistics import merged

Array = NDArray[Any]


@dataclass(frozen=True)
class ResidualQuantizer:
    """Quantizers, one after another.

    Attributes
    ----------
    quantizers : tuple of Quantizer
        Each of which has a state of its own.
    order : tuple of int
        Which of them each stage is: ``(0, 1, 2)``, or ``(0, 0, 0)`` where three stages share a codebook.
    estimator : Estimator
        How the gradient of the output passes to x.

    Raises
    ------
    ValueError
        Where there is no stage, or the quantizers do not go together.
    """

    quantizers: tuple[Quantizer, ...]
    order: tuple[int, ...]
    estimator: Estimator = StraightThrough()  # noqa: RUF009 - frozen

    def __post_init__(self) -> None:
        if not self.order:
            raise ValueError(f"`order` must name at least one stage. Received: order={self.order}")
        if len({it.num_splits for it in self.quantizers}) > 1:
            received = [it.num_splits for it in self.quantizers]
            raise ValueError(f"`quantizers` must be of the same num_splits. Received: {received}")
        if any(isinstance(it.choice, Majority) for it in self.quantizers):
            raise ValueError(f"`quantizers` must not vote with Majority. Received: {self.quantizers}")

    @property
    def stages(self) -> list[Quantizer]:
        """The quantizer of each stage."""
        return [self.quantizers[which] for which in self.order]


class ResidualResult(NamedTuple):
    """What `quantize_residual` computes.

    Attributes
    ----------
    layer_out : array, shape [batch, r, q], dtype of x
    emb_index : array, shape [batch, m, stages], int64
    stages : list of Result
        That of each stage over its input: its losses and endpoints, and as `state` the one with which the pass began.
    states : list of dict
        The state of each quantizer after the pass.
    """

    layer_out: Array
    emb_index: NDArray[np.int64]
    stages: list[Result]
    states: list[State]


class ResidualGradients(NamedTuple):
    """What `gradients` computes.

    Attributes
    ----------
    output_to_x : array, shape of x
    stages : list of Gradients
        Those of the losses of each stage, to x and to its own embedding space.
    """

    output_to_x: Array
    stages: list[Gradients]


class _Walk(NamedTuple):
    """The way through the stages: what each was given, its mask, its result, and the sum of the rows, [batch, m, d]."""

    inputs: list[Array]
    masks: list[NDArray[np.bool_]]
    results: list[Result]
    total: Array
    states: list[State]


def quantize_residual(
    x: Array,
    states: Sequence[State],
    residual: ResidualQuantizer,
    mask: Array | None = None,
    training: bool = False,
    num_stages: Array | None = None,
) -> ResidualResult:
    """Replace every vector of x by a sum of embeddings, one of each stage.

    Parameters
    ----------
    x : array, shape [batch, r, q], floating dtype
    states : list of dict
        The state of each of ``residual.quantizers``.
    residual : ResidualQuantizer
    mask : array, bool, or None
        As in `reference.quantize`.
    training : bool
        Whether the states change.
    num_stages : array, shape [batch], integers, or None
        Through how many stages each element of the batch goes (see `drawn_num_stages`); None for all.

    Examples
    --------
    Of 0.9, the first stage takes 1, and the second -0.125 of the -0.1 that are left:

    >>> states = [{"emb_space": np.array([[0.0], [1.0]])}, {"emb_space": np.array([[-0.125], [0.125]])}]
    >>> result = quantize_residual(np.array([[[0.9]]]), states, ResidualQuantizer((Quantizer(), Quantizer()), (0, 1)))
    >>> result.layer_out, result.emb_index
    (array([[[0.875]]]), array([[[1, 0]]]))
    """
    x = np.asarray(x)
    walk = _walk(x, states, residual, mask, training, num_stages)
    states = walk.states
    if training:
        for which, one in enumerate(residual.quantizers):
            own = [i for i, stage in enumerate(residual.order) if stage == which]
            states[which] = _learned([walk.inputs[i] for i in own], [walk.masks[i] for i in own], states[which], one)
    counted = splitting.split_mask(mask, x, 1)[..., np.newaxis]
    return ResidualResult(
        layer_out=np.where(counted, cast(splitting.merge(walk.total, x), x.dtype), x),
        emb_index=np.stack([it.emb_index for it in walk.results], axis=-1),
        stages=walk.results,
        states=states,
    )


def _walk(
    x: Array,
    states: Sequence[State],
    residual: ResidualQuantizer,
    mask: Array | None,
    training: bool,
    num_stages: Array | None,
) -> _Walk:
    validation.check_x(x)
    everywhere, wide, states = splitting.split_mask(mask, x, 1), x.astype(comparison_dtype(x.dtype)), list(states)
    inputs: list[Array] = []
    masks: list[NDArray[np.bool_]] = []
    results: list[Result] = []
    total = np.zeros(())
    for i, (which, one) in enumerate(zip(residual.order, residual.stages, strict=True)):
        inputs.append(wide if i == 0 else left(wide, splitting.merge(total, x)))
        masks.append(everywhere if num_stages is None else everywhere & (i < num_stages)[:, np.newaxis])
        if training and which not in residual.order[:i]:
            states[which] = quantizer.begun(inputs[i], states[which], one, masks[i])
        results.append(quantizer.quantize(inputs[i], states[which], one, masks[i]))
        emb_index = results[i].emb_index
        chosen = results[i].layer_out.reshape(*emb_index.shape, x.shape[-1] // one.num_splits)
        total = chosen if i == 0 else added(total, chosen, emb_index)
    return _Walk(inputs, masks, results, total, states)


def left(x: Array, total: Array) -> Array:
    """Return what the stages so far have left of x."""
    with np.errstate(invalid="ignore"):  # inf - inf, of a masked vector, which came out as it is
        return np.asarray(x - total)


def added(total: Array, rows: Array, emb_index: NDArray[np.int64]) -> Array:
    """Add the rows of a stage to the sum of those before, ``[..., d]``, where its index, ``[...]``, is not -1.

    >>> added(np.array([[1.0], [1.0]]), np.array([[0.5], [np.nan]]), np.array([3, -1])).tolist()
    [[1.5], [1.0]]
    """
    return np.where(emb_index[..., np.newaxis] == -1, total, total + rows)


def _learned(inputs: list[Array], masks: list[Array], state: State, one: Quantizer) -> State:
    """Return the state of a quantizer after a training pass in which it was all of these stages."""
    if one.codebooks == "per-split":
        of_splits = zip(*(per_split.divided(x, state, one) for x in inputs), strict=True)
        return per_split.stacked([_learned([x for x, _, _ in parts], masks, *parts[0][1:]) for parts in of_splits])
    statistics = []
    for i, (x, mask) in enumerate(zip(inputs, masks, strict=True)):
        counted = splitting.split_mask(mask, x, one.num_splits)
        it = look_up(x, counted, state["emb_space"], one, first=i * counted.size)
        statistics.append(quantizer.gather(it._replace(state=state), one))
    return quantizer.trained(state, reduce(merged, statistics), one)


def drawn_num_stages(rng: np.random.Generator, batch: int, num_stages: int) -> NDArray[np.int64]:
    """Return through how many stages each element of a batch goes in training: from 1 to all (Zeghidour et al., 2021).

    >>> set(drawn_num_stages(np.random.default_rng(0), 100, 3).tolist())
    {1, 2, 3}
    """
    return rng.integers(1, num_stages + 1, batch)


def encoded(x: Array, states: Sequence[State], residual: ResidualQuantizer, num_stages: int) -> NDArray[np.int64]:
    """Return the indices of the first stages, ``[batch, r, q] -> [batch, r, num_splits, num_stages]``."""
    if not 1 <= num_stages <= len(residual.order):
        raise ValueError(f"`num_stages` must be from 1 to {len(residual.order)}. Received: num_stages={num_stages}")
    emb_index = quantize_residual(x, states, residual).emb_index[..., :num_stages]
    return emb_index.reshape(*x.shape[:-1], residual.stages[0].num_splits, num_stages)


def decoded(emb_index: Array, states: Sequence[State], residual: ResidualQuantizer) -> Array:
    """Return what the indices of the first k stages stand for, ``[..., num_splits, k] -> [..., q]``.

    Index -1 gives a row of NaN in the first stage, and nothing in another.

    Raises
    ------
    ValueError
        Where k is not from 1 to the number of the stages, or an index stands for no embedding.

    >>> states = [{"emb_space": np.array([[0.0], [1.0]])}]
    >>> decoded(np.array([[1, 0], [1, 1], [1, -1]]), states, ResidualQuantizer((Quantizer(num_splits=3),), (0, 0)))
    array([1., 2., 1.])
    """
    *axes, num_splits, number = emb_index.shape
    if not 1 <= number <= len(residual.order) or num_splits != residual.stages[0].num_splits:
        raise ValueError(
            f"the last axes of `emb_index` must be num_splits={residual.stages[0].num_splits} and from 1 to "
            f"{len(residual.order)} stages. Received: {emb_index.shape}"
        )
    codes = np.moveaxis(emb_index, -1, 0)
    steps = zip(codes, residual.order[:number], residual.stages[:number], strict=True)
    rows = [_rows(code, states[which], one) for code, which, one in steps]
    total = rows[0]
    for code, row in zip(codes[1:], rows[1:], strict=True):
        total = added(total, row, code)
    return total.reshape(*axes, num_splits * total.shape[-1])


def _rows(emb_index: Array, state: State, one: Quantizer) -> Array:
    """Return the embeddings at the indices of a stage, ``[..., num_splits] -> [..., num_splits, d]``."""
    emb_space = np.asarray(state["emb_space"])
    if one.codebooks == "shared":
        return decoding.decoded(emb_space, emb_index)
    pairs = zip(emb_space, np.moveaxis(emb_index, -1, 0), strict=True)
    return np.stack([decoding.decoded(*pair) for pair in pairs], axis=-2)


def bits_per_vector(states: Sequence[State], residual: ResidualQuantizer) -> float:
    """Return how many bits the indices of a vector take: the sum of ``log2(n)`` over the stages.

    >>> bits_per_vector([{"emb_space": np.zeros((8, 1))}], ResidualQuantizer((Quantizer(),), (0, 0)))
    6.0
    """
    return float(sum(np.log2(np.shape(states[which]["emb_space"])[-2]) for which in residual.order))


def gradients(
    x: Array, states: Sequence[State], residual: ResidualQuantizer, upstream: Array, mask: Array | None = None
) -> ResidualGradients:
    """Differentiate ``sum(layer_out * upstream)`` and each loss of each stage by x and by the embedding space.

    Parameters as in `quantize_residual`; `upstream` is of the shape of x. The rows of the stages before are constants,
    so that what is left for a stage has the identity gradient to x.
    """
    x = np.asarray(x)
    walk = _walk(x, states, residual, mask, training=False, num_stages=None)
    of_stages = [
        quantizer.gradients(left, states[which], one, np.zeros_like(left), here)
        for left, here, which, one in zip(walk.inputs, walk.masks, residual.order, residual.stages, strict=True)
    ]
    shape, estimator = walk.total.shape, residual.estimator
    counted = splitting.split_mask(mask, x, 1)[..., np.newaxis]
    vectors, total = np.where(counted, x.astype(np.float64), np.nan).reshape(shape), walk.total.astype(np.float64)
    passed = estimator.gradient_to_vectors(vectors, total, upstream.reshape(shape))
    return ResidualGradients(np.where(counted, splitting.merge(passed, x), upstream), of_stages)
