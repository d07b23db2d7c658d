"""Deliberately wrong implementations: the oracle, each time with one fault that a real programmer makes.

Each fault names the clause that it breaks and the checks of which each must catch it.
"""

from tests.suite.faults import (
    chunks,
    cosine,
    distances,
    dtypes,
    gradients,
    identity_mapping,
    initialization,
    lookup,
    losses,
    non_finite,
    non_finite_cosine,
    reduced_space,
    reduction,
    replacement,
    spacing,
    subgradients,
    voting,
)
from tests.suite.faults.machinery import Faulty

_CONCEPTS = (
    distances,
    lookup,
    chunks,
    dtypes,
    losses,
    spacing,
    gradients,
    subgradients,
    cosine,
    voting,
    identity_mapping,
    reduction,
    reduced_space,
    replacement,
    initialization,
    non_finite,
    non_finite_cosine,
)

FAULTS = tuple(fault for concept in _CONCEPTS for fault in vars(concept).values() if isinstance(fault, Faulty))
