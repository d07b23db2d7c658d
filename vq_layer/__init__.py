"""Vector quantization for TensorFlow: functions for graphs, layers for Keras 3."""

from importlib.metadata import version

from vq_layer.functions import vector_quantization
from vq_layer.layers import VectorQuantization
from vq_layer.quantizers import VQEndpoints

__version__ = version("vq-layer")
__all__ = ["VQEndpoints", "VectorQuantization", "vector_quantization"]
