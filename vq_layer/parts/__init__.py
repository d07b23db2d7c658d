"""What a quantizer is put together from."""
