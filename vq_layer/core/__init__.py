"""The heart: one pass of a quantizer, and its compositions."""
