"""The plain formula in TensorFlow as an implementation to verify: differences, norms, argmin, rows; no product."""

from typing import ClassVar

import tensorflow as tf

from vq_verify.protocol import ALL


class Formula:
    """Everything in the dtype of x, as who writes the formula down will have it; output and losses as of 2018."""

    name = "TensorFlow's formula"
    validates = False
    offers: ClassVar = {
        "dtypes": ("float64", "float32"),
        "norms": ALL,
        "losses": ("alpha_loss", "beta_loss"),
        "dim_reductions": (),
        "votes": (),
    }

    def call(self, case, emb_space):
        """Return distances, indices, output and losses."""
        x = tf.reshape(tf.constant(case.x), [-1, 1, emb_space.shape[1]])
        distance = tf.norm(x - emb_space, ord=case.lookup_ord, axis=-1)
        emb_index = tf.argmin(distance, axis=-1)
        losses = {
            "alpha_loss": tf.reduce_mean(tf.gather(distance, emb_index, batch_dims=1)),
            "beta_loss": tf.reduce_mean(tf.reduce_sum(distance, axis=-1)),
        }
        weighted = {name: losses[name] * tf.constant(case.weights[name], distance.dtype) for name in case.losses}
        return distance, emb_index, tf.gather(emb_space, emb_index), weighted

    def quantize(self, case):
        """Look up."""
        shape = len(case.x), case.x.shape[1] * case.num_splits
        distance, emb_index, rows, losses = self.call(case, tf.cast(case.emb_space, case.x.dtype.name))
        return {
            "layer_out": rows.numpy().reshape(case.x.shape),
            "emb_index": emb_index.numpy().reshape(shape),
            "access_count": tf.math.bincount(emb_index, minlength=len(case.emb_space), dtype=tf.float32).numpy(),
            "distance": distance.numpy().reshape(*shape, len(case.emb_space)),
            "losses": {name: loss.numpy() for name, loss in losses.items()},
        }

    def gradients(self, case, upstream):  # noqa: ARG002 - its output has no gradient
        """Differentiate the losses by the embedding space."""
        emb_space = tf.cast(case.emb_space, case.x.dtype.name)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(emb_space)
            *_, losses = self.call(case, emb_space)
        return {"losses_to_emb_space": {name: tape.gradient(loss, emb_space).numpy() for name, loss in losses.items()}}


class InHalf(Formula):
    """The same of half types."""

    name = "TensorFlow's formula in half types"
    offers: ClassVar = {**Formula.offers, "dtypes": ("float16", "bfloat16")}
