"""AutoGraph leaves the package as it stands, which takes less time to trace."""

from collections.abc import Callable
from types import FunctionType

import keras
import pytest
import tensorflow as tf
from tensorflow.python.autograph.impl import api

from vq_layer import (
    FiniteScalarQuantization,
    ResidualVectorQuantization,
    VectorQuantization,
    reset_slots,
)

X = tf.random.stateless_normal([3, 2, 4], [1, 2])
LAYERS: dict[str, Callable[[], keras.layers.Layer]] = {
    "vectors": lambda: VectorQuantization(3),
    "residual": lambda: ResidualVectorQuantization(3, num_stages=2),
    "finite scalars": lambda: FiniteScalarQuantization([3, 4, 3, 5]),
}


@pytest.fixture
def rewritten(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of functions of the package that AutoGraph rewrites."""
    names: list[str] = []

    def seen(function: FunctionType, *rest: object) -> object:
        if "/vq_layer/" in function.__code__.co_filename:
            names.append(function.__qualname__)
        return rewrite(function, *rest)

    rewrite = api._convert_actual
    monkeypatch.setattr(api, "_convert_actual", seen)
    return names


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer(name: str, rewritten: list[str]) -> None:
    """Its call, `encode` and `decode`."""
    layer = LAYERS[name]()
    layer(X, training=True)

    @tf.function
    def all_of_it(x: tf.Tensor) -> tf.Tensor:
        return layer(x, training=True), layer(x), layer.decode(layer.encode(x))

    all_of_it.get_concrete_function(X)
    assert not rewritten


def test_what_writes_embeddings(rewritten: list[str]) -> None:
    """`initialize_from_batch`, `replace_embeds` and `reset_slots`."""
    layer = VectorQuantization(3, losses=["codebook"], update="gradient")
    layer.build((None, 2, 4))
    optimizer = keras.optimizers.Adam()
    optimizer.build([layer.emb_space])

    @tf.function
    def all_of_it(x: tf.Tensor) -> None:
        layer.initialize_from_batch(x)
        reset_slots(optimizer, layer.emb_space, layer.replace_embeds())

    all_of_it.get_concrete_function(X)
    assert not rewritten
