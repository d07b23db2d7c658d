"""The layers that are measured, as their defaults make them."""

from typing import Any

from vq_layer import ResidualVectorQuantization, VectorQuantization


def ours(n: int, **parts: Any) -> VectorQuantization:
    """Return the layer for n embeddings."""
    return VectorQuantization(n, **parts)


def residual(n: int, num_stages: int) -> ResidualVectorQuantization:
    """Return so many stages of the layer for n embeddings each."""
    return ResidualVectorQuantization(n, num_stages)
