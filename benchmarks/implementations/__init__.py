"""What is measured: a module for each implementation, with a function for each task that it can do; or a function.

Each function takes the setting and its data, and returns a call without arguments that does the task once and returns
NumPy arrays. Whatever need not be done anew for other inputs is done before.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.data import Data
from benchmarks.settings import Setting

Call = Callable[[], Any]

MODULES = {
    "ours": "ours",
    "ours, cached": "ours",
    "broadcast": "broadcast",
    "broadcast, XLA": "broadcast_xla",
    "product + argmin": "product",
    "product + top_k": "product",
    "FAISS": "faiss_index",
    "SciPy": "scipy_cdist",
    "scikit-learn": "sklearn_brute",
    "keras.io": "keras_io",
    "no quantizer": "identity",
    "lookup": "updates.lookup",
    "moving averages": "updates.moving_averages",
    "with dead codes": "updates.with_dead_codes",
    "with a mask, too": "updates.with_mask",
    "4 lookups": "updates.stages_lookup",
    "4 stages": "updates.stages",
    "k-means start": "updates.k_means_start",
}
PACKAGES = {"FAISS": "faiss", "SciPy": "scipy", "scikit-learn": "sklearn"}  # those that may be absent


def prepared(implementation: str, setting: Setting) -> Callable[[Data], Call]:
    """Import the implementation, and return what makes its call of the data."""
    module, _, function = MODULES[implementation].partition(".")
    task = getattr(import_module(f"{__name__}.{module}"), function or setting.task)
    return lambda data: task(setting, data)
