"""The implementations that the suite can run on: what they must offer, and adapters for those shipped here."""

import importlib

from vq_verify.subject import Subject

SHIPPED = (
    "vq_verify.adapters.oracle:Oracle",
    "vq_verify.adapters.graph:GraphFunctions",
    "vq_verify.adapters.keras_layers:KerasLayers",
)


def load(path: str) -> Subject:
    """Call the factory named ``package.module:factory``, and complete what it makes by what it leaves out."""
    module, _, factory = path.partition(":")
    return Subject(getattr(importlib.import_module(module), factory)(), path)
