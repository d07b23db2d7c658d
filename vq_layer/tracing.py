"""How a `tf.function` of a user takes what is called in it."""

from collections.abc import Callable
from typing import Any, TypeVar

import tensorflow as tf

F = TypeVar("F", bound=Callable[..., Any])


def as_it_stands(function: F) -> F:
    """Return a function that is traced as it stands, and so is all that it calls.

    AutoGraph would rewrite each of these functions, so that Python's `if` and `for` take tensors. None here needs that,
    and it takes longer than to trace them.
    """
    return tf.autograph.experimental.do_not_convert(function)  # type: ignore[no-any-return]
