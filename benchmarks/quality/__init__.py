"""What the layer learns, beside what its peers learn; see ../README.md."""
