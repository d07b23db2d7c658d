"""The layer by the formulas of keras.io as an implementation to verify."""

from typing import ClassVar

import tensorflow as tf

from .keras_io_layer import VectorQuantizer
from .taped import gradients


class KerasIO:
    """The layer, under a policy of the dtype of x."""

    name = "keras.io's formulas"
    validates = False
    offers: ClassVar = {
        "dtypes": ("float64", "float32"),
        "norms": (2,),
        "losses": ("codebook_loss", "commitment_loss"),
        "dim_reductions": (),
        "votes": (),
    }

    def call(self, case, x):
        """Return what a layer gives: its embeddings, a tape, indices, output and losses by name."""
        dtype = x.dtype.name if x.dtype.size > 2 else f"mixed_{x.dtype.name}"
        weights = [case.weights.get(name, 0.0) for name in self.offers["losses"]]
        layer = VectorQuantizer(len(case.emb_space), codebook=weights[0], commitment=weights[1], dtype=dtype)
        layer.build((None, case.emb_space.shape[1]))
        layer.embeddings.assign(case.emb_space.T)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([x, layer.embeddings.value])
            layer_out = tf.reshape(layer(tf.reshape(x, [-1, case.emb_space.shape[1]])), x.shape)
            losses = dict(zip(self.offers["losses"], layer.losses, strict=True))
        return layer, tape, layer_out, {name: losses[name] for name in case.losses}

    def quantize(self, case):
        """Look up."""
        layer, _, layer_out, losses = self.call(case, tf.constant(case.x))
        return {
            "layer_out": layer_out.numpy(),
            "emb_index": layer.indices.numpy().reshape(len(case.x), case.x.shape[1] * case.num_splits),
            "losses": {name: loss.numpy() for name, loss in losses.items()},
        }

    def gradients(self, case, upstream):
        """Differentiate."""
        x = tf.constant(case.x)
        layer, tape, layer_out, losses = self.call(case, x)
        return gradients(tape, x, layer.embeddings.value, layer_out, upstream, losses)


class InHalf(KerasIO):
    """The layer under a mixed policy."""

    name = "keras.io's formulas under a mixed policy"
    offers: ClassVar = {**KerasIO.offers, "dtypes": ("float16", "bfloat16")}
