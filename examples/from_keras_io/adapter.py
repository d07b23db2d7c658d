"""Each step as an implementation to verify."""

from typing import ClassVar

import numpy as np
import tensorflow as tf

LOSSES = ("codebook_loss", "commitment_loss")


class Adapter:
    """A layer of these steps under a policy of the dtype of x; what it does not have, it does not offer.

    Parameters
    ----------
    layer : type
        The class of the layer.
    """

    validates = False
    offers: ClassVar = {"norms": (2,), "losses": LOSSES, "dim_reductions": (), "votes": ()}

    def __init__(self, layer):
        self.layer, self.name = layer, layer.__name__

    def call(self, case, x):
        """Return the layer after a call, what it puts out, and its losses by name."""
        dtype = x.dtype.name if x.dtype.size > 2 else f"mixed_{x.dtype.name}"
        weights = [case.weights.get(name, 0.0) for name in LOSSES]
        layer = self.layer(len(case.emb_space), codebook=weights[0], commitment=weights[1], dtype=dtype)
        layer.build((None, case.emb_space.shape[1]))
        layer.embeddings.assign(case.emb_space.T)
        layer_out = tf.reshape(layer(tf.reshape(x, [-1, case.emb_space.shape[1]])), x.shape)
        losses = dict(zip(LOSSES, layer.losses, strict=True))
        return layer, layer_out, {name: losses[name] for name in case.losses}

    def quantize(self, case):
        """Look up; the counts are of the indices."""
        layer, layer_out, losses = self.call(case, tf.constant(case.x))
        index = layer.index.numpy()
        return {
            "layer_out": layer_out.numpy(),
            "emb_index": index.reshape(len(case.x), case.x.shape[1] * case.num_splits),
            "access_count": np.bincount(index[index >= 0], minlength=len(case.emb_space)).astype(np.float32),
            "losses": {name: loss.numpy() for name, loss in losses.items()},
        }

    def gradients(self, case, upstream):
        """Differentiate."""
        x = tf.constant(case.x)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            layer, layer_out, losses = self.call(case, x)

        def to(target, upstream=None):
            sources = [x, layer.embeddings.value]
            to_x, to_e = tape.gradient(target, sources, upstream, unconnected_gradients="zero")
            return to_x.numpy(), to_e.numpy().T

        of_output, of_losses = to(layer_out, tf.constant(upstream)), {name: to(loss) for name, loss in losses.items()}
        return {
            "output_to_x": of_output[0],
            "output_to_emb_space": of_output[1],
            "losses_to_x": {name: it[0] for name, it in of_losses.items()},
            "losses_to_emb_space": {name: it[1] for name, it in of_losses.items()},
        }
