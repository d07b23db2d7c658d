"""Gradients of layers in TensorFlow."""

import tensorflow as tf


def gradients(tape, x, embeddings, layer_out, upstream, losses):
    """Return the gradients by name; `embeddings` has an embedding a column, as Sonnet and keras.io have it."""

    def to(target, upstream=None):
        to_x, to_e = tape.gradient(target, [x, embeddings], upstream, unconnected_gradients="zero")
        return to_x.numpy(), to_e.numpy().T

    of_output, of_losses = to(layer_out, tf.constant(upstream)), {name: to(loss) for name, loss in losses.items()}
    return {
        "output_to_x": of_output[0],
        "output_to_emb_space": of_output[1],
        "losses_to_x": {name: it[0] for name, it in of_losses.items()},
        "losses_to_emb_space": {name: it[1] for name, it in of_losses.items()},
    }
