"""Layers under a strategy of `tf.distribute`, beside the same on one device."""
