"""The Keras 3 layers."""

from typing import Any

import keras
import tensorflow as tf

from vq_layer import quantizers, validation
from vq_layer.distances import comparison_dtype, pairwise_distance
from vq_layer.lookup import nearest, select
from vq_layer.quantizers import VQEndpoints
from vq_layer.splitting import split


@keras.saving.register_keras_serializable(package="vq_layer")
class VectorQuantization(keras.layers.Layer):
    """Replace every vector of the input by the nearest embedding of a trainable embedding space.

    The losses that train the embedding space come out through `add_loss`, so that `fit` adds them to the objective,
    in this order: alpha-loss (mean over all vectors of ``alpha * ||nearest embedding - vector||_p``), beta-loss (mean
    over all vectors of ``beta * sum over all embeddings of ||vector - embedding||_p``), Coulomb-loss
    (``-gamma * sum over all embeddings of the distance to the nearest other one``). The gradient to the input is the
    identity.

    Parameters
    ----------
    n : int
        The number of embeddings.
    alpha, beta, gamma : float
        The weights of the losses. A loss whose weight is 0 is absent; with all three at 0 the embedding space is not
        trainable.
    lookup_ord : {1, 2, numpy.inf}
        The order p of the norm; L2 is not squared.
    embedding_initializer : Keras initializer or its name
        How the embedding space starts.
    num_splits : int
        How many vectors the last axis of the input holds, a divisor of q.
    return_endpoints : bool
        Whether a call returns `VQEndpoints`.
    **kwargs
        Those of `keras.layers.Layer`.

    Input shape
    -----------
    ``[batch, ..., q]``, any rank from 2, q static.

    Output shape
    ------------
    That of the input. Each vector of size ``d = q / num_splits`` is a row of the embedding space, bit for bit. Ties go
    to the lowest index. A vector with a NaN or infinite coordinate comes out as NaN.

    Examples
    --------
    >>> layer = VectorQuantization(2, num_splits=2)
    >>> layer.build((None, 2))
    >>> layer.emb_space.assign([[0.0], [1.0]])
    >>> layer.encode([[0.2, 0.9]]).numpy()
    array([[0, 1]])
    >>> layer(keras.ops.array([[0.2, 0.9]])).numpy()
    array([[0., 1.]], dtype=float32)

    References
    ----------
    van den Oord, Vinyals, Kavukcuoglu, "Neural Discrete Representation Learning", 2017.
    """

    def __init__(
        self,
        n: int,
        alpha: float = 0.1,
        beta: float = 1e-4,
        gamma: float = 1e-6,
        lookup_ord: float = 2,
        embedding_initializer: Any = None,
        num_splits: int = 1,
        return_endpoints: bool = False,
        **kwargs: Any,
    ) -> None:
        validation.check_num_embeds(n)
        validation.check_num_splits(num_splits)
        validation.check_lookup_ord(lookup_ord)
        for weight_name, weight in (("alpha", alpha), ("beta", beta), ("gamma", gamma)):
            validation.check_weight(weight_name, weight)
        super().__init__(**kwargs)
        self.n = int(n)
        self.alpha, self.beta, self.gamma = float(alpha), float(beta), float(gamma)
        self.lookup_ord = float(lookup_ord)
        self.embedding_initializer = keras.initializers.get(
            keras.initializers.RandomNormal(stddev=1.0) if embedding_initializer is None else embedding_initializer
        )
        self.num_splits = int(num_splits)
        self.return_endpoints = bool(return_endpoints)

    def build(self, input_shape: Any) -> None:
        """Create the embedding space for inputs of this shape, ``[batch, ..., q]``."""
        d = validation.vector_size(tf.TensorShape(input_shape), self.num_splits)
        self.input_spec = keras.layers.InputSpec(min_ndim=2, axes={-1: d * self.num_splits})
        self.emb_space = self.add_weight(
            name="emb_space",
            shape=(self.n, d),
            dtype=comparison_dtype(tf.as_dtype(self.compute_dtype)).name,
            initializer=self.embedding_initializer,
            trainable=any((self.alpha, self.beta, self.gamma)),
            autocast=False,
        )

    def __call__(self, x: Any, **kwargs: Any) -> tf.Tensor | VQEndpoints:
        """Quantize x, ``[batch, ..., q]``; return the output, or `VQEndpoints` with `return_endpoints`."""
        # A functional model admits only tensors as outputs of `call`, so the two endpoints of graphs join here.
        result = super().__call__(x, **kwargs)
        return VQEndpoints._make((*result, None, None)) if self.return_endpoints else result

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor | tuple[tf.Tensor, ...]:
        """Quantize x and add the losses; see `__call__`."""
        del training
        validation.check_floating(x)
        emb_space = tf.convert_to_tensor(self.emb_space)
        result = quantizers.vector_quantization(
            x,
            emb_space,
            alpha=self.alpha,
            beta=self.beta,
            gamma=self.gamma,
            lookup_ord=self.lookup_ord,
            num_splits=self.num_splits,
            return_spacing=self.return_endpoints,
        )
        for loss in result.losses.values():
            self.add_loss(loss)
        if not self.return_endpoints:
            return result.layer_out
        return (
            result.layer_out,
            emb_space,
            result.access_count,
            result.distance,
            result.emb_spacing,
            result.emb_closest_spacing,
        )

    def encode(self, x: Any) -> tf.Tensor:
        """Return the indices of the nearest embeddings: ``[..., q] -> [..., num_splits]``, int64.

        -1 for a vector with a NaN or infinite coordinate. Builds the layer if it is not built yet.
        """
        x = tf.convert_to_tensor(x, self.compute_dtype)
        if not self.built:
            self.build(x.shape)
        vectors = tf.cast(split(x, self.num_splits), self.emb_space.dtype)
        index = nearest(pairwise_distance(vectors, tf.convert_to_tensor(self.emb_space), self.lookup_ord))
        return tf.reshape(index, tf.concat([tf.shape(x)[:-1], [self.num_splits]], axis=0))

    def decode(self, emb_index: Any) -> tf.Tensor:
        """Return the vectors at the given indices: ``[..., num_splits] -> [..., q]``; a row of NaN for -1."""
        chosen = tf.cast(
            select(tf.convert_to_tensor(self.emb_space), tf.convert_to_tensor(emb_index)), self.compute_dtype
        )
        q = self.num_splits * self.emb_space.shape[-1]
        return tf.reshape(chosen, tf.concat([tf.shape(emb_index)[:-1], [q]], axis=0))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, serializable."""
        return {
            **super().get_config(),
            "n": self.n,
            "alpha": self.alpha,
            "beta": self.beta,
            "gamma": self.gamma,
            "lookup_ord": self.lookup_ord,
            "embedding_initializer": keras.initializers.serialize(self.embedding_initializer),
            "num_splits": self.num_splits,
            "return_endpoints": self.return_endpoints,
        }
