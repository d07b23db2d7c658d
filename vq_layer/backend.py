"""What the package runs on, checked before it is imported: it may not be installed, or Keras run on something else."""

import importlib
import importlib.util
import os
import sys

if missing := [name for name in ("tensorflow", "keras") if importlib.util.find_spec(name) is None]:
    raise ModuleNotFoundError(
        f"vq_layer needs {' and '.join(missing)}: pip install 'vq-layer[tensorflow]'. The oracle, `reference`, and the "
        "suite, `vq_verify`, run without."
    )


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
