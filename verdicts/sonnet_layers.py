"""`VectorQuantizer` of Sonnet as an implementation to verify."""

from typing import ClassVar

import numpy as np
import sonnet as snt
import tensorflow as tf

from .taped import gradients


class VectorQuantizer:
    """A quantizer whose loss is that of the codebook, with a commitment cost of 0."""

    name = "Sonnet"
    validates = False
    offers: ClassVar = {
        "dtypes": ("float64", "float32"),
        "norms": (2,),
        "losses": ("codebook_loss",),
        "dim_reductions": (),
        "votes": (),
    }

    def empty(self, case, dtype):
        """Return a layer."""
        return snt.nets.VectorQuantizer(case.emb_space.shape[1], len(case.emb_space), 0.0, dtype)

    def layer(self, case):
        """Return a layer with this embedding space."""
        layer = self.empty(case, tf.as_dtype(case.x.dtype.name))
        layer.embeddings.assign(tf.cast(tf.constant(case.emb_space.T), layer.embeddings.dtype))
        return layer

    def weighted(self, loss, case):
        """Return the loss by name: its weight is the caller's factor."""
        return {name: loss * tf.constant(case.weights[name], loss.dtype) for name in case.losses}

    def call(self, case, x):
        """Return the layer, and its results for vectors, ``[batch * m, d]``, and the losses by name."""
        layer = self.layer(case)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([x, layer.embeddings])
            found = layer(tf.reshape(x, [-1, case.emb_space.shape[1]]), is_training=False)
            layer_out = tf.reshape(found["quantize"], x.shape)
            losses = self.weighted(found["loss"], case)
        return layer, tape, found, layer_out, losses

    def quantize(self, case):
        """Look up; its distances are squared, of which those below 0 count as 0 here."""
        _, _, found, layer_out, losses = self.call(case, tf.constant(case.x))
        shape = len(case.x), case.x.shape[1] * case.num_splits
        squared = np.maximum(found["distances"].numpy().astype(case.emb_space.dtype), 0)
        return {
            "layer_out": layer_out.numpy(),
            "emb_index": found["encoding_indices"].numpy().reshape(shape),
            "access_count": found["encodings"].numpy().astype(np.float32).sum(0),
            "distance": np.sqrt(squared).reshape(*shape, len(case.emb_space)),
            "losses": {name: loss.numpy() for name, loss in losses.items()},
        }

    def gradients(self, case, upstream):
        """Differentiate."""
        x = tf.constant(case.x)
        layer, tape, _, layer_out, losses = self.call(case, x)
        return gradients(tape, x, layer.embeddings, layer_out, upstream, losses)

    def decode(self, case, emb_index):
        """Decode."""
        return self.layer(case).quantize(emb_index).numpy().reshape(*emb_index.shape[:-1], case.x.shape[-1])
