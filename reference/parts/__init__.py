"""The parts that a quantizer is put together from: each a small frozen object that checks itself (VQ-17)."""
