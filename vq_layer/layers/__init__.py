"""The Keras 3 layers: they create what parts declare, and assign what these return."""
