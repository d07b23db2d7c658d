"""What the faults are made of: what follows from wrong indices or distances."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vq_verify.protocol import Case, Quantized

Array = NDArray[Any]
Fields = dict[str, Any]


def chosen(case: Case, emb_index: Array) -> Fields:
    """Return what follows from the indices alone."""
    rows = case.emb_space.astype(case.x.dtype)[emb_index]
    count = np.bincount(emb_index.reshape(-1), minlength=len(case.emb_space))
    return {"emb_index": emb_index, "layer_out": rows.reshape(case.x.shape), "access_count": count}


def looked_up(case: Case, distance: Array) -> Fields:
    """Return what follows from distances, the losses left as they are."""
    return {"distance": distance, **chosen(case, distance.argmin(axis=-1))}


def distances(case: Case, vectors: Array, emb_space: Array) -> Array:
    """Return distances by direct differences in the dtype of the operands, ``[batch, m, n]``."""
    difference = np.abs(vectors[:, np.newaxis] - emb_space)
    if np.isinf(case.lookup_ord):
        distance = difference.max(axis=-1)
    elif case.lookup_ord == 2:
        distance = np.sqrt((difference**2).sum(axis=-1))
    else:
        distance = (difference**case.lookup_ord).sum(axis=-1) ** (1 / case.lookup_ord)
    m = case.x.shape[1] * case.num_splits
    return distance.reshape(len(case.x), m, len(emb_space))


def compared(case: Case, dtype: Any) -> tuple[Array, Array]:
    """Return the vectors and the embedding space rounded to a dtype."""
    return case.vectors.astype(dtype), case.emb_space.astype(dtype)


def weighted_loss(case: Case, right: Quantized, name: str, value: Any) -> Fields:
    """Return the losses with the named one, if it is present, replaced by its weight times a value."""
    wrong = {name: case.weights[name] * np.float64(value)} if name in right.losses else {}
    return {"losses": right.losses | wrong}


def are_finite(vectors: Array) -> Array:
    """Tell which vectors are finite, with an axis to broadcast."""
    return np.isfinite(vectors).all(axis=-1, keepdims=True)
