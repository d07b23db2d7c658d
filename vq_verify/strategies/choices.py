"""Many choices as one: Hypothesis takes as long to draw one of a few options as to draw a hundred bytes."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Option = TypeVar("Option")

# How many bytes an integer takes of a range of so many: enough that none comes twice as often as another.
_WIDTHS = {1: 2**7, 2: 2**15, 8: 2**62}


def integers(draw: st.DrawFn, shape: int | tuple[int, ...], low: int, high: int) -> NDArray[np.int64]:
    """Draw an array of integers from low to high, each about equally often; the simplest is the one nearest to 0."""
    span = high - low + 1
    width = next(width for width, most in _WIDTHS.items() if span <= most)
    size = width * int(np.prod(shape))
    drawn = np.frombuffer(draw(st.binary(min_size=size, max_size=size)), f"<u{width}") % np.array(span, f"<u{width}")
    simplest = min(max(low, 0), high)
    return (low + (drawn.astype(np.int64) + simplest - low) % span).reshape(shape)


def sample(draw: st.DrawFn, options: Sequence[Any] | NDArray[Any], shape: int | tuple[int, ...]) -> NDArray[Any]:
    """Draw an array of options, or of rows of options; the simplest is the first."""
    return np.asarray(options)[integers(draw, shape, 0, len(options) - 1)]


def chooser(draw: st.DrawFn, most: int) -> Callable[[Sequence[Option]], Option]:
    """Draw what `most` choices take, and return the function that makes them, each of one among up to 128 options."""
    drawn = iter(draw(st.binary(min_size=most, max_size=most)))
    return lambda options: options[next(drawn) % len(options)]
