"""From the layer of keras.io's VQ-VAE example to one that keeps the specification, step by step."""
