"""Finds an implementation by its path."""

import importlib
from operator import attrgetter

from vq_verify.specification import profiles
from vq_verify.subject import Subject

SHIPPED = (
    "vq_verify.adapters.oracle:Oracle",
    "vq_verify.adapters.graph:GraphFunctions",
    "vq_verify.adapters.keras_layers:KerasLayers",
)


def load(path: str, profile: str = "all") -> Subject:
    """Call the factory named ``package.module:factory``, and complete what it makes by what it leaves out."""
    module, _, factory = path.partition(":")
    if not (module and factory):
        raise ValueError(f"an implementation must be named as package.module:Adapter. Received: {path!r}")
    return Subject(attrgetter(factory)(importlib.import_module(module))(), path, clauses_of(profile))


def clauses_of(profile: str) -> frozenset[str] | None:
    """Return the clauses of a profile; None for all.

    Raises
    ------
    ValueError
        If there is no such profile.
    """
    if profile not in profiles():
        raise ValueError(f"profile must be one of {', '.join(profiles())}. Received: {profile!r}")
    return None if profile == "all" else profiles()[profile]
