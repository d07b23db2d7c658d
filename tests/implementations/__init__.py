"""The implementations that the suite can run on: what they must offer, and adapters for those shipped here."""

import importlib

from tests.implementations.protocol import Implementation

SHIPPED = (
    "tests.implementations.oracle:Oracle",
    "tests.implementations.graph:GraphFunctions",
    "tests.implementations.keras_layers:KerasLayers",
)


def load(path: str) -> Implementation:
    """Call the factory named ``package.module:factory``."""
    module, _, factory = path.partition(":")
    return getattr(importlib.import_module(module), factory)()
