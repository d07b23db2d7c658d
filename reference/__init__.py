"""The oracle: vector quantization in plain NumPy and SciPy, float64, written to be read.

It implements every clause of ``SPEC.md`` by the shortest honest expression of its equation and never imports
TensorFlow. Where this package and ``vq_layer`` disagree, this package is right; where it and ``SPEC.md`` disagree,
``SPEC.md`` is.

A `Quantizer` is put together from parts, and `quantize` is one pass of it; the three functions are faces of these.
`finite_scalar_quantization` does without a codebook.
"""

from reference import parts
from reference.finite_scalar import FiniteScalarResult, finite_scalar_gradient, finite_scalar_quantization
from reference.functions import (
    CosineVQResult,
    VQResult,
    cosine_knn_vector_quantization,
    cosine_vector_quantization,
    vector_quantization,
)
from reference.parts import *  # noqa: F403
from reference.parts.replacement import ReplacementState
from reference.quantizer import Quantizer, quantize
from reference.replicas import train_replicas
from reference.residual import ResidualQuantizer, ResidualResult, quantize_residual
from reference.results import Gradients, Result
from reference.state import initial_state

__all__ = [  # noqa: PLE0604 - names of the parts' modules
    *parts.__all__,
    "CosineVQResult",
    "FiniteScalarResult",
    "Gradients",
    "Quantizer",
    "ReplacementState",
    "ResidualQuantizer",
    "ResidualResult",
    "Result",
    "VQResult",
    "cosine_knn_vector_quantization",
    "cosine_vector_quantization",
    "finite_scalar_gradient",
    "finite_scalar_quantization",
    "initial_state",
    "quantize",
    "quantize_residual",
    "train_replicas",
    "vector_quantization",
]
