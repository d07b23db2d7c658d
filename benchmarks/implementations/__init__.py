"""What is measured: a module for each implementation, with a function for each task that it can do.

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
    "broadcast": "broadcast",
    "broadcast, XLA": "broadcast_xla",
    "product + argmin": "product",
    "product + top_k": "product",
    "FAISS": "faiss_index",
    "SciPy": "scipy_cdist",
    "scikit-learn": "sklearn_brute",
}
PACKAGES = {"FAISS": "faiss", "SciPy": "scipy", "scikit-learn": "sklearn"}  # those that may be absent


def prepared(implementation: str, setting: Setting) -> Callable[[Data], Call]:
    """Import the implementation, and return what makes its call of the data."""
    module = import_module(f"{__name__}.{MODULES[implementation]}")
    task = getattr(module, setting.task)
    return lambda data: task(setting, data)
