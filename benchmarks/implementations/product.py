"""A bare matrix product in TensorFlow, in a graph: what ranks embeddings under L2 and by cosine, rounding aside."""

import tensorflow as tf

from benchmarks.data import Data
from benchmarks.implementations import Call
from benchmarks.settings import NUM_CLASSES, K, Setting


def lookup(_setting: Setting, data: Data) -> Call:
    """Return the argmin of ``||e||² - 2 x·e``, which is ``||x - e||²`` but for a constant of each vector."""
    vectors, emb_space = tf.constant(data.vectors), tf.constant(data.emb_space)

    @tf.function
    def nearest(vectors: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
        squared = tf.reduce_sum(tf.square(emb_space), axis=-1)
        return tf.argmin(squared - 2 * tf.matmul(vectors, emb_space, transpose_b=True), axis=-1)

    return lambda: [nearest(vectors, emb_space).numpy()]


def vote(_setting: Setting, data: Data) -> Call:
    """Return the first embedding that bears the label most common among the k largest of the full similarity matrix."""
    x, emb_space, emb_labels = (tf.constant(array) for array in (data.x, data.emb_space, data.emb_labels))

    @tf.function
    def elect(x: tf.Tensor, emb_space: tf.Tensor, emb_labels: tf.Tensor) -> tf.Tensor:
        unit_x, unit_emb_space = tf.math.l2_normalize(x, axis=-1), tf.math.l2_normalize(emb_space, axis=-1)
        voters = tf.math.top_k(tf.matmul(unit_x, unit_emb_space, transpose_b=True), K).indices
        votes = tf.reduce_sum(tf.one_hot(tf.gather(emb_labels, voters), NUM_CLASSES), axis=-2)
        first = tf.math.unsorted_segment_min(tf.range(tf.shape(emb_labels)[0]), emb_labels, NUM_CLASSES)
        return tf.gather(first, tf.argmax(votes, axis=-1))

    return lambda: [elect(x, emb_space, emb_labels).numpy()]
