"""Checks of static facts; each error names the argument, its rule and the value received (VQ-16).

Of the field of a part, ``of`` says whose it is, and in parentheses how the specification calls it: " of Alpha (alpha)".
"""

import math
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOATING = ("float64", "float32", "float16", "bfloat16")


def check_x(x: NDArray[Any]) -> None:
    """Require a rank-3 array of a floating dtype.

    Examples
    --------
    >>> check_x(np.zeros([2, 3], np.float32))
    Traceback (most recent call last):
    ...
    ValueError: `x` must have the shape [batch, r, q]. Received: shape (2, 3), dtype float32
    """
    if x.ndim != 3:
        raise ValueError(f"`x` must have the shape [batch, r, q]. Received: shape {x.shape}, dtype {x.dtype}")
    _check_floating("x", x)


def check_num_splits(num_splits: Any) -> None:
    """Require a positive integer."""
    _check_integer("num_splits", num_splits)
    if num_splits <= 0:
        raise ValueError(f"`num_splits` must be greater than 0. Received: num_splits={num_splits}")


def check_divides(num_splits: int, q: int) -> None:
    """Require a divisor of q."""
    if q == 0 or q % num_splits:
        raise ValueError(f"`num_splits` must divide the last axis of `x`. Received: num_splits={num_splits}, q={q}")


def check_lookup_ord(lookup_ord: Any, name: str = "lookup_ord", of: str = "") -> None:
    """Require a number of at least 1, or infinity."""
    check_number(name, lookup_ord, "a number of at least 1, or infinity", lambda p: p >= 1, of)


def check_weight(name: str, weight: Any, of: str = "") -> None:
    """Require a finite number."""
    check_number(name, weight, "finite", math.isfinite, of)


def check_mask(mask: NDArray[Any], rows: tuple[int, ...]) -> None:
    """Require booleans of the shape of x without its last axis, `rows`, or of the first of these axes."""
    if mask.dtype != np.bool_:
        raise TypeError(f"`mask` must be of dtype bool. Received: {mask.dtype}")
    if mask.ndim == 0 or mask.shape != rows[: mask.ndim]:
        raise ValueError(
            f"`mask` must have the shape of `x` without its last axis, {rows}, or of the first of these axes. "
            f"Received: {mask.shape}"
        )


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
    """Require None, or a known mode and a positive number of components."""
    check_member("dim_reduction", dim_reduction, (None, "pca-batch", "pca-emb-space"))
    if dim_reduction is not None:
        check_positive("num_dim_reduction_components", num_dim_reduction_components)


def check_member(name: str, value: Any, known: tuple[str | None, ...], of: str = "") -> None:
    """Require one of several words, or None if it is among them."""
    if not isinstance(value, str) and not (value is None and None in known):
        kind = "None or a string" if None in known else "a string"
        raise TypeError(f"`{name}`{of} must be {kind}. Received: {name}={value!r}")
    if value not in known:
        *others, last = map(repr, known)
        words = f"{', '.join(others)} or {last}" if others else last
        raise ValueError(f"`{name}`{of} must be {words}. Received: {name}={value!r}")


def check_positive(name: str, value: Any, of: str = "") -> None:
    """Require a positive integer."""
    _check_integer(name, value, of)
    if value <= 0:
        raise ValueError(f"`{name}`{of} must be greater than 0. Received: {name}={value}")


def check_vote(
    emb_labels: NDArray[Any],
    n: int,
    num_classes: Any,
    k: Any,
    majority_threshold: Any,
    representative: Any,
    of: str = "",
) -> None:
    """Require n labels in [0, num_classes), 1 <= k <= n, a threshold that is a number, a known representative."""
    _check_integer("k", k, of)
    if not 1 <= k <= n:
        raise ValueError(f"`k`{of} must be between 1 and n={n}. Received: k={k}")
    check_labels(emb_labels, n, num_classes, of)
    _check_number("majority_threshold", majority_threshold, of)
    if math.isnan(majority_threshold):
        raise ValueError(f"`majority_threshold`{of} must not be NaN. Received: majority_threshold=nan")
    check_member("representative", representative, ("first", "nearest"), of)


def check_labels(emb_labels: NDArray[Any], n: int, num_classes: Any, of: str = "") -> None:
    """Require n labels, int32 or int64, in [0, num_classes)."""
    _check_integer("num_classes", num_classes, of)
    if num_classes < 1:
        raise ValueError(f"`num_classes`{of} must be at least 1. Received: num_classes={num_classes}")
    if emb_labels.dtype not in (np.int32, np.int64):
        raise TypeError(f"`emb_labels`{of} must be of dtype int32 or int64. Received: {emb_labels.dtype}")
    if emb_labels.shape != (n,):
        raise ValueError(f"`emb_labels`{of} must have the shape [n] = [{n}]. Received: {emb_labels.shape}")
    if emb_labels.min() < 0 or emb_labels.max() >= num_classes:
        raise ValueError(
            f"`emb_labels`{of} must lie in [0, num_classes) = [0, {num_classes}). "
            f"Received: labels from {emb_labels.min()} to {emb_labels.max()}"
        )


def check_levels(levels: Any, q: int | None = None, num_splits: int = 1) -> None:
    """Require integers from 2 to 2^16, their product below 2^63, and as many as q / num_splits, where q is known."""
    if not isinstance(levels, Sequence) or isinstance(levels, str):
        raise TypeError(f"`levels` must be a sequence of integers. Received: levels={levels!r}")
    if not levels:
        raise ValueError(f"`levels` must hold at least one integer. Received: levels={levels}")
    for number in levels:
        _check_integer("levels", number)
        if not 2 <= number <= 2**16:
            raise ValueError(f"`levels` must be from 2 to 2^16 each. Received: levels={levels}")
    if math.prod(map(int, levels)) >= 2**63:
        raise ValueError(f"the product of `levels` must be below 2^63. Received: levels={levels}")
    if q is not None and len(levels) * num_splits != q:
        raise ValueError(
            f"`levels` must hold one for each of the q / num_splits coordinates of a vector. "
            f"Received: levels={levels}, num_splits={num_splits}, q={q}"
        )


def check_indices(emb_index: NDArray[Any], n: int) -> None:
    """Require integers in [0, n), or -1."""
    for index in emb_index.flat:
        if not -1 <= int(index) < n:
            raise ValueError(f"`emb_index` must lie in [0, n) = [0, {n}), or be -1. Received: {index}")


def check_num_embeds_replaced(num_embeds_replaced: Any, n: int) -> None:
    """Require an integer from 0 to n."""
    check_natural("num_embeds_replaced", num_embeds_replaced)
    if num_embeds_replaced > n:
        raise ValueError(
            f"`num_embeds_replaced` must be from 0 to n={n}. Received: num_embeds_replaced={num_embeds_replaced}"
        )


def check_natural(name: str, value: Any, of: str = "") -> None:
    """Require an integer that is not negative."""
    _check_integer(name, value, of)
    if value < 0:
        raise ValueError(f"`{name}`{of} must not be negative. Received: {name}={value}")


def _check_floating(name: str, array: NDArray[Any]) -> None:
    if array.dtype.name not in FLOATING:
        raise TypeError(f"`{name}` must have a floating dtype. Received: shape {array.shape}, dtype {array.dtype}")


def check_number(name: str, value: Any, rule: str, holds: Callable[[Any], bool], of: str = "") -> None:
    """Require a number of which a rule holds, which is said in words; of NaN none does."""
    _check_number(name, value, of)
    if not holds(value):
        raise ValueError(f"`{name}`{of} must be {rule}. Received: {name}={value!r}")


def _check_number(name: str, value: Any, of: str = "") -> None:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"`{name}`{of} must be a number. Received: {name}={value!r}")
    try:
        float(value)
    except OverflowError as error:
        raise ValueError(f"`{name}`{of} must fit into a float. Received: {name}={value!r}") from error


def _check_integer(name: str, value: Any, of: str = "") -> None:
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"`{name}`{of} must be an integer. Received: {name}={value!r}")
