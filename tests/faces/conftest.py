"""The faces are wired alike whatever computes a lookup: no XLA, which takes most of the time to build a graph."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _plain() -> Iterator[None]:
    import vq_layer  # noqa: PLC0415  # what TensorFlow prints then would not be captured above

    before = vq_layer.get_compilation()
    vq_layer.set_compilation("plain")
    yield
    vq_layer.set_compilation(before)
