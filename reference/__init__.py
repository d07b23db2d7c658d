"""The oracle: vector quantization in plain NumPy and SciPy, float64, written to be read.

It implements every clause of ``SPEC.md`` by the shortest honest expression of its equation and never imports
TensorFlow. Where this package and ``vq_layer`` disagree, this package is right; where it and ``SPEC.md`` disagree,
``SPEC.md`` is.

A `Quantizer` is put together from parts, and `quantize` is one pass of it; the three functions are faces of these.
"""

from reference.functions import (
    CosineVQResult,
    VQResult,
    cosine_knn_vector_quantization,
    cosine_vector_quantization,
    vector_quantization,
)
from reference.parts.choices import Majority, Nearest
from reference.parts.comparisons import PCA, Cosine, Norm
from reference.parts.estimators import NoGradient, StraightThrough
from reference.parts.losses import Alpha, Beta, Codebook, Commitment, Coulomb
from reference.parts.replacement import MostDistant, ReplacementState
from reference.parts.starts import FromBatch
from reference.parts.updates import Gradient
from reference.quantizer import Quantizer, quantize
from reference.results import Gradients, Result
from reference.state import initial_state

__all__ = [
    "PCA",
    "Alpha",
    "Beta",
    "Codebook",
    "Commitment",
    "Cosine",
    "CosineVQResult",
    "Coulomb",
    "FromBatch",
    "Gradient",
    "Gradients",
    "Majority",
    "MostDistant",
    "Nearest",
    "NoGradient",
    "Norm",
    "Quantizer",
    "ReplacementState",
    "Result",
    "StraightThrough",
    "VQResult",
    "cosine_knn_vector_quantization",
    "cosine_vector_quantization",
    "initial_state",
    "quantize",
    "vector_quantization",
]
