"""What an implementation offers, by kind, so that nothing else is asked of it.

An adapter says it in a mapping, `offers`. About a kind that it does not name it is taken to offer what the suite had
when the first adapters were written: what has come since is not offered by an older adapter, and so never fails it.
"""

from collections.abc import Container, Iterable, Mapping
from numbers import Real
from typing import Any

import numpy as np
import pytest

from reference.parts.replacement import Replacement
from reference.parts.updates import Update
from vq_verify.cases import LOSSES, START_METHODS, Needs

DTYPES = ("float64", "float32", "float16", "bfloat16")
NORMS = (1, 2, np.inf)
DIM_REDUCTIONS = ("pca-batch", "pca-emb-space")
REPRESENTATIVES = ("first", "nearest")
ESTIMATORS = ("straight-through", "rotation", "diveq", "none")
CODEBOOKS = ("shared", "per-split")
STAGES = ("apart", "shared", "dropout")

Offers = Mapping[str, Container[Any]]


# pytest skips what raises it, and no check takes it for an error.
class NotOffered(pytest.skip.Exception):  # type: ignore[misc,name-defined]
    """What an adapter raises for what its implementation does not offer.

    Parameters
    ----------
    what : str
        What is missing, in words of the specification: ``lookup_ord=1``, ``a vote``.
    """

    _said = "not offered"

    def __init__(self, what: str) -> None:
        super().__init__(f"{self._said}: {what}")
        self.what = what


class NotAsked(NotOffered):
    """What is raised for what does not belong to the profile: nobody asks for it, and no report misses it."""

    _said = "not asked for by the profile"


class _All:
    """Contains anything."""

    def __contains__(self, thing: object) -> bool:
        return True

    def __repr__(self) -> str:
        return "ALL"


class _Norms:
    """Contains the orders of norms, which are no list."""

    def __contains__(self, thing: object) -> bool:
        return isinstance(thing, Real) and float(thing) >= 1


def _subclasses(kind: Any) -> list[type]:
    return list(kind.__subclasses__())


class _Parts:
    """Contains the names of the parts of a kind that the oracle has."""

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def __contains__(self, thing: object) -> bool:
        return thing in [part.__name__ for part in _subclasses(self._kind)]


ALL = _All()  # of a kind, what is known of it now, and what comes

# What adapters offer that do not say. This stays as it is: a kind that is added has here what all cases had before it.
_FROM_THE_FIRST: dict[str, tuple[Any, ...]] = {
    "dtypes": DTYPES,
    "norms": (1, 2, np.inf),
    "losses": ("alpha_loss", "beta_loss", "coulomb_loss"),
    "dim_reductions": ("pca-batch", "pca-emb-space"),
    "votes": ("first", "nearest"),
    "inputs": ("not finite",),
    "masks": (),
    "estimators": ("straight-through",),
    "codebooks": ("shared",),
    "replacements": (),
    "starts": (),
    "updates": ("Gradient",),
    "policies": ("MostDistant",),
    "stages": (),
    "replicas": (),
}

# What there is of each kind. What is none of it is a wrong argument, which an implementation is to refuse (VQ-16).
_SPECIFIED: dict[str, Container[Any]] = {
    "dtypes": DTYPES,
    "norms": _Norms(),
    "losses": LOSSES,
    "dim_reductions": DIM_REDUCTIONS,
    "votes": REPRESENTATIVES,
    "inputs": ("not finite",),
    "masks": ("x",),
    "estimators": ESTIMATORS,
    "codebooks": CODEBOOKS,
    "replacements": ("within a pass",),
    "starts": START_METHODS,
    "updates": _Parts(Update),
    "policies": _Parts(Replacement),
    "stages": STAGES,
    "replicas": ("in training",),
}

# How reports call what is missing.
_WORDS = {
    "dtypes": "{}",
    "norms": "lookup_ord={:g}",
    "losses": "{}",
    "dim_reductions": 'dim_reduction="{}"',
    "votes": 'a vote with representative="{}"',
    "inputs": "input that is {}",
    "masks": "a mask of {}",
    "estimators": 'estimator="{}"',
    "codebooks": 'codebooks="{}"',
    "replacements": "replacement {}",
    "starts": 'start="{}"',
    "updates": "update={}",
    "policies": "replacement={}",
    "stages": "residual quantization, {}",
    "replicas": "replicas {}",
}


def offers_of(implementation: Any) -> dict[str, Container[Any]]:
    """Return what an implementation offers of each kind.

    The attribute `dtypes` stands for the kind, where `offers` does not name it. Kinds that are not known are ignored.

    Examples
    --------
    >>> class Adapter:
    ...     offers = {"losses": (), "norms": ALL}
    >>> offered = offers_of(Adapter())
    >>> offered["losses"], offered["norms"], offered["codebooks"]
    ((), ALL, ('shared',))
    """
    said: Offers = getattr(implementation, "offers", {})
    if not isinstance(said, Mapping):
        raise TypeError(f"offers must be a mapping from kinds to containers. Received: {said!r}")
    for kind, things in said.items():
        if isinstance(things, str) or not hasattr(things, "__contains__"):
            raise TypeError(f"offers[{kind!r}] must be a container, such as a tuple. Received: {things!r}")
    unsaid = {**_FROM_THE_FIRST, "dtypes": getattr(implementation, "dtypes", DTYPES)}
    return {kind: said.get(kind, things) for kind, things in unsaid.items()}


def offered(implementation: Any, kind: str, things: Iterable[Any]) -> tuple[Any, ...]:
    """Return those of some things of a kind that an implementation offers, in their order."""
    offer = offers_of(implementation)[kind]
    return tuple(thing for thing in things if thing in offer)


def to_draw(implementation: Any, kind: str, things: Iterable[Any]) -> tuple[Any, ...]:
    """Return those that are offered, to draw from; all if none is, so that a report tells what is missing."""
    things = tuple(things)
    return offered(implementation, kind, things) or things


def check_offered(needs: Needs, offers: Offers, refusal: type[NotOffered] = NotOffered) -> None:
    """Raise a refusal for the first thing needed that is not offered."""
    for kind, things in needs.items():
        for thing in things:
            if thing in _SPECIFIED[kind] and thing not in offers[kind]:
                raise refusal(_WORDS[kind].format(thing))
