"""Vector quantization for TensorFlow: functions for graphs, layers for Keras 3."""

from importlib.metadata import PackageNotFoundError, version

from vq_layer import backend, parts, presets  # noqa: F401 - the first checks what all others need
from vq_layer.graph.endpoints import CosineVQEndpoints, VQEndpoints
from vq_layer.graph.functions import cosine_knn_vector_quantization, cosine_vector_quantization, vector_quantization
from vq_layer.kernels.compilation import get_compilation, set_compilation
from vq_layer.layers.callbacks import ReplaceEmbeddings
from vq_layer.layers.cosine import CosineKNNVectorQuantization, CosineVectorQuantization
from vq_layer.layers.endpoints import Endpoints
from vq_layer.layers.finite_scalar import FiniteScalarQuantization
from vq_layer.layers.monitor import CodebookMonitor
from vq_layer.layers.residual import ResidualEndpoints, ResidualVectorQuantization
from vq_layer.layers.slots import reset_slots
from vq_layer.layers.vector_quantization import VectorQuantization
from vq_layer.parts import *  # noqa: F403

try:
    __version__ = version("vq-layer")
except PackageNotFoundError:  # imported from a checkout that is not installed
    __version__ = "0+unknown"
__all__ = [  # noqa: PLE0604 - names of the parts' modules
    *parts.__all__,
    "CodebookMonitor",
    "CosineKNNVectorQuantization",
    "CosineVQEndpoints",
    "CosineVectorQuantization",
    "Endpoints",
    "FiniteScalarQuantization",
    "ReplaceEmbeddings",
    "ResidualEndpoints",
    "ResidualVectorQuantization",
    "VQEndpoints",
    "VectorQuantization",
    "cosine_knn_vector_quantization",
    "cosine_vector_quantization",
    "get_compilation",
    "presets",
    "reset_slots",
    "set_compilation",
    "vector_quantization",
]
