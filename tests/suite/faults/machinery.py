"""How a fault is put into the oracle, and which checks it is for."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

import numpy as np

from tests.suite.faults.consequences import Array, Fields
from vq_verify.adapters.oracle import Oracle
from vq_verify.protocol import Case, ResidualCase

Check = Callable[..., None]


class Faulty:
    """The oracle, one of whose functions is replaced by a wrong one.

    Parameters
    ----------
    replaced : str
        The dotted name of the function, where the oracle looks it up.
    wrong : function
        What stands in its place. Its name says what is wrong.
    sentence : str
        The number of the sentence that it breaks.
    checks : tuple of functions
        The checks that must each catch it.
    """

    effort = 1.0

    def __init__(self, replaced: str, wrong: Any, sentence: str, checks: tuple[Check, ...]) -> None:
        self.name = wrong.__name__
        self.sentence, self.checks = sentence, checks
        self.replaced, self.wrong = replaced, wrong

    @contextmanager
    def spoiled(self) -> Iterator[None]:
        """Have the fault in place. Wrong arithmetic overflows and divides by zero at will."""
        with patch(self.replaced, self.wrong), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield

    def training(self, case: Case, num_embeds_replaced: int) -> "_Spoiled":
        """Begin a training that goes wrong."""
        with self.spoiled():
            return _Spoiled(self, Oracle().training(case, num_embeds_replaced))

    def residual_training(self, case: ResidualCase, num_embeds_replaced: int) -> "_Spoiled":
        """Begin a training in stages that goes wrong."""
        with self.spoiled():
            return _Spoiled(self, Oracle().residual_training(case, num_embeds_replaced))

    def __getattr__(self, name: str) -> Any:
        return getattr(_Spoiled(self, Oracle()), name)


class _Spoiled:
    """The oracle, or a training with it, all of whose methods run with the fault in place."""

    def __init__(self, faulty: Faulty, right: Any) -> None:
        self._faulty, self._right = faulty, right

    def __getattr__(self, name: str) -> Any:
        with self._faulty.spoiled():  # the fault may be in the method itself, or in the state
            value = getattr(self._right, name)
        return self._faulty.spoiled()(value) if callable(value) else value


def instead_of(replaced: str, sentence: str, *checks: Check) -> Callable[[Callable[..., Any]], Faulty]:
    """Let the decorated function stand in the place of one of the oracle's, against a sentence and for checks."""
    return lambda wrong: Faulty(replaced, wrong, sentence, checks)


def _in_result_of(
    method: str, takes_upstream: bool = False
) -> Callable[..., Callable[[Callable[..., Fields]], Faulty]]:
    right = getattr(Oracle, method)

    def spoiling(sentence: str, *checks: Check) -> Callable[[Callable[..., Fields]], Faulty]:
        """Let the decorated function take a case and the right result, and return the fields that come out wrong."""

        def decorate(fault: Callable[..., Fields]) -> Faulty:
            @wraps(fault)
            def wrong(oracle: Oracle, case: Any, *upstream: Array) -> Any:
                result = right(oracle, case, *upstream)
                return result._replace(**fault(case, result, *(upstream if takes_upstream else ())))

            return Faulty(f"{Oracle.__module__}.Oracle.{method}", wrong, sentence, checks)

        return decorate

    return spoiling


in_quantize = _in_result_of("quantize")
in_gradients = _in_result_of("gradients")
in_cosine = _in_result_of("quantize_cosine")
in_residual_quantize = _in_result_of("quantize_residual")
in_residual_gradients = _in_result_of("residual_gradients", takes_upstream=True)
in_cosine_gradients = _in_result_of("cosine_gradients", takes_upstream=True)
in_scalar = _in_result_of("quantize_scalar")
in_scalar_gradients = _in_result_of("scalar_gradients", takes_upstream=True)
