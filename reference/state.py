"""The state of a quantizer: the embedding space, and what its parts keep, by name (VQ-17)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference import validation

State = dict[str, Any]


def initial_state(emb_space: NDArray[Any], quantizer: Any) -> State:
    """Return the state before any pass.

    Parameters
    ----------
    emb_space : array, shape [n, d], or [num_splits, n, d] with a codebook per split
    quantizer : Quantizer

    Returns
    -------
    dict of str to array
        With a codebook per split, each has a first axis of the splits (VQ-20).
    """
    emb_space = np.asarray(emb_space)
    if quantizer.codebooks == "per-split":
        states = [_of_one(each, quantizer) for each in emb_space]
        return {name: np.stack([state[name] for state in states]) for name in states[0]}
    return _of_one(emb_space, quantizer)


def _of_one(emb_space: NDArray[Any], quantizer: Any) -> State:
    state: State = {"emb_space": emb_space}
    for part in (quantizer.start, quantizer.update, quantizer.replacement):
        if part is not None:
            state |= part.initial_state(emb_space)
    return state


def checked_state(state: State, quantizer: Any, q: int) -> State:
    """Return the state of one codebook as arrays, of the names and shapes that the parts keep.

    Raises
    ------
    ValueError, TypeError
        Where one is missing, is too many, or has another shape.
    """
    state = {name: np.asarray(value) for name, value in state.items()}
    if "emb_space" not in state:
        raise ValueError(f"`state` must hold `emb_space`. Received: {list(state)}")
    validation.check_emb_space(state["emb_space"], q, quantizer.num_splits)
    needed, given = _shapes(_of_one(state["emb_space"], quantizer)), _shapes(state)
    if needed != given:
        raise ValueError(f"`state` must hold arrays of the names and shapes {needed}. Received: {given}")
    return state


def _shapes(state: State) -> dict[str, tuple[int, ...]]:
    return {name: np.shape(value) for name, value in state.items()}
