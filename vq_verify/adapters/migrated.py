"""The functions for graphs in a program that was migrated from TensorFlow 1; only in a process of its own."""

import tensorflow as tf

from vq_verify.adapters.graph import GraphFunctions


class MigratedGraphFunctions(GraphFunctions):
    """The same adapter, in a process that it turns to the behaviour of TensorFlow 1, which nothing turns back."""

    name = "migrated"

    def __init__(self, compilation: str = "plain") -> None:
        tf.compat.v1.disable_v2_behavior()  # what nearly every migrated program begins with
        super().__init__(compilation)


def compiled() -> GraphFunctions:
    """Return the adapter that lets XLA compile every lookup."""
    return MigratedGraphFunctions("compiled")
