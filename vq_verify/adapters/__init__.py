"""Adapters for what is shipped here: the oracle, the functions for graphs, and the Keras layers."""
