"""The oracle: vector quantization in plain NumPy and SciPy, float64, written to be read.

It implements every clause of ``SPEC.md`` by the shortest honest expression of its equation and never imports
TensorFlow. Where this package and ``vq_layer`` disagree, this package is right; where it and ``SPEC.md`` disagree,
``SPEC.md`` is.
"""

from reference.quantizers import (
    CosineVQResult,
    VQResult,
    cosine_knn_vector_quantization,
    cosine_vector_quantization,
    vector_quantization,
)
from reference.replacement import ReplacementState

__all__ = [
    "CosineVQResult",
    "ReplacementState",
    "VQResult",
    "cosine_knn_vector_quantization",
    "cosine_vector_quantization",
    "vector_quantization",
]
