"""The heart: one pass of a quantizer that is put together from parts (VQ-17). Pure: arrays and state in and out."""

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference import lookup, per_split, splitting, validation
from reference.compatibility import check_compatible, check_kinds
from reference.dtypes import cast
from reference.parts import starts
from reference.parts.choices import Majority, Nearest
from reference.parts.comparisons import Comparison, Norm
from reference.parts.estimators import Estimator, StraightThrough
from reference.parts.losses import Loss
from reference.parts.replacement import Replacement
from reference.parts.starts import Start
from reference.parts.updates import Gradient, Update
from reference.passes import Pass, look_up
from reference.results import Gradients, Result, endpoints
from reference.state import State, checked_state
from reference.statistics import Statistics


@dataclass(frozen=True)
class Quantizer:
    """What a quantizer is put together from.

    Attributes
    ----------
    comparison : Norm, Cosine or PCA
    choice : Nearest or Majority
    losses : tuple of Loss
    update : Update
    estimator : Estimator
    start : Start or None
    replacement : Replacement or None
    num_splits : int
        How many vectors the last axis of x holds.
    codebooks : {"shared", "per-split"}
        Whether they share one embedding space, ``[n, d]``, or have one each, ``[num_splits, n, d]``.

    Raises
    ------
    ValueError, TypeError
        Where a part is of no known kind, or parts do not go together.
    """

    comparison: Comparison = Norm(2)  # noqa: RUF009 - frozen, as all parts
    choice: Nearest | Majority = Nearest()  # noqa: RUF009
    losses: tuple[Loss, ...] = ()
    update: Update = Gradient()  # noqa: RUF009
    estimator: Estimator = StraightThrough()  # noqa: RUF009
    start: Start | None = None
    replacement: Replacement | None = None
    num_splits: int = 1
    codebooks: str = "shared"

    def __post_init__(self) -> None:
        validation.check_num_splits(self.num_splits)
        validation.check_member("codebooks", self.codebooks, ("shared", "per-split"))
        check_kinds(self)
        check_compatible(self)

    @property
    def rules(self) -> list[Any]:
        """What a training pass does beside the gradients, in order."""
        return [rule for rule in (self.update, self.replacement) if rule is not None]

    @property
    def weighed(self) -> list[Loss]:
        """The losses whose weight is not 0."""
        return [loss for loss in self.losses if loss.weight != 0]


def quantize(
    x: NDArray[Any], state: State, quantizer: Quantizer, mask: NDArray[Any] | None = None, training: bool = False
) -> Result:
    """Replace every vector of x by an embedding.

    A training pass: start, look up, output, losses, statistics, update, replace. Output and losses are of the
    embedding space before the update.

    Parameters
    ----------
    x : array, shape [batch, r, q], floating dtype
    state : dict of str to array
        ``emb_space``, ``[n, d]``, and what the parts keep; see `reference.state.initial_state`.
    quantizer : Quantizer
    mask : array, bool, or None
        Which vectors count, of the shape of x without its last axis, or of the first of these axes (VQ-21).
    training : bool
        Whether the state changes.

    Returns
    -------
    Result

    Raises
    ------
    ValueError, TypeError
        Where an argument breaks its rule (VQ-16).

    Examples
    --------
    >>> state = {"emb_space": np.array([[0.0], [1.0]])}
    >>> result = quantize(np.array([[[0.2, 0.9]]]), state, Quantizer(num_splits=2))
    >>> result.layer_out, result.emb_index
    (array([[[0., 1.]]]), array([[0, 1]]))
    """
    x = checked_input(x, quantizer)
    counted = splitting.split_mask(mask, x, quantizer.num_splits)
    if quantizer.codebooks == "per-split":
        return per_split.joined([quantize(*it, mask, training) for it in per_split.divided(x, state, quantizer)])
    state = checked_state(state, quantizer, x.shape[-1])
    if training:
        state = begun(x, state, quantizer, mask)
    emb_space = state["emb_space"]
    it = look_up(x, counted, emb_space, quantizer)._replace(state=state)
    losses = {loss.name: loss.value(it) for loss in quantizer.weighed}
    if training:
        state = trained(state, gather(it, quantizer), quantizer)
    return Result(layer_out=put_out(x, it), losses=losses, state=state, **endpoints(it))


def put_out(x: NDArray[Any], it: Pass) -> NDArray[Any]:
    """Return the output of a pass over x: the chosen embeddings, and what stays as it is."""
    chosen = lookup.select(cast(it.state["emb_space"], x.dtype), it.emb_index)
    return splitting.merge(np.where(it.as_they_are[..., np.newaxis], x.reshape(chosen.shape), chosen), x)


def begun(x: NDArray[Any], state: State, quantizer: Quantizer, mask: NDArray[Any] | None = None) -> State:
    """Return the state with which a training pass over x begins: that of a start, if there is one."""
    if quantizer.start is None:
        return state
    if quantizer.codebooks == "per-split":
        return per_split.stacked([begun(*it, mask) for it in per_split.divided(x, state, quantizer)])
    counted = splitting.split_mask(mask, x, quantizer.num_splits)
    vectors = splitting.split(x, quantizer.num_splits)[counted]
    return quantizer.start.begin(state, vectors, quantizer.comparison)


def gather(it: Pass, quantizer: Quantizer) -> Statistics:
    """Return the statistics of all rules over a pass; those of one name are the same for all (VQ-22)."""
    return {name: statistic for rule in quantizer.rules for name, statistic in rule.gather(it).items()}


def trained(state: State, statistics: Statistics, quantizer: Quantizer) -> State:
    """Return the state after a training pass of these statistics: the update, then the replacement."""
    state = quantizer.update.after(state, statistics, quantizer.comparison)
    if quantizer.replacement is None:
        return state
    return restarted(state, quantizer.replacement.after(state, statistics, quantizer.comparison), quantizer)


def replaced(state: State, quantizer: Quantizer) -> State:
    """Return the state after a replacement at any time, of one codebook."""
    if quantizer.replacement is None:
        raise ValueError(f"`replacement` must be given to replace. Received: {quantizer}")
    return restarted(state, quantizer.replacement.replaced(state), quantizer)


def started(x: NDArray[Any], state: State, quantizer: Quantizer) -> State:
    """Return the state with the first n vectors of x for the embeddings (VQ-12), or of each split for its own."""
    if quantizer.codebooks == "per-split":
        return per_split.stacked([started(*it) for it in per_split.divided(x, state, quantizer)])
    rows = starts.first_rows(splitting.split(x, quantizer.num_splits), len(state["emb_space"]))
    everywhere = np.ones(len(rows), np.bool_)
    after = {**state, "emb_space": rows.astype(state["emb_space"].dtype)}
    return reduce(lambda it, rule: rule.restarted(it, everywhere, quantizer.comparison), quantizer.rules, after)


def restarted(before: State, after: State, quantizer: Quantizer) -> State:
    """Return the state in which the rules begin anew for the rows of the embedding space that were written."""
    pairs = zip(before["emb_space"], after["emb_space"], strict=True)
    rows = np.array([not np.array_equal(then, now, equal_nan=True) for then, now in pairs])
    return reduce(lambda state, rule: rule.restarted(state, rows, quantizer.comparison), quantizer.rules, after)


def gradients(
    x: NDArray[Any], state: State, quantizer: Quantizer, upstream: NDArray[Any], mask: NDArray[Any] | None = None
) -> Gradients:
    """Differentiate ``sum(layer_out * upstream)`` and each loss by x and by the embedding space.

    Parameters as in `quantize`; `upstream` is of the shape of x, and the embedding space is that of `state`.

    Examples
    --------
    >>> state = {"emb_space": np.array([[0.0], [1.0]])}
    >>> gradients(np.array([[[0.25]]]), state, Quantizer(), np.array([[[3.0]]])).output_to_x
    array([[[3.]]])
    """
    x = checked_input(x, quantizer)
    counted = splitting.split_mask(mask, x, quantizer.num_splits)
    if quantizer.codebooks == "per-split":
        parts = zip(
            per_split.divided(x, state, quantizer), np.split(upstream, quantizer.num_splits, axis=-1), strict=True
        )
        return per_split.joined_gradients([gradients(*it, part, mask) for it, part in parts])
    emb_space = checked_state(state, quantizer, x.shape[-1])["emb_space"]
    it = look_up(x, counted, emb_space, quantizer)
    arriving = upstream.reshape(it.vectors.shape)
    passed = quantizer.estimator.gradient_to_vectors(it.vectors, it.chosen, arriving)
    return Gradients(
        output_to_x=splitting.merge(np.where(it.as_they_are[..., np.newaxis], arriving, passed), x),
        output_to_emb_space=np.zeros_like(it.codebook),
        losses_to_x={loss.name: splitting.merge(loss.gradient_to_vectors(it), x) for loss in quantizer.weighed},
        losses_to_emb_space={loss.name: loss.gradient_to_emb_space(it) for loss in quantizer.weighed},
    )


def checked_input(x: NDArray[Any], quantizer: Quantizer) -> NDArray[Any]:
    """Return x as an array, after requiring what a pass does of it (VQ-16)."""
    x = np.asarray(x)
    validation.check_x(x)
    validation.check_divides(quantizer.num_splits, x.shape[-1])
    return x
