"""A codebook per split: as many quantizers side by side (VQ-20)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.results import Gradients, Result

BY_VECTOR = ("emb_index", "distance", "similarity")
BY_EMBEDDING = ("access_count", "emb_spacing", "emb_closest_spacing")


def divided(x: NDArray[Any], state: dict[str, Any], quantizer: Any) -> Iterator[tuple[NDArray[Any], Any, Any]]:
    """Give each split's part of x and of the state, and the quantizer of one split.

    Examples
    --------
    >>> from reference import Quantizer
    >>> x, state = np.array([[[1.0, 2.0]]]), {"emb_space": np.array([[[0.0], [1.0]], [[2.0], [3.0]]])}
    >>> for part, of_split, _ in divided(x, state, Quantizer(num_splits=2, codebooks="per-split")):
    ...     print(part.ravel(), of_split["emb_space"].ravel())
    [1.] [0. 1.]
    [2.] [2. 3.]
    """
    one, num_splits = replace(quantizer, num_splits=1, codebooks="shared"), quantizer.num_splits
    shapes = {name: np.shape(value) for name, value in state.items()}
    if any(shape[:1] != (num_splits,) for shape in shapes.values()):
        raise ValueError(f"`state` must have a first axis of num_splits={num_splits} everywhere. Received: {shapes}")
    for i, part in enumerate(np.split(x, num_splits, axis=-1)):
        yield part, {name: value[i] for name, value in state.items()}, one


def joined(results: list[Result]) -> Result:
    """Return the result of all splits: by vector in the order of VQ-1, by embedding and state stacked, losses added."""
    first = results[0]
    collected = {name: [getattr(it, name) for it in results] for name in Result._fields}
    similarities = collected["similarity_values"]
    by_vector = {name: _interleaved(collected[name]) for name in BY_VECTOR if collected[name][0] is not None}
    by_embedding = {name: np.stack(collected[name]) for name in BY_EMBEDDING if collected[name][0] is not None}
    fields: dict[str, Any] = by_vector | by_embedding
    return first._replace(
        layer_out=np.concatenate(collected["layer_out"], axis=-1),
        losses={name: np.float64(sum(it.losses[name] for it in results)) for name in first.losses},
        state=stacked([it.state for it in results]),
        similarity_values=None if first.similarity_values is None else np.stack(similarities, axis=-1).reshape(-1),
        **fields,
    )


def stacked(states: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the states of all splits as one, with a first axis of the splits."""
    return {name: np.stack([state[name] for state in states]) for name in states[0]}


def joined_gradients(parts: list[Gradients]) -> Gradients:
    """Return the gradients of all splits: those to x side by side, those to the embedding spaces stacked."""
    names = parts[0].losses_to_x
    return Gradients(
        output_to_x=np.concatenate([it.output_to_x for it in parts], axis=-1),
        output_to_emb_space=np.stack([it.output_to_emb_space for it in parts]),
        losses_to_x={name: np.concatenate([it.losses_to_x[name] for it in parts], axis=-1) for name in names},
        losses_to_emb_space={name: np.stack([it.losses_to_emb_space[name] for it in parts]) for name in names},
    )


def _interleaved(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Let the vectors of the splits take turns: num_splits times ``[batch, r, ...]`` to ``[batch, m, ...]``."""
    batch, r, *others = parts[0].shape
    return np.stack(parts, axis=2).reshape(batch, r * len(parts), *others)
