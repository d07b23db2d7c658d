"""Replacement of the least used embeddings by the most distant inputs (VQ-11)."""

from typing import NamedTuple

import tensorflow as tf

from vq_layer.shapes import static_shape


class ReplacementState(NamedTuple):
    """What training passes accumulate between replacements.

    Attributes
    ----------
    usage : tf.Tensor, shape [n], float32
        How often each embedding was chosen.
    distant_inputs : tf.Tensor, shape [R, d]
        The R inputs that were most distant from their nearest embedding, most distant first.
    input_distances : tf.Tensor, shape [R]
        Their distances; 0 marks an empty slot.
    """

    usage: tf.Tensor
    distant_inputs: tf.Tensor
    input_distances: tf.Tensor


def accumulate_nearest(
    state: ReplacementState, access_count: tf.Tensor, vectors: tf.Tensor, nearest_distance: tf.Tensor
) -> ReplacementState:
    """Return the state after a training pass.

    Adds the access counts to the usage, and keeps the R largest of the stored distances followed by those of this
    batch, in row-major order; earlier first on ties. A vector that found no embedding does not enter (VQ-13).

    Parameters
    ----------
    state : ReplacementState
    access_count : tf.Tensor, shape [n]
    vectors : tf.Tensor, shape [batch, m, d]
    nearest_distance : tf.Tensor, shape [batch, m]
        The distance of each vector to the nearest embedding; NaN where it found none.
    """
    # What found none is below every stored distance.
    nearest = tf.where(tf.math.is_nan(nearest_distance), -tf.ones_like(nearest_distance), nearest_distance)
    num_embeds_replaced, d = static_shape(state.distant_inputs)
    distances = tf.concat([state.input_distances, tf.reshape(nearest, [-1])], axis=0)
    inputs = tf.concat([state.distant_inputs, tf.reshape(vectors, [-1, d])], axis=0)
    input_distances, kept = tf.math.top_k(distances, num_embeds_replaced)  # lower index first on ties
    return ReplacementState(state.usage + access_count, tf.gather(inputs, kept), input_distances)


class Replacement(NamedTuple):
    """The outcome of a replacement.

    Attributes
    ----------
    emb_space : tf.Tensor, shape [n, d]
    replaced : tf.Tensor, shape [n], bool
        Which rows are new.
    state : ReplacementState
        Usage and distances are 0.
    """

    emb_space: tf.Tensor
    replaced: tf.Tensor
    state: ReplacementState


def replace_embeds(state: ReplacementState, emb_space: tf.Tensor) -> Replacement:
    """Write the i-th most distant input over the i-th least used embedding; ties go to the lower index.

    A slot is skipped, and uses up no embedding, when it is empty or when its input equals a row of `emb_space` or an
    earlier slot.
    """
    (num_embeds_replaced,) = static_shape(state.input_distances)
    order = tf.argsort(state.input_distances, direction="DESCENDING", stable=True)
    inputs = tf.gather(state.distant_inputs, order)
    known = tf.reduce_any(_equal_rows(inputs, emb_space), axis=-1)
    index = tf.range(num_embeds_replaced)
    repeated = tf.reduce_any(_equal_rows(inputs, inputs) & (index < tf.expand_dims(index, -1)), axis=-1)
    used = (tf.gather(state.input_distances, order) > 0) & ~known & ~repeated
    inputs = tf.boolean_mask(inputs, used)
    targets = tf.argsort(state.usage, stable=True)[: tf.shape(inputs)[0]]
    return Replacement(
        emb_space=tf.tensor_scatter_nd_update(emb_space, tf.expand_dims(targets, -1), inputs),
        replaced=tf.reduce_any(tf.equal(tf.expand_dims(tf.range(static_shape(emb_space)[0]), -1), targets), axis=-1),
        state=ReplacementState(tf.zeros_like(state.usage), state.distant_inputs, tf.zeros_like(state.input_distances)),
    )


def _equal_rows(rows: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    return tf.reduce_all(tf.equal(tf.expand_dims(rows, -2), others), axis=-1)
