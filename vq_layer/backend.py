"""What Keras must run on, checked before it is imported: another backend may not even be installed."""

import importlib
import os
import sys


def backend() -> str:
    """Return the name of the backend of Keras; without Keras, where its variable names it."""
    named = os.environ.get("KERAS_BACKEND")
    if named and "keras" not in sys.modules:
        return named
    return str(importlib.import_module("keras").config.backend())


if backend() != "tensorflow":
    raise ImportError(
        f"vq_layer runs on TensorFlow: set the environment variable KERAS_BACKEND to 'tensorflow', or leave it out, "
        f"before Keras is imported. Received: KERAS_BACKEND={backend()!r}"
    )
