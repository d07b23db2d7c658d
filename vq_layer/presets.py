"""Layers put together as in a paper, or as in 2018; what is given by name takes the place of a part.

>>> adversarial_2018(64, num_splits=16).quantizer.losses
(Alpha(weight=0.1), Beta(weight=0.0001), Coulomb(weight=1e-06))
"""

from typing import Any

from vq_layer.layers.residual import ResidualVectorQuantization
from vq_layer.layers.vector_quantization import VectorQuantization
from vq_layer.parts.losses import Alpha, Beta, Codebook, Commitment, Coulomb
from vq_layer.parts.replacement import DeadCodes
from vq_layer.parts.starts import FromBatch, FromInitializer
from vq_layer.parts.updates import MovingAverage

__all__ = ["adversarial_2018", "soundstream", "vq_vae", "vq_vae_ema"]


def adversarial_2018(n: int, **parts: Any) -> VectorQuantization:
    """Return the layer of 2018: its alpha-, beta- and Coulomb-loss, and a normal distribution to begin with.

    It was made for a network that was trained already: none of its losses reaches the layers before.
    """
    losses, start = (Alpha(0.1), Beta(1e-4), Coulomb(1e-6)), FromInitializer()
    of_2018 = {"losses": losses, "update": "gradient", "start": start, "replacement": None}
    return VectorQuantization(n, **{**of_2018, **parts})


def vq_vae(n: int, **parts: Any) -> VectorQuantization:
    """Return that of van den Oord et al., "Neural Discrete Representation Learning", 2017, equation 3."""
    losses, start = (Codebook(1.0), Commitment(0.25)), FromInitializer("random_uniform")
    return VectorQuantization(n, **{"losses": losses, "start": start, "replacement": None, **parts})


def vq_vae_ema(n: int, **parts: Any) -> VectorQuantization:
    """Return that of its appendix A.1, by moving averages, with the decay of 0.99 given there."""
    update, start = MovingAverage(0.99), FromInitializer("random_uniform")
    return VectorQuantization(n, **{"update": update, "start": start, "replacement": None, **parts})


def soundstream(n: int, num_stages: int, **parts: Any) -> ResidualVectorQuantization:
    """Return that of Zeghidour et al., "SoundStream: An End-to-End Neural Audio Codec", 2021, sections III.C and III.D.

    Moving averages that start from k-means of the first batch, codes that are dead replaced by inputs of the batch, and
    quantizer dropout; the weight of the commitment loss is that of the VQ-VAE.
    """
    moves, losses, start = MovingAverage(0.99), Commitment(0.25), FromBatch("k-means")
    of_paper = {"update": moves, "losses": losses, "start": start, "replacement": DeadCodes(source="sample")}
    return ResidualVectorQuantization(n, num_stages, **{**of_paper, "quantizer_dropout": True, **parts})
