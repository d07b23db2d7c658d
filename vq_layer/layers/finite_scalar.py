"""The layer without a codebook: finite scalar quantization (VQ-29)."""

import math
from typing import Any

import keras
import tensorflow as tf

from vq_layer import validation
from vq_layer.core.finite_scalar import LARGEST_COUNTED, decoded, finite_scalar_quantization
from vq_layer.layers import checks
from vq_layer.layers.endpoints import endpoints
from vq_layer.layers.metrics import Seen, increments
from vq_layer.layers.observed import observe
from vq_layer.layers.vector_layer import VectorLayer, as_tensor
from vq_layer.shapes import unflattened
from vq_layer.tracing import as_it_stands


@keras.saving.register_keras_serializable(package="vq_layer")
class FiniteScalarQuantization(VectorLayer):
    """Replace every coordinate of the input by one of few values: bound it by a tanh, and round it.

    The vectors that can come out are a fixed grid of n, the product of the levels. There is nothing to train, no loss
    and no weight, and training and inference do the same. A gradient passes the rounding as it is, and the tanh.

    `fit` and `evaluate` report the metrics ``perplexity`` and ``codebook_usage``, as those of `VectorQuantization`,
    unless n is above 2^20.

    Parameters
    ----------
    levels : list or tuple of d int
        How many values each coordinate of a vector can take, from 2 to 2^16; their product is below 2^63. The paper's
        table 1 recommends ``[8, 6, 5]`` for 2^8 codes, ``[8, 5, 5, 5]`` for 2^10 and ``[7, 5, 5, 5, 5]`` for 2^12.
    num_splits : int
        How many vectors the last axis of the input holds: ``q = num_splits * d``.
    return_endpoints : bool
        Whether a call returns `Endpoints`: the output, ``emb_index`` and, unless n is above 2^20, ``access_count``.
    **kwargs
        Those of `keras.layers.Layer`.

    Notes
    -----
    The input has the shape ``[batch, ..., q]``, any rank from 2, q static.

    The output has that of the input, with values in [-1, 1]. A vector with a NaN or infinite coordinate comes out as
    NaN, and has the gradient 0. A masked one comes out as it is, and is otherwise as if it were not there; the mask
    passes through.

    Examples
    --------
    >>> layer = FiniteScalarQuantization([3, 4])
    >>> layer(keras.ops.array([[-9.0, 0.3], [0.6, 9.0]])).numpy()
    array([[-1. ,  0. ],
           [ 1. ,  0.5]], dtype=float32)
    >>> layer.encode([[-9.0, 0.3], [0.6, 9.0]]).numpy()
    array([[ 6],
           [11]])

    References
    ----------
    Mentzer, Minnen, Agustsson, Tschannen, "Finite Scalar Quantization: VQ-VAE Made Simple", 2023.
    """

    def __init__(self, levels: Any, *, num_splits: int = 1, return_endpoints: bool = False, **kwargs: Any) -> None:
        validation.check_levels(levels)
        validation.check_num_splits(num_splits)
        super().__init__(return_endpoints, **kwargs)
        self.levels, self.num_splits = tuple(map(int, levels)), int(num_splits)
        if self.n <= LARGEST_COUNTED:
            self.watch(1, self.n)

    @property
    def n(self) -> int:
        """How many vectors the grid has."""
        return math.prod(self.levels)

    def build(self, input_shape: Any) -> None:
        """Check that inputs of this shape, ``[batch, ..., q]``, fit; there are no weights."""
        x_shape = tf.TensorShape(input_shape)
        checks.check_layer_shape(x_shape)
        validation.check_levels_fit(self.levels, self.num_splits, x_shape)

    def quantized(self, x: tf.Tensor, training: bool | None, mask: Any) -> Any:
        """Quantize x, and count the usage; see `__call__`."""
        validation.check_floating(x)
        mask = None if mask is None else checks.checked_mask(mask, x)
        result = finite_scalar_quantization(x, self.levels, self.num_splits, mask)
        observe(self, x, result)
        if self._watched:
            self.count(lambda: increments(self._watched, Seen(result.counts)), self.outermost_layer(), training)
        if not self.return_endpoints:
            return result.layer_out
        names = ("layer_out", "emb_index", "access_count")
        return endpoints(**{name: getattr(result, name) for name in names})

    @as_it_stands
    def encode(self, x: Any) -> tf.Tensor:
        """Return the indices of the vectors that those of x are replaced by, int64, ``[..., q] -> [..., num_splits]``.

        -1 for a vector with a NaN or infinite coordinate. Of a symbol of a functional model, symbols.

        Raises
        ------
        ValueError, TypeError
            Where a call would refuse x; lists and arrays of floats are taken as well.
        """
        if isinstance(x, keras.KerasTensor):
            return self(x, method="encode")
        x = self._built_for(x)
        return unflattened(finite_scalar_quantization(x, self.levels, self.num_splits).emb_index, x, self.num_splits)

    @as_it_stands
    def decode(self, emb_index: Any) -> tf.Tensor:
        """Return the vectors at the given indices: ``[..., num_splits] -> [..., q]``; a row of NaN for -1.

        The indices may be of any integer dtype. Of a symbol of a functional model, symbols.

        Raises
        ------
        ValueError, TypeError
            If the last axis is not `num_splits`, or the dtype no integer.
        tf.errors.InvalidArgumentError
            For any other index outside [0, n). Compiled by XLA, which raises nothing, it gives a row of NaN.
        """
        emb_index = as_tensor("emb_index", emb_index)
        checks.check_codes(emb_index, self.num_splits)
        if isinstance(emb_index, keras.KerasTensor):
            return self(emb_index, method="decode", q=self._q)
        return unflattened(decoded(emb_index, self.levels, tf.as_dtype(self.compute_dtype)), emb_index, self._q)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, serializable."""
        return {
            **super().get_config(),
            "levels": list(self.levels),
            "num_splits": self.num_splits,
            "return_endpoints": self.return_endpoints,
        }

    @property
    def _q(self) -> int:
        """The size of the last axis of the input."""
        return self.num_splits * len(self.levels)
