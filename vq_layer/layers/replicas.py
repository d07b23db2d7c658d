"""The replicas of `tf.distribute` among which a layer is called."""

import keras
import tensorflow as tf

from vq_layer.core.replicas import Replicas
from vq_layer.layers.on_demand import losses_apart


def replicas_here(outermost: keras.layers.Layer) -> Replicas | None:
    """Return the replicas of the strategy, of which this is one; None where it is alone, or none runs yet.

    Parameters
    ----------
    outermost : keras.layers.Layer
        The layer or the model whose call led to this one.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return None

    def total(value: tf.Tensor) -> tf.Tensor:
        with losses_apart(outermost):
            return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.stop_gradient(value))

    return Replicas(context.num_replicas_in_sync, tf.cast(context.replica_id_in_sync_group, tf.int32), total)
