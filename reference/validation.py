"""Checks of static facts; each error names the argument, its rule and the value received (VQ-16)."""

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOOKUP_ORDS = (1, 2, math.inf)
FLOATING = ("float64", "float32", "float16", "bfloat16")


def check_x(x: NDArray[Any]) -> None:
    """Require a rank-3 array of a floating dtype."""
    if x.ndim != 3:
        raise ValueError(f"`x` must have the shape [batch, r, q]. Received: shape {x.shape}, dtype {x.dtype}")
    _check_floating("x", x)


def check_num_splits(num_splits: Any, q: int) -> None:
    """Require a positive integer that divides q."""
    _check_integer("num_splits", num_splits)
    if num_splits <= 0:
        raise ValueError(f"`num_splits` must be greater than 0. Received: num_splits={num_splits}")
    if q == 0 or q % num_splits:
        raise ValueError(f"`num_splits` must divide the last axis of `x`. Received: num_splits={num_splits}, q={q}")


def check_lookup_ord(lookup_ord: Any) -> None:
    """Require 1, 2 or infinity."""
    _check_number("lookup_ord", lookup_ord)
    if lookup_ord not in LOOKUP_ORDS:
        raise ValueError(f"`lookup_ord` must be one of 1, 2 and inf. Received: lookup_ord={lookup_ord!r}")


def check_weight(name: str, weight: Any) -> None:
    """Require a finite number."""
    _check_number(name, weight)
    if not math.isfinite(weight):
        raise ValueError(f"`{name}` must be finite. Received: {name}={weight!r}")


def check_emb_space(emb_space: NDArray[Any], q: int, num_splits: int) -> None:
    """Require the shape [n, q / num_splits] with n > 0, and a floating dtype."""
    shape = emb_space.shape
    if len(shape) != 2 or shape[0] == 0 or shape[1] * num_splits != q:
        raise ValueError(
            f"`emb_space` must have the shape [n, {q // num_splits}], n > 0, to fit the last axis of `x`, {q}, in "
            f"{num_splits} splits. Received: {shape}"
        )
    _check_floating("emb_space", emb_space)


def check_dim_reduction(dim_reduction: Any, num_dim_reduction_components: Any) -> None:
    """Require a known mode, and a positive number of components with it."""
    if dim_reduction is None:
        return
    if not isinstance(dim_reduction, str):
        raise TypeError(f"`dim_reduction` must be None or a string. Received: dim_reduction={dim_reduction!r}")
    if dim_reduction not in ("pca-batch", "pca-emb-space"):
        raise ValueError(
            f"`dim_reduction` must be None, 'pca-batch' or 'pca-emb-space'. Received: dim_reduction={dim_reduction!r}"
        )
    _check_integer("num_dim_reduction_components", num_dim_reduction_components)
    if num_dim_reduction_components <= 0:
        raise ValueError(
            f"`num_dim_reduction_components` must be greater than 0. "
            f"Received: num_dim_reduction_components={num_dim_reduction_components}"
        )


def check_vote(
    emb_labels: NDArray[Any], n: int, num_classes: Any, k: Any, majority_threshold: Any, representative: Any
) -> None:
    """Require n labels in [0, num_classes), 1 <= k <= n, a threshold that is a number, a known representative."""
    _check_integer("num_classes", num_classes)
    _check_integer("k", k)
    if num_classes < 1:
        raise ValueError(f"`num_classes` must be at least 1. Received: num_classes={num_classes}")
    if not 1 <= k <= n:
        raise ValueError(f"`k` must be between 1 and n={n}. Received: k={k}")
    if emb_labels.dtype not in (np.int32, np.int64):
        raise TypeError(f"`emb_labels` must be of dtype int32 or int64. Received: {emb_labels.dtype}")
    if emb_labels.shape != (n,):
        raise ValueError(f"`emb_labels` must have the shape [n] = [{n}]. Received: {emb_labels.shape}")
    if emb_labels.min() < 0 or emb_labels.max() >= num_classes:
        raise ValueError(
            f"`emb_labels` must lie in [0, num_classes) = [0, {num_classes}). "
            f"Received: labels from {emb_labels.min()} to {emb_labels.max()}"
        )
    _check_number("majority_threshold", majority_threshold)
    if math.isnan(majority_threshold):
        raise ValueError("`majority_threshold` must not be NaN. Received: majority_threshold=nan")
    if representative not in ("first", "nearest"):
        raise ValueError(f"`representative` must be 'first' or 'nearest'. Received: representative={representative!r}")


def check_num_embeds_replaced(num_embeds_replaced: Any, n: int) -> None:
    """Require an integer from 0 to n."""
    _check_integer("num_embeds_replaced", num_embeds_replaced)
    if not 0 <= num_embeds_replaced <= n:
        raise ValueError(
            f"`num_embeds_replaced` must be from 0 to n={n}. Received: num_embeds_replaced={num_embeds_replaced}"
        )


def _check_floating(name: str, array: NDArray[Any]) -> None:
    if array.dtype.name not in FLOATING:
        raise TypeError(f"`{name}` must have a floating dtype. Received: shape {array.shape}, dtype {array.dtype}")


def _check_number(name: str, value: Any) -> None:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"`{name}` must be a number. Received: {name}={value!r}")
    try:
        float(value)
    except OverflowError as error:
        raise ValueError(f"`{name}` must fit into a float. Received: {name}={value!r}") from error


def _check_integer(name: str, value: Any) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"`{name}` must be an integer. Received: {name}={value!r}")
