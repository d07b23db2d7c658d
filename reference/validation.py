"""Checks of static facts; each error names the argument, its rule and the value received (VQ-16)."""

import math
from numbers import Integral, Real
from typing import Any

LOOKUP_ORDS = (1, 2, math.inf)


def check_x(ndim: int, floating: bool, received: object) -> None:
    """Require a rank-3 array of a floating dtype."""
    if ndim != 3:
        raise ValueError(f"`x` must have the shape [batch, r, q]. Received: {received}")
    if not floating:
        raise TypeError(f"`x` must have a floating dtype. Received: {received}")


def check_num_embeds(n: Any) -> None:
    """Require a positive integer."""
    _check_integer("n", n)
    if n <= 0:
        raise ValueError(f"`n` must be greater than 0. Received: n={n}")


def check_num_splits(num_splits: Any, q: int) -> None:
    """Require a positive integer that divides q."""
    _check_integer("num_splits", num_splits)
    if num_splits <= 0:
        raise ValueError(f"`num_splits` must be greater than 0. Received: num_splits={num_splits}")
    if q % num_splits:
        raise ValueError(f"`num_splits` must divide the last axis of `x`. Received: num_splits={num_splits}, q={q}")


def check_lookup_ord(lookup_ord: Any) -> None:
    """Require 1, 2 or infinity."""
    if not isinstance(lookup_ord, Real) or isinstance(lookup_ord, bool):
        raise TypeError(f"`lookup_ord` must be a number. Received: lookup_ord={lookup_ord!r}")
    if lookup_ord not in LOOKUP_ORDS:
        raise ValueError(f"`lookup_ord` must be one of 1, 2 and inf. Received: lookup_ord={lookup_ord!r}")


def check_weight(name: str, weight: Any) -> None:
    """Require a finite number."""
    if not isinstance(weight, Real) or isinstance(weight, bool):
        raise TypeError(f"`{name}` must be a number. Received: {name}={weight!r}")
    if not math.isfinite(weight):
        raise ValueError(f"`{name}` must be finite. Received: {name}={weight!r}")


def check_emb_space(shape: tuple[int, ...], q: int, num_splits: int) -> None:
    """Require the shape [n, q / num_splits] with n > 0."""
    if len(shape) != 2 or shape[0] == 0 or shape[1] * num_splits != q:
        raise ValueError(
            f"`emb_space` must have the shape [n, {q // num_splits}], n > 0, to fit the last axis of `x`, {q}, in "
            f"{num_splits} splits. Received: {shape}"
        )


def _check_integer(name: str, value: Any) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"`{name}` must be an integer. Received: {name}={value!r}")
