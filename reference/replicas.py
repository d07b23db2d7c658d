"""A training pass that replicas make together, each over its part of the batch (VQ-30)."""

from collections.abc import Sequence
from functools import reduce
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference import per_split, splitting
from reference.parts.losses import Loss
from reference.passes import Pass, look_up
from reference.quantizer import Quantizer, begun, checked_input, gather, put_out, trained
from reference.results import Result, endpoints
from reference.state import State, checked_state
from reference.statistics import merged


def train_replicas(
    parts: Sequence[NDArray[Any]],
    state: State,
    quantizer: Quantizer,
    masks: Sequence[NDArray[Any] | None] | None = None,
) -> list[Result]:
    """Make one training pass over the parts of a batch.

    Each replica looks up its own part, and their statistics merge; what these make of the state is that of all.

    Parameters
    ----------
    parts : sequence of array, shape [batch, r, q]
        That of each replica; a batch may be 0, all else is the same.
    state, quantizer
        As in `reference.quantize`.
    masks : sequence of array or None, optional
        The mask of each part.

    Returns
    -------
    list of Result
        That of each replica. The mean of a loss over them is the loss of the whole batch.

    Raises
    ------
    ValueError
        If the parts are not those of one batch.

    Examples
    --------
    >>> from reference import MovingAverage
    >>> state = {"emb_space": np.array([[0.0], [1.0]]), "average_count": np.zeros(2)}
    >>> quantizer = Quantizer(update=MovingAverage(0.0, 0.0))
    >>> first, second = train_replicas([np.array([[[0.25]]]), np.array([[[0.75]], [[0.875]]])], state, quantizer)
    >>> first.state["emb_space"].ravel(), second.layer_out.ravel()
    (array([0.25  , 0.8125]), array([1., 1.]))
    """
    parts = [checked_input(x, quantizer) for x in parts]
    if len({x.shape[1:] for x in parts}) != 1:
        raise ValueError(f"`parts` must agree in [r, q]. Received: shapes {[x.shape for x in parts]}")
    masks = [None] * len(parts) if masks is None else masks
    if quantizer.codebooks == "per-split":
        divided = zip(*(per_split.divided(x, state, quantizer) for x in parts), strict=True)
        of_splits = [_of_split(of_split, masks) for of_split in divided]
        return [per_split.joined(list(of_replica)) for of_replica in zip(*of_splits, strict=True)]
    counted = [splitting.split_mask(mask, x, quantizer.num_splits) for mask, x in zip(masks, parts, strict=True)]
    state = _begun(parts, checked_state(state, quantizer, parts[0].shape[-1]), quantizer, counted)
    firsts = accumulate((flags.size for flags in counted), initial=0)
    passes = [
        look_up(x, flags, state["emb_space"], quantizer, first)._replace(state=state)
        for x, flags, first in zip(parts, counted, firsts, strict=False)
    ]
    after = trained(state, reduce(merged, [gather(it, quantizer) for it in passes]), quantizer)
    found = [int((it.emb_index >= 0).sum()) for it in passes]
    return [
        Result(
            layer_out=put_out(x, it),
            losses={loss.name: _scaled(loss, it, number, found) for loss in quantizer.weighed},
            state=after,
            **endpoints(it),
        )
        for x, it, number in zip(parts, passes, found, strict=True)
    ]


def _of_split(of_split: Sequence[tuple[NDArray[Any], State, Quantizer]], masks: Sequence[Any]) -> list[Result]:
    """Return the results of one split, whose parts, state and quantizer are given for each replica."""
    _, state, quantizer = of_split[0]
    return train_replicas([part for part, _, _ in of_split], state, quantizer, masks)


def _begun(parts: Sequence[NDArray[Any]], state: State, quantizer: Quantizer, counted: Sequence[Any]) -> State:
    """Return the state with which the pass begins, a start being from the whole batch."""
    whole = np.concatenate(parts)
    flags = np.concatenate(counted).reshape(*whole.shape[:-1], quantizer.num_splits)
    return begun(whole, state, quantizer, flags[..., 0])


def _scaled(loss: Loss, it: Pass, number: int, found: list[int]) -> np.float64:
    """Return a loss of a replica that found an embedding for so many vectors, scaled for the mean over replicas."""
    return np.float64(loss.value(it) * (len(found) * number / sum(found) if sum(found) else 1))
