"""Speed and memory of the layers, beside those of their rivals; see README.md."""
