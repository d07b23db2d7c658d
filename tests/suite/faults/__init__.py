"""Deliberately wrong implementations: the oracle, each time with one fault that a real programmer makes.

Each names the sentence that it breaks and the checks of which each must catch it. A module holds those of a concept.
"""

import importlib
import pkgutil

from tests.suite.faults.machinery import Faulty

_CONCEPTS = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]

FAULTS = tuple(fault for concept in _CONCEPTS for fault in vars(concept).values() if isinstance(fault, Faulty))
